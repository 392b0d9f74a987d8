"""Tasks: what they are, the rules about them, the queries."""
