"""The engine that needs no model: the rules of `todo_backend.assistant.offline` on the tools."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from todo_core.tasks.service import ALL

from todo_backend.assistant.engine import Event, TextDelta, ToolFinished, ToolStarted, Turn, Waiting
from todo_backend.assistant.offline import (
    Pending,
    ToolCall,
    describe,
    follow_up,
    interpret,
    needs_tasks,
    prepare,
)
from todo_backend.assistant.offline.wording import tasks_of
from todo_backend.assistant.tools import ToolResult, Tools


class OfflineEngine:
    """Understands sentences about tasks by rules; the same sentence has always the same meaning."""

    name = "offline"
    model: str | None = None
    # What it asked or showed last is kept beside the messages.
    history = 0

    def __init__(self) -> None:
        prepare()

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def run(self, turn: Turn, tools: Tools) -> AsyncIterator[Event]:
        pending = _pending(turn.pending)
        ids = (f"call-{number}" for number in count(1))
        tasks = None
        cut = False
        if needs_tasks(turn.message, pending):
            listing = ToolCall("list_tasks", {"status": "all"})
            call_id = next(ids)
            yield ToolStarted(call_id, listing.name, dict(listing.arguments))
            result = await tools.call(listing.name, dict(listing.arguments))
            yield ToolFinished(call_id, result.value, result.error)
            if result.error is not None:
                yield TextDelta(describe(listing, result.error, turn.now))
                return
            tasks = tasks_of(result.value)
            cut = len(tasks) >= ALL
        meant = interpret(turn.message, tasks=tasks, now=turn.now, pending=pending, cut=cut)
        after = meant.pending
        for number, call in enumerate(meant.calls):
            call_id = next(ids)
            yield ToolStarted(call_id, call.name, dict(call.arguments))
            result = await tools.call(call.name, dict(call.arguments))
            yield ToolFinished(call_id, result.value, result.error)
            cut = isinstance(result.value, list) and len(result.value) >= ALL
            told = describe(call, _told(result), turn.now, meant.about, cut=cut)
            yield TextDelta(("\n" if number else "") + told)
            after = follow_up(call, _told(result), turn.now, meant.about) or after
        if meant.reply is not None:
            yield TextDelta(meant.reply)
        yield Waiting(after.to_json() if after is not None else None)


def _told(result: ToolResult) -> Any:
    return result.value if result.error is None else result.error


def _pending(kept: dict[str, Any] | None) -> Pending | None:
    try:
        return None if kept is None else Pending.from_json(kept)
    except ValueError:
        # Another engine, or another version of this one, has left it.
        return None
