"""When a recurring task is due again."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from todo_core.tasks.schemas import LATEST, Recurrence

_STEPS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


def zone_of(name: str | None) -> tzinfo:
    """Return the time zone of a task: UTC without one, or for one that is not known here."""
    try:
        return UTC if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def recurs_on(due_at: datetime | None, time_zone: str | None) -> dict[str, int | time | None]:
    """Return the day of the month and the time on the clock of the task's time zone.

    By the names of the columns that keep them for the tasks that follow.
    """
    due = None if due_at is None else due_at.astimezone(zone_of(time_zone))
    return {
        "recurrence_day": None if due is None else due.day,
        "recurrence_time": None if due is None else due.time(),
    }


def next_due(
    due_at: datetime,
    recurrence: Recurrence,
    day: int | None,
    now: datetime,
    time_zone: str | None = None,
    clock: time | None = None,
) -> datetime | None:
    """Return the first time after both ``due_at`` and ``now`` that the task is due again, in UTC.

    ``day`` is the day of the month a monthly task was first due on; a shorter month uses its last
    one. Counted on the clock of the time zone: 23:59 in Berlin stays 23:59 in Berlin, and an hour
    that a clock change skips moves on, for that day alone where ``clock`` tells the time it was
    first due at. None past the last year that a task may be due in.
    """
    if recurrence == "none":
        raise ValueError("the task does not recur")
    if due_at >= LATEST:
        return None
    zone = zone_of(time_zone)
    first = _meant(due_at.astimezone(zone), clock)
    # A clock change or a short month less is made up for below.
    steps = max(1, _missed(first, recurrence, now.astimezone(zone)) - 1)
    while (found := _later(first, recurrence, day or first.day, steps)) <= max(due_at, now):
        steps += 1
    return found.astimezone(UTC) if found <= LATEST else None


def _meant(due: datetime, clock: time | None) -> datetime:
    """Return the same moment by the time of the day that the task was first due at.

    The other one only where it is that moment: a server that does not know the column may have
    given the task another time.
    """
    meant = due if clock is None else datetime.combine(due.date(), clock, due.tzinfo)
    return meant if meant.astimezone(UTC) == due.astimezone(UTC) else due


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
