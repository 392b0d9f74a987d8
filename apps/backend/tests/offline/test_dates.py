"""Which words are a date, which day they mean, and which words only look like one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from todo_backend.assistant.offline import parse_due

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "at", "rest"),
    [
        ("call mom tomorrow", "2026-11-24 23:59", "call mom"),
        ("call mom tomorrow at 5pm", "2026-11-24 17:00", "call mom"),
        ("call mom at 5pm tomorrow", "2026-11-24 17:00", "call mom"),
        ("call mom tommorow", "2026-11-24 23:59", "call mom"),
        ("call mom today", "2026-11-23 23:59", "call mom"),
        ("call mom tonight", "2026-11-23 20:00", "call mom"),
        ("call mom at 8 am", "2026-11-24 08:00", "call mom"),
        ("call mom at 5", "2026-11-23 17:00", "call mom"),
        ("call mom at 17:30", "2026-11-23 17:30", "call mom"),
        ("call mom at noon", "2026-11-23 12:00", "call mom"),
        ("pay rent on friday", "2026-11-27 23:59", "pay rent"),
        ("pay rent friday", "2026-11-27 23:59", "pay rent"),
        ("pay rent on monday", "2026-11-30 23:59", "pay rent"),
        ("pay rent next friday", "2026-12-04 23:59", "pay rent"),
        ("pay rent on fri", "2026-11-27 23:59", "pay rent"),
        ("pay rent tuesday morning", "2026-11-24 09:00", "pay rent"),
        ("in 20 minutes check the oven", "2026-11-23 09:20", "check the oven"),
        ("check the oven in an hour", "2026-11-23 10:00", "check the oven"),
        ("check the oven in half an hour", "2026-11-23 09:30", "check the oven"),
        ("renew the pass in two weeks", "2026-12-07 23:59", "renew the pass"),
        ("renew the pass by the end of the month", "2026-11-30 23:59", "renew the pass"),
        ("renew the pass next month", "2026-12-23 23:59", "renew the pass"),
        ("send the report by march 5", "2027-03-05 23:59", "send the report"),
        ("send the report on 5 march 2028", "2028-03-05 23:59", "send the report"),
        ("send the report on dec 1st", "2026-12-01 23:59", "send the report"),
        ("send the report on the 5th", "2026-12-05 23:59", "send the report"),
        ("send the report by 2026-12-24", "2026-12-24 23:59", "send the report"),
        ("party on february 29", "2028-02-29 23:59", "party"),
        ("buy milk the day after tomorrow", "2026-11-25 23:59", "buy milk"),
    ],
)
def test_sure_date(sentence: str, at: str, rest: str) -> None:
    due = parse_due(sentence, MONDAY)
    assert due is not None
    assert due.at.strftime("%Y-%m-%d %H:%M") == at
    assert due.rest == rest
    assert due.at.tzinfo is UTC
    assert due.has_time is (not at.endswith("23:59"))


@pytest.mark.parametrize(
    "sentence",
    [
        "buy sun screen",
        "finish the march report",
        "call may",
        "read the second chapter",
        "buy 3 eggs",
        "meet at the station",
        "put the cat out",
        "wed the designs to the plan",
        "cook sunday roast",
        "buy a mon ami pen",
        "buy 2 at 5 stars",
        "order the mar 5",
        "watch apollo 13",
        "be there at 27:99",
        "pay by 2026-13-45",
        "pay on february 31",
    ],
)
def test_no_sure_date(sentence: str) -> None:
    assert parse_due(sentence, MONDAY) is None


def test_the_zone_of_the_clock_is_kept() -> None:
    now = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("America/New_York"))
    due = parse_due("call mom tomorrow at 5pm", now)
    assert due is not None
    assert due.at.isoformat() == "2026-11-24T17:00:00-05:00"


def test_an_hour_skipped_by_a_clock_change_moves_on() -> None:
    now = datetime(2027, 3, 27, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    due = parse_due("call mom tomorrow at 2:30 am", now)
    assert due is not None
    assert due.at.isoformat() == "2027-03-28T03:30:00+02:00"


def test_hours_are_counted_over_a_clock_change() -> None:
    now = datetime(2027, 3, 28, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    due = parse_due("check the oven in 2 hours", now)
    assert due is not None
    assert due.at - now.astimezone(UTC) == timedelta(hours=2)
    assert due.at.isoformat() == "2027-03-28T04:30:00+02:00"


@pytest.mark.parametrize("phrase", ["by the end of the year", "on the 31st", "on december 31"])
def test_a_day_is_not_over_before_its_last_minute_is(phrase: str) -> None:
    due = parse_due(f"call mom {phrase}", datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC))
    assert due is not None
    assert due.at == datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


PHRASES = (
    "tomorrow", "on friday", "next week", "in 3 days", "on the 31st", "on february 29", "at 5pm",
    "in 40 minutes", "by the end of the year", "this weekend", "next monday at noon", "in 5 months",
)  # fmt: skip


@given(
    phrase=st.sampled_from(PHRASES),
    now=st.datetimes(
        min_value=datetime(2000, 1, 1),
        max_value=datetime(2200, 1, 1),
        timezones=st.sampled_from(
            [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Chatham"), ZoneInfo("Asia/Kolkata")]
        ),
    ),
)
def test_dates_lie_ahead(phrase: str, now: datetime) -> None:
    due = parse_due(f"call mom {phrase}", now)
    assert due is not None
    assert due.at.astimezone(UTC) > now.astimezone(UTC) - timedelta(minutes=1)
    assert due.rest == "call mom"


@given(text=st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    due = parse_due(text, MONDAY)
    assert due is None or all(phrase in text for phrase in due.phrases)
