"""The five tools. Every query is bound to the caller; no tool takes a user id."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from prometheus_client import Counter
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from todo_core.database import Database
from todo_core.errors import TodoError
from todo_core.tasks import service
from todo_core.tasks.repository import TaskFilter
from todo_core.tasks.schemas import (
    DESCRIPTION_MAX,
    ID_MAX,
    TITLE_MAX,
    Description,
    Status,
    TaskCreate,
    TaskPublic,
    Title,
)

from todo_mcp.identity import caller

CALLS = Counter("mcp_tool_calls_total", "Tool calls", ["tool", "outcome"])

P = ParamSpec("P")
R = TypeVar("R")
TaskId = Annotated[int, Field(ge=1, le=ID_MAX, description="The task's number")]
NewTitle = Annotated[Title, Field(description=f"The task in a few words, at most {TITLE_MAX}")]


def _unless_null(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return None if value is None else check(value)


# Texts that may be left out. To the SDK they have to be `str` and nothing else: it reads texts for
# other types as JSON first, which turns the title "null" into none.
OtherTitle = Annotated[Title, WrapValidator(_unless_null), Field(description="The new title")]
Details = Annotated[
    Description,
    WrapValidator(_unless_null),
    Field(description=f"Details, at most {DESCRIPTION_MAX} characters"),
]
_NOT_GIVEN: Any = None


class TaskChange(BaseModel):
    """What was done to which task."""

    task_id: int
    status: Literal["created", "completed", "deleted", "updated"]
    title: str


def make_tools(database: Database) -> list[Tool]:
    """Return the server's tools."""
    tools: list[Tool] = []

    def tool(annotations: ToolAnnotations) -> Callable[[Callable[P, Awaitable[R]]], None]:
        def add(function: Callable[P, Awaitable[R]]) -> None:
            made = Tool.from_function(_told(function), annotations=annotations)
            tools.append(_strict(made))

        return add

    @tool(ToolAnnotations(title="Add a task", destructive_hint=False, open_world_hint=False))
    async def add_task(title: NewTitle, description: Details = _NOT_GIVEN) -> TaskChange:
        """Add a task to the user's list."""
        task = TaskCreate(title=title, description=description)
        row = await service.create_task(database, user_id=caller(), task=task)
        return TaskChange(task_id=row["id"], status="created", title=row["title"])

    @tool(ToolAnnotations(title="List tasks", read_only_hint=True, open_world_hint=False))
    async def list_tasks(status: Status = "all") -> list[TaskPublic]:
        """List the user's newest 1000 tasks, newest first. Use it to find a task's number."""
        rows = await service.all_tasks(database, user_id=caller(), wanted=TaskFilter(status=status))
        return [TaskPublic.model_construct(**row) for row in rows]

    @tool(
        ToolAnnotations(
            title="Complete a task",
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        )
    )
    async def complete_task(task_id: TaskId) -> TaskChange:
        """Mark a task as completed."""
        row = await service.complete_task(database, user_id=caller(), task_id=task_id)
        return TaskChange(task_id=row["id"], status="completed", title=row["title"])

    @tool(ToolAnnotations(title="Delete a task", destructive_hint=True, open_world_hint=False))
    async def delete_task(task_id: TaskId) -> TaskChange:
        """Delete a task for good."""
        title = await service.delete_task(database, user_id=caller(), task_id=task_id)
        return TaskChange(task_id=task_id, status="deleted", title=title)

    @tool(
        ToolAnnotations(
            title="Change a task",
            destructive_hint=True,
            idempotent_hint=True,
            open_world_hint=False,
        )
    )
    async def update_task(
        task_id: TaskId,
        title: OtherTitle = _NOT_GIVEN,
        description: Details = _NOT_GIVEN,
    ) -> TaskChange:
        """Change a task's title, description or both; what is not given stays."""
        given = {"title": title, "description": description}
        changes = {name: value for name, value in given.items() if value is not None}
        if not changes:
            raise ToolError("Give a new title, a new description or both")
        row = await service.update_task(
            database, user_id=caller(), task_id=task_id, changes=changes
        )
        return TaskChange(task_id=row["id"], status="updated", title=row["title"])

    return tools


def _strict(tool: Tool) -> Tool:
    """Make the tool refuse arguments that it does not have, a user's id above all."""
    known = tool.fn_metadata.arg_model

    class Arguments(known):  # type: ignore[misc, valid-type]
        model_config = ConfigDict(extra="forbid", title=known.__name__)

    tool.fn_metadata.arg_model = Arguments
    tool.parameters = Arguments.model_json_schema(by_alias=True)
    for argument in tool.parameters["properties"].values():
        # Leaving it out is the only way to say so.
        if argument.get("default", "") is None:
            del argument["default"]
    return tool


def _told(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Count the calls, and raise what went wrong as ToolError: a model sees only its words."""
    name = function.__name__

    @functools.wraps(function)
    async def told(*args: P.args, **kwargs: P.kwargs) -> R:
        outcome = "error"
        try:
            result = await function(*args, **kwargs)
            outcome = "ok"
        except TodoError as error:
            raise ToolError(str(error)) from error
        except ValidationError as error:
            raise ToolError("; ".join(str(e["msg"]) for e in error.errors())) from error
        finally:
            CALLS.labels(name, outcome).inc()
        return result

    return told
