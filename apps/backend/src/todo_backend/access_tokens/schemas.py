"""Bodies of the token endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from todo_backend.auth.schemas import Name

Scope = Literal["todos", "todos:read"]


class TokenCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    expires_in_days: Annotated[int, Field(ge=1, le=366)] = 90
    # `todos`: everything about tasks and chat, and MCP; `todos:read`: reading over REST only.
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=2)] = ["todos"]


class TokenPublic(BaseModel):
    id: int
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class TokenCreated(TokenPublic):
    """The only answer that holds the token itself."""

    token: str


class TokenList(BaseModel):
    items: list[TokenPublic]
