"""THE TABLE of dialects, by name."""

from collections.abc import Mapping

from shortmcp.faces.dialects.clipsend import CLIPSEND, CLIPSEND_WITH_CONTENT
from shortmcp.faces.dialects.dialect import Dialect
from shortmcp.faces.dialects.slsh import SLSH
from shortmcp.faces.dialects.snipurl_click import SNIPURL_CLICK
from shortmcp.faces.dialects.snipurl_live import SNIPURL_LIVE

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (SLSH, SNIPURL_CLICK, SNIPURL_LIVE, CLIPSEND)}
# The same, where the operator lets contents of unread secrets be listed.
PEEKING_DIALECTS: Mapping[str, Dialect] = {**DIALECTS, CLIPSEND.name: CLIPSEND_WITH_CONTENT}
