"""What both servers show of themselves: logs, metrics, health."""
