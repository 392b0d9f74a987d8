"""Due dates in a sentence, only where the words leave no doubt.

A date counts when it is a full day name, a word such as "tomorrow", or stands behind a preposition
("on mar 5", "at 17:00", "in two days"). "Buy sun screen", "finish the march report" and "call may"
hold none. All dates lie ahead of the clock.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from todo_backend.assistant.offline.vocabulary import NUMBER_WORDS

# A due date without an hour is due at the end of that day.
END_OF_DAY = time(23, 59)

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_PARTS = {
    "morning": time(9), "noon": time(12), "midday": time(12), "lunchtime": time(12),
    "afternoon": time(15), "evening": time(18), "night": time(20), "midnight": time(0),
}  # fmt: skip
_COUNTS = {word: number for word, number in NUMBER_WORDS.items() if number <= 12} | {
    "a": 1,
    "an": 1,
    "a couple of": 2,
    "a few": 3,
}

_DAY = "|".join(_DAYS)
_DAY_SHORT = "mon|tues?|wed|thurs?|fri|sat|sun"
_MONTH = "|".join(_MONTHS)
_MONTH_SHORT = r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
_NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_COUNT = r"\d{1,3}|a couple of|a few|" + "|".join(_COUNTS)
_END = r"(?=$|[\s,.;!?)])"

# In order: a longer phrase stands before the shorter one it begins with.
_DATE = tuple(
    re.compile(rf"\b{pattern}{_END}", re.IGNORECASE)
    for pattern in (
        r"(?:(?:on|by|before|until|due) )?(?P<year>\d{4})-(?P<monthno>\d{2})-(?P<day>\d{2})",
        r"(?:(?:on|by|before|until|due|for) )?(?:the )?day after tomorrow",
        r"(?:(?:by|before|until|due|for) )?(?P<word>today|tonight|tomm?orr?ows?|tmrw)",
        r"(?:in|within) (?P<count>"
        + _COUNT
        + r"|half an) (?P<unit>minute|min|hour|day|week|month|year)s?(?: time)?",
        r"(?P<count>" + _COUNT + r") (?P<unit>day|week|month|year)s? from (?:now|today)",
        r"(?:(?:by|before|at) )(?:the )?end of (?:the |this )?(?P<endof>day|week|month|year)",
        r"(?:(?:by|before|until|for|due) )?(?P<next>next|this) (?P<unit>week|month|year|weekend)",
        rf"(?:(?:on|by|before|until|due|for) )?(?P<every>every) (?P<dayname>{_DAY})",
        rf"(?:(?:on|by|before|until|due|for) )?(?:(?P<next>next|this|coming)"
        rf" )?(?P<dayname>{_DAY})(?! (?:roast|night football|school|times|paper))",
        rf"(?:on|by|before|until|due|next|this) (?P<dayname>{_DAY_SHORT})(?=$|[,.;!?]| at\b)",
        rf"(?:on|by|before|until|due|for) (?:the )?{_NTH}(?: of)? (?P<month>{_MONTH}"
        rf"|{_MONTH_SHORT})\.?(?:,? (?P<year>20\d\d))?",
        rf"(?:on|by|before|until|due|for) (?P<month>{_MONTH}|{_MONTH_SHORT})\.? (?:the"
        rf" )?{_NTH}(?:,? (?P<year>20\d\d))?",
        rf"(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)(?:,? (?P<year>20\d\d))?",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th) of (?P<month>{_MONTH})(?:,? (?P<year>20\d\d))?",
        r"(?:on|by|before|until|for) the (?P<day>\d{1,2})(?:st|nd|rd|th)(?= at\b|$|[,.;!?])",
    )
)
_TIME = tuple(
    re.compile(rf"\b{pattern}{_END}", re.IGNORECASE)
    for pattern in (
        r"(?:(?:at|by|before|around|from) )?(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?"
        r" ?(?P<half>[ap])\.?m\.?",
        r"(?:at|by|before|around) (?P<hour>\d{1,2}):(?P<minute>\d\d)",
        r"(?:at|by) (?P<hour>\d{1,2})(?: o'?clock)?(?: in the (?P<part>morning|afternoon"
        r"|evening))?(?! \w+s\b)",
        r"(?:at|by|before|around) (?P<part>noon|midday|midnight|lunchtime)",
        r"(?:in the|this|at) (?P<part>morning|afternoon|evening|night)",
    )
)
_AFTER_DAY = re.compile(r" (?P<part>morning|afternoon|evening|night)" + _END, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Due:
    """A due date found in a sentence.

    ``at`` is in the time zone of the clock given; ``has_time`` tells whether an hour was said (else
    23:59 is meant). ``phrases`` are the date words as written, ``rest`` the sentence without them.
    """

    at: datetime
    has_time: bool
    phrases: tuple[str, ...]
    rest: str


def find_date(text: str) -> tuple[int, int] | None:
    """Return where the first sure date or hour stands in ``text``, as (start, end), else None."""
    spans = [m.span() for pattern in (*_DATE, *_TIME) if (m := pattern.search(text))]
    return min(spans, default=None)


def parse_due(sentence: str, now: datetime) -> Due | None:
    """Return the due date that ``sentence`` surely names, seen from ``now``; None without one.

    Aware clocks give aware results in the same zone; an hour that a clock change skips moves on.
    """
    day_match = _first(_DATE, sentence)
    part = None
    taken: list[tuple[int, int]] = []
    rest = sentence
    if day_match is not None:
        start, end = day_match.span()
        if (after := _AFTER_DAY.match(sentence, end)) is not None:
            part, end = after["part"], after.end()
        taken.append((start, end))
        rest = sentence[:start] + "\n" * (end - start) + sentence[end:]
    time_match = _first(_TIME, rest)
    clock = _PARTS[part.lower()] if part else None
    if time_match is not None:
        clock = _clock(time_match, part)
        if clock is not None:
            taken.append(time_match.span())
    if not taken:
        return None
    at = _moment(day_match, clock, now)
    if at is None:
        return None
    has_time = clock is not None or _says_time(day_match)
    phrases = tuple(sentence[start:end] for start, end in sorted(taken))
    for start, end in sorted(taken, reverse=True):
        sentence = sentence[:start] + sentence[end:]
    return Due(at, has_time, phrases, re.sub(r"\s+", " ", sentence).strip(" ,;"))


def due_days(phrase: str, now: datetime) -> tuple[date, date] | None:
    """Return the first and the last day that "this week", "by friday" and so on mean, else None."""
    due = parse_due(f"due {phrase}", now)
    if due is None:
        return None
    last = due.at.date()
    words = phrase.lower().split()
    if words[0] in ("by", "before", "until"):
        return date.min, last
    if words[0] in ("this", "next") and words[-1] in ("week", "month", "year"):
        first = now.date() if words[0] == "this" else _end_of(words[-1], now.date())
        if words[0] == "next":
            first += timedelta(days=1)
        return first, _end_of(words[-1], first)
    return last, last


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.search(text))), None)


def _says_time(match: re.Match[str] | None) -> bool:
    if match is None:
        return True
    groups = match.groupdict()
    unit = (groups.get("unit") or "").lower()
    return (groups.get("word") or "").lower() == "tonight" or unit in ("minute", "min", "hour")


def _clock(match: re.Match[str], part: str | None) -> time | None:
    groups = match.groupdict()
    part = (groups.get("part") or part or "").lower() or None
    if groups.get("hour") is None:
        return _PARTS[part] if part else None
    hour, minute = int(groups["hour"]), int(groups.get("minute") or 0)
    half = (groups.get("half") or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif part in ("afternoon", "evening", "night") and 1 <= hour < 12:
        hour += 12
    elif part is None and groups.get("minute") is None and 1 <= hour <= 6:
        # "at 5" is said of the afternoon.
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _moment(match: re.Match[str] | None, clock: time | None, now: datetime) -> datetime | None:
    if match is None:
        assert clock is not None
        at = _on(now.date(), clock, now)
        return at if at > now else _on(now.date() + timedelta(days=1), clock, now)
    groups = {name: value.lower() for name, value in match.groupdict().items() if value}
    word = groups.get("word", "")
    unit = groups.get("unit", "")
    if word == "tonight" and clock is None:
        clock = _PARTS["night"]
    if unit in ("minute", "min", "hour"):
        half = groups["count"] == "half an"
        amount = timedelta(minutes=30) if half else _delta(groups["count"], unit)
        return _later(now, amount)
    day = _day(match[0].lower(), groups, now.date())
    if day is None:
        return None
    at = _on(day, clock or END_OF_DAY, now)
    # To the minute, as the end of a day is: it is not over before its last minute is.
    return at if word or at >= now.replace(second=0, microsecond=0) else None


def _day(phrase: str, groups: dict[str, str], today: date) -> date | None:
    """Return the day that the matched groups mean; None when there is no such day."""
    try:
        if "monthno" in groups:
            return date(int(groups["year"]), int(groups["monthno"]), int(groups["day"]))
        if "day after" in phrase:
            return today + timedelta(days=2)
        if word := groups.get("word"):
            return today if word.startswith("to") and word[2] in "dn" else today + timedelta(days=1)
        if count := groups.get("count"):
            return None if count == "half an" else _add(today, _count(count), groups["unit"])
        if endof := groups.get("endof"):
            return _end_of(endof, today)
        if unit := groups.get("unit"):
            return _week_or_month(groups["next"], unit, today)
        if name := groups.get("dayname"):
            return _weekday(name, groups.get("next"), today)
        if "month" in groups:
            return _month_day(groups, today)
        return _day_of_month(int(groups["day"]), today)
    except (ValueError, OverflowError):
        return None


def _weekday(name: str, which: str | None, today: date) -> date:
    index = next(i for i, day in enumerate(_DAYS) if day.startswith(name[:3]))
    ahead = (index - today.weekday()) % 7 or 7
    if which == "next":
        # "Next Friday" is the Friday of next week.
        ahead = 7 - today.weekday() + index
    return today + timedelta(days=ahead)


def _week_or_month(which: str, unit: str, today: date) -> date:
    if which == "this":
        return _weekday("saturday", None, today) if unit == "weekend" else _end_of(unit, today)
    if unit == "weekend":
        return today + timedelta(days=7 - today.weekday() + 5)
    return _add(today, 1, unit)


def _end_of(unit: str, today: date) -> date:
    if unit == "week":
        return today + timedelta(days=6 - today.weekday())
    if unit == "month":
        return today.replace(day=calendar.monthrange(today.year, today.month)[1])
    return date(today.year, 12, 31) if unit == "year" else today


def _month_day(groups: dict[str, str], today: date) -> date:
    month = next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(groups["month"][:3]))
    day = int(groups["day"])
    if year := groups.get("year"):
        return date(int(year), month, day)
    # 29 February waits for the next leap year, at most eight years away.
    for year_ahead in range(today.year, today.year + 9):
        if day <= calendar.monthrange(year_ahead, month)[1]:
            found = date(year_ahead, month, day)
            if found >= today:
                return found
    raise ValueError(f"no day {day} in month {month}")


def _day_of_month(day: int, today: date) -> date:
    if not 1 <= day <= 31:
        raise ValueError(f"no day {day} in a month")
    found = today.replace(day=1)
    while day > calendar.monthrange(found.year, found.month)[1] or found.replace(day=day) < today:
        found = _add(found, 1, "month")
    return found.replace(day=day)


def _add(day: date, count: int, unit: str) -> date:
    if unit == "day":
        return day + timedelta(days=count)
    if unit == "week":
        return day + timedelta(weeks=count)
    months = count * (12 if unit == "year" else 1) + day.month - 1
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _count(word: str) -> int:
    return int(word) if word.isdecimal() else _COUNTS[word]


def _delta(count: str, unit: str) -> timedelta:
    return timedelta(hours=_count(count)) if unit == "hour" else timedelta(minutes=_count(count))


def _on(day: date, clock: time, now: datetime) -> datetime:
    at = datetime.combine(day, clock, tzinfo=now.tzinfo)
    # Through UTC and back, so that an hour skipped by a clock change becomes a real one.
    return at if now.tzinfo is None else at.astimezone(UTC).astimezone(now.tzinfo)


def _later(now: datetime, amount: timedelta) -> datetime:
    if now.tzinfo is None:
        return now + amount
    return (now.astimezone(UTC) + amount).astimezone(now.tzinfo)
