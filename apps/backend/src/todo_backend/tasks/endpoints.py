"""/api/{user_id}/tasks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import StringConstraints
from pydantic_core import to_json
from todo_core.database import Row
from todo_core.tasks import service
from todo_core.tasks.paging import CURSOR_MAX, read_cursor
from todo_core.tasks.repository import TaskFilter
from todo_core.tasks.schemas import (
    ID_MAX,
    STORED,
    STORED_SCHEMA,
    Priority,
    Sort,
    Status,
    Tag,
    TaskCreate,
    TaskPage,
    TaskPublic,
    TaskUpdate,
)

from todo_backend.auth.dependencies import OwnerDep, ReaderDep
from todo_backend.problems import headers, invalid, problems
from todo_backend.services import ServicesDep

router = APIRouter(prefix="/api/{user_id}/tasks", tags=["tasks"])
TaskId = Annotated[int, Path(ge=1, le=ID_MAX)]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
IfMatch = Annotated[
    str | None, Header(max_length=1000, description="Versions (ETag) that the task may have")
]
_VERSION = {"ETag": "The task's version, for If-Match"}
# What an answer that holds a task says in its headers.
_TASK: dict[int | str, dict[str, Any]] = {200: {"headers": headers(_VERSION)}}
_TAG = re.compile(r'(?:W/)?"([0-9a-f]{1,15})"')


def _etag(row: Row) -> str:
    return f'"{(row["updated_at"] - _EPOCH) // _MICROSECOND:x}"'


def _versions(if_match: str | None) -> list[datetime] | None:
    """Return the versions that an If-Match header allows; None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    versions = []
    for value in _TAG.findall(if_match):
        try:
            versions.append(_EPOCH + int(value, 16) * _MICROSECOND)
        except OverflowError:
            continue
    return versions


def _answer(row: Row, status: int = 200, location: str | None = None) -> Response:
    # The rows come from the database as they are shown: nothing to check again.
    shown = {"etag": _etag(row)}
    if location is not None:
        shown["location"] = location
    return Response(to_json(row), status, headers=shown, media_type="application/json")


@router.get("", response_model=TaskPage, responses=problems(401, 403, 404, 422))
async def list_tasks(
    user_id: str,
    reader: ReaderDep,
    status: Status = "all",
    q: Annotated[
        Annotated[str, StringConstraints(max_length=200), STORED, STORED_SCHEMA] | None, Query()
    ] = None,
    tag: Annotated[Tag | None, Query()] = None,
    priority: Priority | None = None,
    sort: Sort = "-created_at",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=CURSOR_MAX)] = None,
) -> Response:
    """List your tasks, newest first unless told otherwise; `next_cursor` leads to the next page."""
    after = None
    if cursor is not None:
        try:
            after = read_cursor(cursor, sort)
        except ValueError as error:
            raise invalid("cursor", str(error)) from error
    wanted = TaskFilter(
        status=status, q=q, tag=tag, priority=priority, sort=sort, limit=limit, after=after
    )
    rows, next_cursor = await service.list_tasks(reader, user_id=user_id, wanted=wanted)
    page = {"items": rows, "next_cursor": next_cursor}
    return Response(to_json(page), media_type="application/json")


@router.post(
    "",
    status_code=201,
    response_model=TaskPublic,
    responses={
        201: {"headers": headers({**_VERSION, "Location": "Where the task is"})},
        **problems(400, 401, 403, 404, 413, 422),
    },
)
async def create_task(body: TaskCreate, owner: OwnerDep, services: ServicesDep) -> Response:
    """Add a task."""
    row = await service.create_task(services.database, user_id=owner.user_id, task=body)
    return _answer(row, 201, f"/api/{owner.user_id}/tasks/{row['id']}")


@router.get(
    "/{task_id}",
    response_model=TaskPublic,
    responses={**_TASK, **problems(401, 403, 404, 422)},
)
async def get_task(task_id: TaskId, owner: OwnerDep, services: ServicesDep) -> Response:
    """Read a task."""
    return _answer(
        await service.get_task(services.database, user_id=owner.user_id, task_id=task_id)
    )


@router.put(
    "/{task_id}",
    response_model=TaskPublic,
    responses={**_TASK, **problems(400, 401, 403, 404, 412, 413, 422)},
)
async def update_task(
    task_id: TaskId,
    body: TaskUpdate,
    owner: OwnerDep,
    services: ServicesDep,
    if_match: IfMatch = None,
) -> Response:
    """Change the given fields. `If-Match` or `updated_at` refuse an update of a changed task."""
    versions = _versions(if_match)
    if body.updated_at is not None:
        allowed = body.updated_at
        versions = [allowed] if versions is None or allowed in versions else []
    row = await service.update_task(
        services.database,
        user_id=owner.user_id,
        task_id=task_id,
        changes=body.changes(),
        versions=versions,
    )
    return _answer(row)


@router.delete("/{task_id}", status_code=204, responses=problems(401, 403, 404, 412, 413, 422))
async def delete_task(
    task_id: TaskId, owner: OwnerDep, services: ServicesDep, if_match: IfMatch = None
) -> None:
    """Delete a task. `If-Match` refuses it for a changed task."""
    await service.delete_task(
        services.database, user_id=owner.user_id, task_id=task_id, versions=_versions(if_match)
    )


@router.patch(
    "/{task_id}/complete",
    response_model=TaskPublic,
    responses={**_TASK, **problems(401, 403, 404, 412, 413, 422)},
)
async def toggle_task(
    task_id: TaskId, owner: OwnerDep, services: ServicesDep, if_match: IfMatch = None
) -> Response:
    """Complete an open task, or reopen a completed one. `If-Match` refuses it for a changed one."""
    return _answer(
        await service.toggle_task(
            services.database, user_id=owner.user_id, task_id=task_id, versions=_versions(if_match)
        )
    )
