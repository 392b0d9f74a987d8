"""What the backend and the MCP server share: models, rules, queries, migrations, server parts."""
