"""Bodies of the chat endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from todo_core.tasks.schemas import ID_MAX, Visible


class ChatRequest(BaseModel):
    """One turn; without conversation_id it opens a conversation."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[
        Visible,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    ]
    conversation_id: Annotated[int, Field(ge=1, le=ID_MAX)] | None = None


class ToolCallPublic(BaseModel):
    """A tool call; a failed one has the result {"error": words}."""

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
    """A conversation with its newest 500 messages, oldest first."""

    messages: list[MessagePublic]
