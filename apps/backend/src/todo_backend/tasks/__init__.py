"""Tasks over REST; the rules are in todo_core.tasks."""
