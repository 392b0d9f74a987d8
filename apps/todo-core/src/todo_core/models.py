"""The tables. Migrations make them; a test holds the two together.

Every table that holds a user's data is under row-level security bound to `app.user_id`.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    Time,
    desc,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel


def _id() -> Any:
    return Field(default=None, sa_column=Column(BIGINT, Identity(always=True), primary_key=True))


def _user_id() -> Any:
    column = Column(Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    return Field(sa_column=column)


def _time(*, nullable: bool = False) -> Any:
    """A UTC time; one that may not be null is set by the database."""
    default = None if nullable else func.now()
    column = Column(TIMESTAMP(timezone=True), nullable=nullable, server_default=default)
    return Field(default=None, sa_column=column)


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    email: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str | None = Field(default=None, sa_column=Column(Text))
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    # Each chat turn books its share of a minute; one who has booked a whole minute ahead waits.
    chat_booked_until: datetime | None = _time(nullable=True)
    created_at: datetime = _time()


class Session(SQLModel, table=True):
    """A signed-in browser. Only the SHA-256 of its cookie is kept."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)

    id: int = _id()
    user_id: str = _user_id()
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    created_at: datetime = _time()
    last_used_at: datetime = _time()
    expires_at: datetime = _time()


class AccessToken(SQLModel, table=True):
    """A personal access token for API and MCP clients. Only its SHA-256 is kept."""

    __tablename__ = "access_tokens"
    __table_args__ = (Index("ix_access_tokens_user_id", "user_id"),)

    id: int = _id()
    user_id: str = _user_id()
    name: str = Field(sa_column=Column(Text, nullable=False))
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = _time()
    last_used_at: datetime | None = _time(nullable=True)
    expires_at: datetime = _time()


class LoginFailure(SQLModel, table=True):
    """How often signing in to an account failed of late, by SHA-256 of its address."""

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_last_at", "last_at"),)

    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    failures: int = Field(sa_column=Column(SmallInteger, nullable=False))
    last_at: datetime = _time()


class Task(SQLModel, table=True):
    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("char_length(title) BETWEEN 1 AND 200", name="ck_tasks_title"),
        CheckConstraint("char_length(description) <= 1000", name="ck_tasks_description"),
        CheckConstraint("priority IN ('none', 'low', 'medium', 'high')", name="ck_tasks_priority"),
        CheckConstraint(
            "recurrence IN ('none', 'daily', 'weekly', 'monthly')", name="ck_tasks_recurrence"
        ),
        CheckConstraint("cardinality(tags) <= 10", name="ck_tasks_tags"),
        Index("ix_tasks_user_id_id", "user_id", desc("id")),
        Index(
            "ix_tasks_user_id_id_pending",
            "user_id",
            desc("id"),
            postgresql_where=text("NOT completed"),
        ),
    )

    id: int = _id()
    user_id: str = _user_id()
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str | None = Field(default=None, sa_column=Column(Text))
    completed: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}, nullable=False
    )
    priority: str = Field(sa_column=Column(Text, nullable=False, server_default="none"))
    due_at: datetime | None = _time(nullable=True)
    tags: list[str] = Field(
        sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )
    recurrence: str = Field(sa_column=Column(Text, nullable=False, server_default="none"))
    # The day of the month that a monthly task was first due on: 31 January, 28 February, 31 March.
    recurrence_day: int | None = Field(default=None, sa_column=Column(SmallInteger))
    # The time of the day, likewise: 2:30, then 3:30 on the day that lacks that hour, then 2:30.
    recurrence_time: time | None = Field(default=None, sa_column=Column(Time))
    # IANA's name of the time zone on whose clock the days are counted; UTC without one.
    time_zone: str | None = Field(default=None, sa_column=Column(Text))
    # The task that completing this one made, so that completing it twice makes one.
    successor_id: int | None = Field(default=None, sa_column=Column(BIGINT))
    created_at: datetime = _time()
    updated_at: datetime = _time()


class Conversation(SQLModel, table=True):
    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_user_id_updated_at", "user_id", desc("updated_at")),)

    id: int = _id()
    user_id: str = _user_id()
    title: str = Field(sa_column=Column(Text, nullable=False))
    # A turn holds the conversation until it ends, or until it stops renewing this time.
    turn_id: str | None = Field(default=None, sa_column=Column(Text))
    turn_until: datetime | None = _time(nullable=True)
    created_at: datetime = _time()
    updated_at: datetime = _time()


class Message(SQLModel, table=True):
    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("role IN ('user', 'assistant')", name="ck_messages_role"),
        Index("ix_messages_conversation_id_id", "conversation_id", "id"),
        Index("ix_messages_user_id", "user_id"),
    )

    id: int = _id()
    user_id: str = _user_id()
    conversation_id: int = Field(
        sa_column=Column(BIGINT, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False)
    )
    role: str = Field(sa_column=Column(Text, nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    tool_calls: list[dict[str, Any]] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'[]'"))
    )
    # What the assistant asked and waits for ("really delete everything?").
    pending: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime = _time()
