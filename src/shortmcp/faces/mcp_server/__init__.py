"""The MCP face: the catalog's operations as tools over streamable HTTP, in both protocol eras."""

from shortmcp.faces.mcp_server.front import McpFace, make_mcp_face
from shortmcp.faces.mcp_server.transport import AllowedHosts

__all__ = ["AllowedHosts", "McpFace", "make_mcp_face"]
