"""The offline assistant: rules instead of a model.

A pure function of the sentence, the user's tasks and the clock. README.md in this folder says how
the parts work together.
"""

from todo_backend.assistant.offline.dates import Due, parse_due
from todo_backend.assistant.offline.engine import follow_up, interpret, needs_tasks
from todo_backend.assistant.offline.grammar import prepare
from todo_backend.assistant.offline.types import Interpretation, Pending, TaskView, ToolCall
from todo_backend.assistant.offline.wording import describe

__all__ = [
    "Due",
    "Interpretation",
    "Pending",
    "TaskView",
    "ToolCall",
    "describe",
    "follow_up",
    "interpret",
    "needs_tasks",
    "parse_due",
    "prepare",
]
