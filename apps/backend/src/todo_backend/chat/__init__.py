"""Chat: conversations and their turns."""
