"""What the assistant says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from todo_backend.assistant.offline.dates import END_OF_DAY
from todo_backend.assistant.offline.references import MOST_AT_ONCE, choose, zone
from todo_backend.assistant.offline.sentence import capitalized
from todo_backend.assistant.offline.types import About, TaskView, ToolCall

_DAY = "%a %d %b %Y"
_DAY_AND_TIME = f"{_DAY} %H:%M"
# More tasks than this are counted, not listed.
SHOWN = 50

HELP = (
    "I look after your task list. You can say, for example:\n"
    '- "Add a task to buy groceries"\n'
    '- "Show me all my tasks", "What\'s pending?" or "What have I completed?"\n'
    '- "Mark task 3 as complete"\n'
    '- "Delete the meeting task"\n'
    "- \"Change task 1 to 'Call mom tonight'\""
)
NOT_UNDERSTOOD = "I did not understand that as something to do with your tasks. " + HELP
TALK = {
    "greeting": "Hello! " + HELP,
    "thanks": "You're welcome!",
    "goodbye": "Goodbye!",
    "help": HELP,
    "undo": (
        "I can't undo. A deleted task can be added again, a completed one reopened in the task "
        "list, "
        "a changed one changed back. Nothing was changed."
    ),
    "reopen": (
        "I can't mark a task as not done from here; untick it in the task list. Nothing was "
        "changed."
    ),
    "unsupported": (
        "From here I can add, list, complete and delete tasks and change their title and "
        "description; priorities, dates and tags are set in the task list. Nothing was changed."
    ),
    "by_number": (
        "That I can't do with a task from here. I can add, list, complete and delete tasks and "
        "change their title and description; for a new task with a number in its title, say "
        '"add a task called ...". Nothing was changed.'
    ),
    "filter": (
        "I can't choose the tasks to complete or delete that way. Ask me to show them, then say "
        "their numbers. Nothing was changed."
    ),
    "yes": "There is nothing waiting for a yes. " + HELP,
    "no": "All right, nothing was changed.",
}
# What answers a question, by the kind of what is pending.
EXPECTED = {
    "confirm": "Say yes or no.",
    "choose": "Say the number of one of the tasks, or never mind.",
    "title": "Say what the task should be called, or never mind.",
}
KEPT = "All right, nothing was changed."
NOT_LEFT_OUT = (
    "I could not tell which tasks to leave out; say their numbers or words of their titles. "
    "Nothing was changed."
)
ONE_CHANGE = "I can change one task at a time. Nothing was changed."
TOO_MANY = f"I change at most {MOST_AT_ONCE} tasks at once. Nothing was changed."


# Replies are Markdown. Web addresses stay whole, and "_" within a word means nothing.
_MARKS = re.compile(
    r"(?P<address>https?://[^\s<>()]*[^\s<>().,:;!?])|[\\`*~\[]|(?<![^\W_])_|_(?![^\W_])"
)


def literal(text: object) -> str:
    """Return a text that is not ours as Markdown that shows it as it is, on one line."""
    line = re.sub(r"\s*[\r\n]\s*", " ", str(text))
    return _MARKS.sub(lambda mark: mark[0] if mark["address"] else f"\\{mark[0]}", line)


def named(task: TaskView) -> str:
    """Return a task's number and title: ``#3 "Buy milk"``."""
    return f'#{task.id} "{literal(task.title)}"'


def lines(tasks: Sequence[TaskView], marks: Mapping[int, str] | None = None) -> str:
    """Return one line for each task, ticked when completed; what exceeds `SHOWN` is counted.

    ``marks`` is what to say behind the title of the task with that number.
    """
    marks = marks or {}
    rows = [
        f"- {'[x]' if task.completed else '[ ]'} #{task.id} {literal(task.title)}"
        f"{marks.get(task.id, '')}"
        for task in tasks[:SHOWN]
    ]
    if len(tasks) > SHOWN:
        rows.append(f"- ... and {len(tasks) - SHOWN} more")
    return "\n".join(rows)


def count(number: int, kind: str = "", about: About | None = None) -> str:
    """Return "1 task", "2 pending tasks", "no tasks due today" and so on."""
    value = literal(about.value) if about is not None else ""
    before, behind = "", ""
    if about is not None:
        before = {"overdue": "overdue ", "priority": f"{value}-priority "}.get(about.kind, "")
        behind = {
            "due": f" due {value}",
            "tag": f' tagged "{value}"',
            "words": f' about "{value}"',
        }.get(about.kind, "")
    noun = "task" if number == 1 else "tasks"
    return f"{number or 'no'} {kind + ' ' if kind else ''}{before}{noun}{behind}"


def into(arguments: Mapping[str, Any]) -> str:
    """Return what a change makes of a task, for a question: `` to "Buy oat milk"``."""
    return f' to "{literal(arguments["title"])}"' if "title" in arguments else ""


def one_at_a_time(commands: Sequence[str]) -> str:
    """Return the refusal of several commands of which one cannot be carried out as it is."""
    said = ", then ".join(f'"{literal(command)}"' for command in commands)
    return f"One thing at a time, please: {said}. Nothing was changed."


def tasks_of(result: object) -> list[TaskView]:
    """Return the tasks in a list_tasks result: an array of tasks, or an object that holds one.

    Raises ValueError for a number or a time that is none.
    """
    if isinstance(result, Mapping):
        result = next((value for value in result.values() if isinstance(value, list)), [])
    if not isinstance(result, Sequence) or isinstance(result, str):
        return []
    return [
        TaskView(
            int(row["id"]),
            str(row["title"]),
            completed=bool(row.get("completed", False)),
            due_at=datetime.fromisoformat(str(row["due_at"])) if row.get("due_at") else None,
            time_zone=str(row.get("time_zone") or ""),
            priority=str(row.get("priority") or "none"),
            tags=tuple(map(str, row.get("tags") or ())),
        )
        for row in result
        if isinstance(row, Mapping) and "id" in row and "title" in row
    ]


def _due_marks(tasks: Sequence[TaskView], now: datetime) -> dict[int, str]:
    """Return " (due ...)" or " (overdue since ...)" for each open task that has a due date."""
    marks = {}
    for task in tasks:
        if task.due_at is None or task.completed:
            continue
        due = task.due_at
        if due.tzinfo is None or now.tzinfo is None:
            due, now = due.replace(tzinfo=None), now.replace(tzinfo=None)
        word = "overdue since" if due < now else "due"
        marks[task.id] = f" ({word} {_told(due, task.time_zone, now)})"
    return marks


def _told(due: datetime, time_zone: str, now: datetime) -> str:
    """Return a due date on the clock of the task's time zone; else in that of ``now``, by name."""
    if due.tzinfo is None:
        return f"{due:{_DAY_AND_TIME}}"
    known = zone(time_zone)
    if known is None:
        return f"{due.astimezone(now.tzinfo):{_DAY_AND_TIME} %Z}"
    local = due.astimezone(known)
    return f"{local:{_DAY}}" if local.time() == END_OF_DAY else f"{local:{_DAY_AND_TIME}}"


def describe(
    call: ToolCall,
    result: object,
    now: datetime,
    about: About | None = None,
    *,
    cut: bool = False,
) -> str:
    """Return in words what a tool call did, with the task's title.

    ``result`` is what the tool answered: its structured result, or a string when it failed (the
    tool's error text). ``about`` is `Interpretation.about`; ``cut``: there may be older tasks. Due
    dates are told in the task's time zone, or in that of ``now``, which is then named.
    """
    if isinstance(result, str):
        return _failure(call, result)
    if call.name == "list_tasks":
        status = str(call.arguments.get("status", "all"))
        tasks = tasks_of(result)
        found = choose(tasks, about, now)
        marks = _due_marks(tasks, now)
        if about is None or found is None:
            listing = _listing(status, tasks, marks)
            if about is not None:
                listing = f"I can't choose tasks by that; here are all. {listing}"
        else:
            listing = _chosen(about, found, marks)
        if cut:
            listing += f"\nI see only your newest {len(tasks)}."
        offer = "Shall I add it? " + EXPECTED["confirm"] if to_add(call, about, found) else ""
        return f"{listing} {offer}".rstrip()
    answer: Mapping[str, Any] = result if isinstance(result, Mapping) else {}
    title = literal(answer.get("title", call.arguments.get("title", "")))
    number = answer.get("task_id", call.arguments.get("task_id"))
    task = f'task #{number} "{title}"'
    if call.name == "add_task":
        return f"Added {task}."
    if call.name == "complete_task":
        return f"Marked {task} as completed."
    if call.name == "delete_task":
        return f"Deleted {task}."
    if "title" in call.arguments:
        return f'Changed task #{number} to "{title}".'
    return f"Changed the description of {task}."


def to_add(call: ToolCall, about: About | None, found: Sequence[TaskView] | None) -> str:
    """Return the title of what all tasks were searched for in vain, "" where nothing was."""
    if about is None or about.kind != "words" or found is None or found:
        return ""
    return capitalized(about.value) if call.arguments.get("status") == "all" else ""


def no_task(which: str) -> str:
    """Return the refusal of a number that no task has, and how to find the right one."""
    return f'There is no task {which}. Say "show my tasks" to see the numbers. Nothing was changed.'


def _failure(call: ToolCall, error: str) -> str:
    number = call.arguments.get("task_id")
    if number is not None and "not found" in error.lower():
        return no_task(f"#{number}")
    return f"That did not work: {error.rstrip('.')}. Nothing was changed."


def _listing(status: str, tasks: list[TaskView], marks: Mapping[int, str]) -> str:
    kind = "" if status == "all" else status
    if not tasks:
        return f"You have no {kind} tasks." if kind else "Your task list is empty."
    return f"You have {count(len(tasks), kind)}:\n{lines(tasks, marks)}"


def _chosen(about: About, found: list[TaskView], marks: Mapping[int, str]) -> str:
    if about.kind == "number":
        return lines(found, marks) if found else no_task(f"#{about.value}")
    if about.kind == "words":
        value = literal(about.value)
        if not found:
            return f'Nothing on your list is about "{value}".'
        word = "This is" if len(found) == 1 else "These are"
        return f'{word} on your list about "{value}":\n{lines(found, marks)}'
    rows = f":\n{lines(found, marks)}" if found else "."
    return f"You have {count(len(found), about=about)}{rows}"
