"""Other services' wire formats: their clients work when they are told another base URL."""

from shortmcp.faces.dialects.face import DialectFace
from shortmcp.faces.dialects.hosts import MappedHosts
from shortmcp.faces.dialects.table import DIALECTS

__all__ = ["DIALECTS", "DialectFace", "MappedHosts"]
