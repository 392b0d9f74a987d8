"""Recurrence and cursors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from todo_core.tasks.paging import CURSOR_MAX, read_cursor, write_cursor
from todo_core.tasks.recurrence import next_due

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


@given(due=TIMES, now=TIMES, recurrence=st.sampled_from(["daily", "weekly", "monthly"]))
def test_next_due_is_the_first_after_both(due: datetime, now: datetime, recurrence: str) -> None:
    found = next_due(due, recurrence, due.day, now)  # type: ignore[arg-type]
    assert found > due
    assert found > now
    assert found.timetz() == due.timetz()
    longest = {"daily": 1, "weekly": 7, "monthly": 31}[recurrence]
    assert found - max(due, now) <= timedelta(days=longest)


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
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        read_cursor(text, "-due_at")
    except ValueError:
        return
    raise AssertionError("accepted")
