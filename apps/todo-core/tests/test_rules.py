"""Recurrence and cursors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from todo_core.tasks.paging import CURSOR_MAX, order, read_cursor, write_cursor
from todo_core.tasks.recurrence import next_due, zone_of
from todo_core.tasks.schemas import LATEST, Sort

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("due", "recurrence", "day", "now", "expected"),
    [
        ("2026-01-31", "monthly", 31, "2026-01-01", "2026-02-28"),
        ("2026-02-28", "monthly", 31, "2026-02-28", "2026-03-31"),
        ("2028-01-31", "monthly", 31, "2028-01-31", "2028-02-29"),
        ("2028-02-29", "monthly", 29, "2029-02-01", "2029-02-28"),
        ("2026-12-15", "monthly", 15, "2026-12-01", "2027-01-15"),
        ("2026-01-01", "daily", 1, "2026-03-05", "2026-03-06"),
        ("2026-01-01", "daily", 1, "2025-12-01", "2026-01-02"),
        ("2026-01-01", "weekly", 1, "2026-01-09", "2026-01-15"),
    ],
)
def test_next_due(due: str, recurrence: str, day: int, now: str, expected: str) -> None:
    def date(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert next_due(date(due), recurrence, day, date(now)) == date(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "due", "recurrence", "day", "expected"),
    [
        # The clocks go forward on 29 March 2026 in Berlin and back on 25 October.
        ("Europe/Berlin", "2026-03-28T22:59Z", "daily", 28, "2026-03-29T21:59Z"),
        ("Europe/Berlin", "2026-10-24T21:59Z", "daily", 24, "2026-10-25T22:59Z"),
        ("Europe/Berlin", "2026-03-27T22:59Z", "weekly", 27, "2026-04-03T21:59Z"),
        # 2:30 does not exist on that day, and exists twice on the other.
        ("Europe/Berlin", "2026-03-28T01:30Z", "daily", 28, "2026-03-29T01:30Z"),
        ("Europe/Berlin", "2026-10-24T00:30Z", "daily", 24, "2026-10-25T00:30Z"),
        ("Europe/Berlin", "2026-10-25T01:30Z", "daily", 25, "2026-10-26T01:30Z"),
        # 23:59 on the 31st in New York is the next month in UTC.
        ("America/New_York", "2026-02-01T04:59Z", "monthly", 31, "2026-03-01T04:59Z"),
        ("America/New_York", "2026-03-01T04:59Z", "monthly", 31, "2026-04-01T03:59Z"),
        ("America/New_York", "2026-02-01T04:59Z", "monthly", 30, "2026-03-01T04:59Z"),
        ("America/New_York", "2028-02-01T04:59Z", "monthly", 29, "2028-03-01T04:59Z"),
        ("America/New_York", "2026-03-07T04:59Z", "weekly", 6, "2026-03-14T03:59Z"),
        ("America/New_York", "2026-11-01T03:59Z", "daily", 31, "2026-11-02T04:59Z"),
        # Known to browsers, and left out by Debian.
        ("Asia/Calcutta", "2026-01-30T18:29Z", "monthly", 30, "2026-02-28T18:29Z"),
        (None, "2026-03-28T22:59Z", "daily", 28, "2026-03-29T22:59Z"),
        ("No/Such_Place", "2026-03-28T22:59Z", "daily", 28, "2026-03-29T22:59Z"),
    ],
)
def test_the_time_on_the_clock_stays(
    zone: str | None, due: str, recurrence: str, day: int, expected: str
) -> None:
    due_at = datetime.fromisoformat(due)
    found = next_due(due_at, recurrence, day, due_at, zone)  # type: ignore[arg-type]
    assert found == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("clock", "recurrence", "expected"),
    [
        (time(2, 30), "daily", "2026-03-30T00:30Z"),
        (time(2, 30), "weekly", "2026-04-05T00:30Z"),
        (time(2, 30), "monthly", "2026-04-29T00:30Z"),
        # Kept by an earlier version, which did not note the time.
        (None, "daily", "2026-03-30T01:30Z"),
        # Changed by an earlier version, which left the time as it was.
        (time(9), "daily", "2026-03-30T01:30Z"),
    ],
)
def test_a_skipped_hour_is_back_the_next_time(
    clock: time | None, recurrence: str, expected: str
) -> None:
    # 3:30 in Berlin, on the day that has no 2:30.
    due = datetime.fromisoformat("2026-03-29T01:30Z")
    found = next_due(due, recurrence, 29, due, "Europe/Berlin", clock)  # type: ignore[arg-type]
    assert found == datetime.fromisoformat(expected)


@given(
    due=TIMES,
    now=TIMES,
    recurrence=st.sampled_from(["daily", "weekly", "monthly"]),
    name=st.sampled_from(
        [None, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
    ),
)
def test_next_due_is_the_first_after_both(
    due: datetime, now: datetime, recurrence: str, name: str | None
) -> None:
    zone = zone_of(name)
    first = due.astimezone(zone)
    found = next_due(due, recurrence, first.day, now, name)  # type: ignore[arg-type]
    assert found is not None
    assert found > due
    assert found > now
    here = found.astimezone(zone)
    skipped = here.replace(tzinfo=None) - first.replace(tzinfo=None)
    if recurrence != "monthly":
        # A skipped hour moves on; on a skipped day (Samoa in 2011) all hours are.
        assert skipped % timedelta(days=1) in (
            timedelta(0),
            timedelta(hours=1),
            timedelta(hours=0.5),
        )
    longest = {"daily": 1, "weekly": 7, "monthly": 31}[recurrence]
    assert found - max(due, now) <= timedelta(days=longest + 1)


@pytest.mark.parametrize("recurrence", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("due", [LATEST, datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_past_the_last_year_there_is_no_next(
    due: datetime, zone: str | None, recurrence: str
) -> None:
    assert next_due(due, recurrence, 31, due, zone) is None  # type: ignore[arg-type]


@given(key=st.text(max_size=50).filter(lambda t: "\x00" not in t), number=st.integers(1, 2**63 - 1))
def test_cursor_comes_back_as_it_was(key: str, number: int) -> None:
    assert read_cursor(write_cursor("title", key, number), "title") == (key, number)


# What takes the most bytes: control characters, astral ones, one that gets longer in lower case.
LONG = st.sampled_from('\x01\x1f\U0001f389\u0130"\\\u2028') | st.characters(
    exclude_categories=["Cs"]
)


@given(title=st.text(LONG, min_size=200, max_size=200), number=st.integers(2**62, 2**63 - 1))
@example("\U0001f389" * 200, 2**63 - 1)
@example("\x01" * 200, 2**63 - 1)
@example("\u0130" * 200, 2**63 - 1)
def test_cursor_behind_the_longest_title_is_accepted(title: str, number: int) -> None:
    cursor = write_cursor("title", title.lower(), number)
    assert len(cursor) <= CURSOR_MAX
    if "\x00" not in title:
        assert read_cursor(cursor, "title") == (title.lower(), number)


@given(st.text(max_size=100))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        read_cursor(text, "-due_at")


# Python reads more times than PostgreSQL does: of every kind, and near the calendar's ends.
WRITTEN = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(
        ["2024-01-01", "20240101", "2024-W01-1", "2024W011", "0001-01-01", "9999-12-31"]
    ),
    st.sampled_from(["T", " ", "Q", "\x00", "\ud800", "\U0001f389"]),
    st.sampled_from(["10", "1000", "10:00:00", "10:00:00,5", "10:00:00.123456789", "24:00:00"]),
    st.sampled_from(["", "Z", "+00:00", "+0530", "+23:59", "-23:59", "+00:00:30.5"]),
)
KEYS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.characters(),
    st.text(st.characters(), max_size=20),
    st.sampled_from(["infinity", "-infinity", "now", "epoch", "2024-01-01", "BC"]),
    st.datetimes().map(datetime.isoformat),
    WRITTEN,
)


@pytest.fixture(scope="module")
def connection(scratch: Any) -> Iterator[psycopg.Connection[Any]]:
    with scratch.superuser() as connection:
        yield connection


@given(sort=st.sampled_from(get_args(Sort)), key=KEYS, number=st.integers(-1, 2**63))
@example("due_at", "2024-W01-1", 1)
@example("due_at", "2024-01-01Q10:00:00+00:00", 1)
@example("-due_at", "2024-01-01T10:00:00,5+00:00", 1)
@example("updated_at", "2024-01-01T10:00:00+23:59", 1)
@example("-updated_at", "20240101T10", 1)
@example("title", "\ud800", 1)
def test_any_key_is_one_that_the_database_takes_or_refused(
    connection: psycopg.Connection[Any], sort: Sort, key: object, number: int
) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([sort, key, number]).encode()).decode()
    try:
        after = read_cursor(cursor, sort)
    except ValueError:
        return
    query = f"SELECT id FROM tasks WHERE {order(sort).after}"  # noqa: S608
    connection.execute(query, dict(zip(("key", "id"), after, strict=True)))


@given(moment=TIMES)
def test_time_of_a_cursor_stays_the_same_moment(moment: datetime) -> None:
    key, _ = read_cursor(write_cursor("due_at", moment.isoformat(), 1), "due_at")
    assert datetime.fromisoformat(str(key)) == moment
