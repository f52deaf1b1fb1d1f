"""What shortmcp does: plain synchronous functions that know no HTTP and no MCP."""
