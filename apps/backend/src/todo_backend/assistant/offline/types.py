"""What goes into the offline assistant and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast, get_args

ToolName: TypeAlias = Literal[
    "add_task", "list_tasks", "complete_task", "delete_task", "update_task"
]
PendingKind: TypeAlias = Literal["confirm", "choose", "title", "shown"]


@dataclass(frozen=True, slots=True)
class TaskView:
    """The part of a task that a sentence can refer to; ``time_zone`` is where it is due."""

    id: int
    title: str
    completed: bool = False
    due_at: datetime | None = None
    time_zone: str = ""
    priority: str = "none"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What tasks are asked for by, so that only those are told of or acted on.

    ``words`` of a title or a tag, a task's ``number``, ``overdue``, ``due`` when, a ``priority``,
    a ``tag``; ``other``: something that tasks cannot be chosen by.
    """

    kind: Literal["words", "number", "overdue", "due", "priority", "tag", "other"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of an MCP tool, with the arguments exactly as the tool takes them."""

    name: ToolName
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pending:
    """What the assistant has asked or shown, kept with the conversation until the next sentence.

    - ``confirm``: "yes" runs ``tool`` once for each id (or once, when there are no ids);
    - ``choose``: the next sentence names one of ``ids``, on which ``tool`` then runs;
    - ``title``: the next sentence is the title that ``tool`` lacks;
    - ``shown``: the ids of the list last shown, in its order, for "the second one".

    ``arguments`` are the arguments known so far, without ``task_id``. ``missed``: one sentence was
    no answer, and the question was put again.
    """

    kind: PendingKind
    tool: ToolName
    ids: tuple[int, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    missed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and integers, ready for ``json.dumps``."""
        return {
            "kind": self.kind,
            "tool": self.tool,
            "ids": list(self.ids),
            "arguments": dict(self.arguments),
            "missed": self.missed,
        }

    @classmethod
    def from_json(cls, data: object) -> Pending:
        """Return what `to_json` was made from; raise ValueError for anything else."""
        fields = data if isinstance(data, Mapping) else {}
        kind, tool = fields.get("kind"), fields.get("tool")
        ids, arguments = fields.get("ids", []), fields.get("arguments", {})
        if kind not in get_args(PendingKind):
            raise ValueError(f"pending state has an unknown kind: {kind!r}")
        if tool not in get_args(ToolName):
            raise ValueError(f"pending state has an unknown tool: {tool!r}")
        if not isinstance(ids, Sequence) or not all(type(i) is int for i in ids):
            raise ValueError("pending state: ids must be a list of integers")
        if not isinstance(arguments, Mapping) or not all(
            isinstance(part, str) for pair in arguments.items() for part in pair
        ):
            raise ValueError("pending state: arguments must be an object of strings")
        return cls(
            kind=cast(PendingKind, kind),
            tool=cast(ToolName, tool),
            ids=tuple(ids),
            arguments=dict(arguments),
            missed=fields.get("missed") is True,
        )


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What a sentence asks for.

    Either ``calls`` are to be made and each result told with `describe`, or ``reply`` is to be
    said as it is. ``pending`` replaces what the conversation kept before, None clears it.
    ``reason`` names the rule that fired, for logs and tests. ``about``: what a listing was asked
    about ("is milk on my list?"), for `describe` and `follow_up`.
    """

    calls: tuple[ToolCall, ...]
    reply: str | None
    pending: Pending | None
    reason: str
    about: About | None = None
