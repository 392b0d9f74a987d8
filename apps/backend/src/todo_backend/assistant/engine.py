"""What every engine of the assistant is: a turn goes in, events come out, tools do the work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from todo_backend.assistant.tools import Tools


class EngineError(Exception):
    """The engine could not finish the turn; its text may be shown to the user."""


@dataclass(frozen=True, slots=True)
class Said:
    """A stored message."""

    role: str
    content: str
    tool_calls: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user said now, and what was said before, oldest first."""

    message: str
    history: Sequence[Said]
    now: datetime
    # What the assistant asked last and waits for, as an engine has left it.
    pending: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of what the assistant says."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The end of a started call: its result, or the words of its error."""

    id: str
    result: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the assistant waits for from now on, kept with its message."""

    pending: dict[str, Any] | None = field(default=None)


Event: TypeAlias = TextDelta | ToolStarted | ToolFinished | Waiting


class Engine(Protocol):
    """Decides what to say and which tools to call."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str | None: ...

    @property
    def history(self) -> int:
        """How many of the conversation's newest messages the engine reads."""
        ...

    def run(self, turn: Turn, tools: Tools) -> AsyncIterator[Event]:
        """Take one turn. Raises EngineError, and UnavailableError when the tools do not answer."""
        ...

    async def aclose(self) -> None: ...
