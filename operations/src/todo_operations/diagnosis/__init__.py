"""Evidence, rules and findings: what `todo-operations diagnose` is made of."""
