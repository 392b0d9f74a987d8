"""Bodies of the chat endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from todo_core.tasks.schemas import ID_MAX, VISIBLE, VISIBLE_SCHEMA


class ChatRequest(BaseModel):
    """One turn; without conversation_id it opens a conversation."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
        VISIBLE,
        VISIBLE_SCHEMA,
    ]
    conversation_id: Annotated[int, Field(ge=1, le=ID_MAX)] | None = None


class ToolCallPublic(BaseModel):
    """A tool call; a failed one has the result {"error": words}.

    A long list is cut: {"result": its first rows, "count": how many there were}.
    """

    name: str
    arguments: dict[str, Any]
    result: Any


class ChatResponse(BaseModel):
    conversation_id: int
    response: str
    tool_calls: list[ToolCallPublic]


class ConversationPublic(BaseModel):
    id: int
    title: str
    created_at: datetime
    updated_at: datetime


class ConversationPage(BaseModel):
    items: list[ConversationPublic]
    next_cursor: str | None


class MessagePublic(BaseModel):
    id: int
    role: Literal["user", "assistant"]
    content: str
    tool_calls: list[ToolCallPublic]
    created_at: datetime


class ConversationDetail(ConversationPublic):
    """A conversation with some of its messages, oldest first.

    `next_cursor` leads to the messages before these; null when there are none.
    """

    messages: list[MessagePublic]
    next_cursor: str | None
