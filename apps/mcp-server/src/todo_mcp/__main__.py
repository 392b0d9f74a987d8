"""`python -m todo_mcp`: the MCP server."""

from todo_core.observe.logs import configure_logging
from todo_core.serve import serve
from todo_core.settings import load

from todo_mcp.server import create_app
from todo_mcp.settings import McpSettings

if __name__ == "__main__":
    settings = load(McpSettings)
    configure_logging(settings.log_level, service="mcp-server")
    serve(create_app(settings), settings)
