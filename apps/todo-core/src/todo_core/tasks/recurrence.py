"""When a recurring task is due again."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from todo_core.tasks.schemas import Recurrence

_STEPS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


def next_due(due_at: datetime, recurrence: Recurrence, day: int | None, now: datetime) -> datetime:
    """Return the first time after both ``due_at`` and ``now`` that the task is due again.

    ``day`` is the day of the month a monthly task was first due on; a shorter month uses its last
    one.
    Counted in UTC: the hour on the user's clock moves with daylight saving time.
    """
    if recurrence == "none":
        raise ValueError("the task does not recur")
    if recurrence == "monthly":
        return _next_month(due_at, day or due_at.day, now)
    step = _STEPS[recurrence]
    missed = max(0, (now - due_at) // step)
    return due_at + step * (missed + 1)


def _next_month(due_at: datetime, day: int, now: datetime) -> datetime:
    behind = (now.year - due_at.year) * 12 + now.month - due_at.month
    for months in (max(1, behind), max(1, behind) + 1):
        year, month = divmod(due_at.year * 12 + due_at.month - 1 + months, 12)
        last = monthrange(year, month + 1)[1]
        found = due_at.replace(year=year, month=month + 1, day=min(day, last))
        if found > now:
            break
    return found
