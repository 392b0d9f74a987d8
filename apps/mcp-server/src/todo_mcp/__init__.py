"""The task tools over the Model Context Protocol."""
