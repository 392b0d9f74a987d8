"""Personal access tokens for API and MCP clients."""
