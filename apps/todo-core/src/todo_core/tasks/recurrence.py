"""When a recurring task is due again."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from todo_core.tasks.schemas import LATEST, Recurrence

_STEPS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


def zone_of(name: str | None) -> tzinfo:
    """Return the time zone of a task: UTC without one, or for one that is not known here."""
    try:
        return UTC if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def day_of_month(due_at: datetime | None, time_zone: str | None) -> int | None:
    """Return the day of the month on the clock of the task's time zone."""
    return None if due_at is None else due_at.astimezone(zone_of(time_zone)).day


def next_due(
    due_at: datetime,
    recurrence: Recurrence,
    day: int | None,
    now: datetime,
    time_zone: str | None = None,
) -> datetime | None:
    """Return the first time after both ``due_at`` and ``now`` that the task is due again, in UTC.

    ``day`` is the day of the month a monthly task was first due on; a shorter month uses its last
    one. Counted on the clock of the time zone: 23:59 in Berlin stays 23:59 in Berlin, and an hour
    that a clock change skips moves on. None past the last year that a task may be due in.
    """
    if recurrence == "none":
        raise ValueError("the task does not recur")
    if due_at >= LATEST:
        return None
    zone = zone_of(time_zone)
    first = due_at.astimezone(zone)
    # A clock change or a short month less is made up for below.
    steps = max(1, _missed(first, recurrence, now.astimezone(zone)) - 1)
    while (found := _later(first, recurrence, day or first.day, steps)) <= max(due_at, now):
        steps += 1
    return found.astimezone(UTC) if found <= LATEST else None


def _missed(first: datetime, recurrence: Recurrence, now: datetime) -> int:
    if recurrence == "monthly":
        return (now.year - first.year) * 12 + now.month - first.month
    return int((now - first) // _STEPS[recurrence])


def _later(first: datetime, recurrence: Recurrence, day: int, steps: int) -> datetime:
    """Return the time so many steps later, at the same time of the day."""
    if recurrence != "monthly":
        return first + _STEPS[recurrence] * steps
    year, month = divmod(first.year * 12 + first.month - 1 + steps, 12)
    last = monthrange(year, month + 1)[1]
    return first.replace(year=year, month=month + 1, day=min(day, last))
