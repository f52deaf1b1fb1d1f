"""Other services' wire formats: their clients work when they are told another base URL."""

from shortmcp.faces.dialects.face import DialectFace, Strangers
from shortmcp.faces.dialects.hosts import MappedHosts
from shortmcp.faces.dialects.table import DIALECTS, PEEKING_DIALECTS

__all__ = ["DIALECTS", "PEEKING_DIALECTS", "DialectFace", "MappedHosts", "Strangers"]
