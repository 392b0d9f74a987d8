"""A list of tasks as the tutorials of FastAPI and SQLModel write it; PG* names the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Cookie, Depends, FastAPI, HTTPException, Query
from sqlalchemy import ARRAY, Column, Text
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

engine = create_engine("postgresql+psycopg2://", pool_size=10)
app = FastAPI()


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: str = Field(primary_key=True)
    email: str
    name: str | None = None


class LoginSession(SQLModel, table=True):
    __tablename__ = "sessions"

    id: int = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    token_hash: bytes
    expires_at: datetime


class TaskBase(SQLModel):
    user_id: str
    title: str
    description: str | None = None
    completed: bool = False
    priority: str = "none"
    due_at: datetime | None = None
    recurrence: str = "none"
    time_zone: str | None = None
    created_at: datetime
    updated_at: datetime


class Task(TaskBase, table=True):
    __tablename__ = "tasks"

    id: int = Field(primary_key=True)
    tags: list[str] = Field(sa_column=Column(ARRAY(Text)))


class TaskPublic(TaskBase):
    id: int
    tags: list[str]


class TaskPage(SQLModel):
    items: list[TaskPublic]
    next_cursor: str | None


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def get_current_user(session: SessionDep, todo_session: Annotated[str, Cookie()]) -> User:
    digest = hashlib.sha256(todo_session.encode()).digest()
    user = session.exec(
        select(User)
        .join(LoginSession, col(LoginSession.user_id) == col(User.id))
        .where(LoginSession.token_hash == digest, LoginSession.expires_at > datetime.now(UTC))
    ).first()
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/api/{user_id}/tasks", response_model=TaskPage)
def list_tasks(
    user_id: str,
    session: SessionDep,
    user: Annotated[User, Depends(get_current_user)],
    status: Literal["all", "pending", "completed"] = "all",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, object]:
    if user.id != user_id:
        raise HTTPException(404)
    query = select(Task).where(Task.user_id == user_id)
    if status != "all":
        query = query.where(Task.completed == (status == "completed"))
    rows = session.exec(query.order_by(col(Task.id).desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return {"items": rows[:limit], "next_cursor": str(rows[limit - 1].id) if more else None}


@app.get("/readyz")
def ready() -> None:
    """Tell the benchmark that the program has started."""
