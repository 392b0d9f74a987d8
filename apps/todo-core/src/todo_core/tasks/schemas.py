"""What a task looks like from outside, and what is accepted as one."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

TITLE_MAX = 200
DESCRIPTION_MAX = 1000
TAGS_MAX = 10
TAG_MAX = 30
# Of one user. Enough for decades, and a bound on what one account can fill.
TASKS_MAX = 10_000

Status = Literal["all", "pending", "completed"]
Priority = Literal["none", "low", "medium", "high"]
Recurrence = Literal["none", "daily", "weekly", "monthly"]
Sort = Literal[
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "due_at",
    "-due_at",
    "priority",
    "-priority",
    "title",
    "-title",
]

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9990, 1, 1, tzinfo=UTC)


# Of ids. JavaScript, and so many clients, count no further; the database gets there never.
ID_MAX = 2**53 - 1
# Any character but blanks, controls, zero-width and filling ones. In JSON Schema not every
# implementation knows Unicode's classes, so they are written out.
_VISIBLE = (
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


def is_utf8(text: str) -> bool:
    """Return whether UTF-8 can hold the text: not half of a surrogate pair, which JSON can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stored(value: object, constraints: ValidatorFunctionWrapHandler) -> str:
    """Return the text as it is stored: accents composed (NFC), so that one spelling finds another.

    The field's own constraints measure that. Raises ValueError for what PostgreSQL cannot hold
    (the NUL character).
    """
    composed = unicodedata.normalize("NFC", value) if isinstance(value, str) else value
    text: str = constraints(composed)
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


def _visible(value: object, constraints: ValidatorFunctionWrapHandler) -> str:
    """Return the text as it is stored; raise ValueError when nothing of it can be seen."""
    text = _stored(value, constraints)
    if re.search(_VISIBLE, text) is None:
        raise ValueError("must have a visible character")
    return text


def _written(value: object) -> object:
    """Refuse what Pydantic takes for a time, too: seconds since 1970, and dates alone."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[Tt]", value):
        return value
    if isinstance(value, datetime):
        return value
    raise ValueError("must be a time as RFC 3339 writes it, such as 2026-11-23T09:00:00Z")


def _utc(time: datetime) -> datetime:
    # Compared before it is converted: near the ends of the calendar the conversion overflows.
    if not _EARLIEST <= time <= LATEST:
        raise ValueError("must lie between the years 1970 and 9990")
    return time.astimezone(UTC)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be a time zone's name, such as Europe/Berlin") from error
    return name


# Of a text, after its constraints: validators, and what they ask for as the API's document says it.
STORED = WrapValidator(_stored)
STORED_SCHEMA = Field(json_schema_extra={"pattern": r"^[^\u0000]*$"})
VISIBLE = WrapValidator(_visible)
VISIBLE_SCHEMA = Field(json_schema_extra={"pattern": rf"^[^\u0000]*{_VISIBLE}[^\u0000]*$"})
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_MAX),
    VISIBLE,
    VISIBLE_SCHEMA,
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=DESCRIPTION_MAX),
    STORED,
    STORED_SCHEMA,
]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TAG_MAX),
    VISIBLE,
    VISIBLE_SCHEMA,
]
Time = Annotated[AwareDatetime, BeforeValidator(_written)]
DueAt = Annotated[
    Time,
    AfterValidator(_utc),
    Field(json_schema_extra={"pattern": r"^(19[7-9]\d|[2-8]\d{3}|9[0-8]\d\d|99[0-8]\d)-"}),
]


TimeZone = Annotated[
    str,
    AfterValidator(_known_zone),
    StringConstraints(max_length=64),
    Field(
        description="On whose clock a recurring task is due again; UTC without one",
        json_schema_extra={"format": "iana-time-zone"},
    ),
]


class _TaskFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("tags", check_fields=False)
    @classmethod
    def _each_tag_once(cls, tags: list[str] | None) -> list[str] | None:
        return None if tags is None else list(dict.fromkeys(tags))


class TaskCreate(_TaskFields):
    """A new task."""

    title: Title
    description: Description | None = None
    completed: StrictBool = False
    priority: Priority = "none"
    due_at: DueAt | None = None
    tags: list[Tag] = Field(default_factory=list, max_length=TAGS_MAX)
    recurrence: Recurrence = "none"
    time_zone: TimeZone | None = None


_CLEARABLE = frozenset({"description", "due_at", "time_zone", "updated_at"})


def _say_what_may_be_null(schema: dict[str, Any]) -> None:
    """None stands for "not given" here, which JSON says by leaving the field out."""
    for name, field in schema["properties"].items():
        field.pop("default", None)
        if name not in _CLEARABLE:
            (kind,) = (option for option in field.pop("anyOf") if option != {"type": "null"})
            field.update(kind)


class TaskUpdate(_TaskFields):
    """The fields of a task to change; what is not given stays. `updated_at` guards the update."""

    model_config = ConfigDict(json_schema_extra=_say_what_may_be_null)

    title: Title | None = None
    description: Description | None = None
    completed: StrictBool | None = None
    priority: Priority | None = None
    due_at: DueAt | None = None
    tags: list[Tag] | None = Field(default=None, max_length=TAGS_MAX)
    recurrence: Recurrence | None = None
    time_zone: TimeZone | None = None
    updated_at: Time | None = None

    @model_validator(mode="after")
    def _null_only_where_it_means_something(self) -> TaskUpdate:
        for name in self.model_fields_set - _CLEARABLE:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must not be null; leave it out to keep it")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the fields that were given, without the guard."""
        return self.model_dump(exclude_unset=True, exclude={"updated_at"})


class TaskPublic(BaseModel):
    """A task."""

    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    priority: Priority
    due_at: datetime | None
    tags: list[str]
    recurrence: Recurrence
    time_zone: str | None
    created_at: datetime
    updated_at: datetime


class TaskPage(BaseModel):
    """Some tasks, and where the next page begins: null on the last one."""

    items: list[TaskPublic]
    next_cursor: str | None
