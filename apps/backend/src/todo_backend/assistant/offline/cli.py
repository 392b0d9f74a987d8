"""The command `todo-interpret`: what the offline assistant makes of sentences.

Reads sentences, one a line, from standard input and prints one JSON object a line,
``{"tool": ..., "arguments": {...}}``.

Without --tasks it tells the tool that a sentence is about, with the task in the sentence's own
words: ``delete the meeting task`` gives
``{"tool": "delete_task", "arguments": {"task": "meeting"}}``. With --tasks it tells the call that
would be made, ``{"tool": null, "arguments": {}}`` where the assistant would ask or explain instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from todo_backend.assistant.offline.engine import interpret
from todo_backend.assistant.offline.grammar import Intent, parse
from todo_backend.assistant.offline.sentence import read
from todo_backend.assistant.offline.types import TaskView, ToolCall
from todo_backend.assistant.offline.wording import tasks_of


def intended(sentence: str) -> tuple[str | None, dict[str, Any]]:
    """Return the tool a sentence is about and its arguments, the task in the sentence's own words.

    The tool is None when no task tool applies, or only if a task happened to have such a title.
    """
    intent = parse(read(sentence))
    if intent.tool is None or not intent.sure:
        return None, {}
    if intent.tool == "list_tasks":
        return intent.tool, {"status": intent.status}
    arguments: dict[str, Any] = _task_argument(intent)
    if intent.titles:
        arguments["title"] = intent.titles[0]
    if intent.description is not None:
        arguments["description"] = intent.description
    return intent.tool, arguments


def _task_argument(intent: Intent) -> dict[str, Any]:
    reference = intent.reference
    if reference is None:
        return {}
    if len(reference.numbers) == 1:
        return {"task_id": reference.numbers[0]}
    return {"task": reference.words}


def decided(
    sentence: str, tasks: Sequence[TaskView], now: datetime
) -> tuple[str | None, dict[str, Any]]:
    """Return the first call the assistant would make with these tasks; None when it makes none."""
    calls: tuple[ToolCall, ...] = interpret(sentence, tasks=tasks, now=now).calls
    return (calls[0].name, dict(calls[0].arguments)) if calls else (None, {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="todo-interpret", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--tasks",
        type=_read_tasks,
        metavar="FILE",
        help='JSON file with the user\'s tasks: [{"id": 1, "title": "...", "completed": false}, '
        "...]",
    )
    parser.add_argument(
        "--now",
        type=_read_clock,
        default=datetime.now(UTC),
        metavar="TIME",
        help="the clock, in ISO 8601 (default: now)",
    )
    options = parser.parse_args(argv)
    for line in sys.stdin:
        sentence = line.rstrip("\r\n")
        if options.tasks is None:
            tool, arguments = intended(sentence)
        else:
            tool, arguments = decided(sentence, options.tasks, options.now)
        print(json.dumps({"tool": tool, "arguments": arguments}, ensure_ascii=False), flush=True)
    return 0


def _read_tasks(path: str) -> list[TaskView]:
    try:
        return tasks_of(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{path} is no JSON list of tasks: {error}") from error


def _read_clock(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-11-23T09:00Z"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
