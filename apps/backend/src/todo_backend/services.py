"""What requests share: made at start, closed at the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from todo_core.database import Database
from todo_core.observe.health import Readiness

from todo_backend.assistant.engine import Engine
from todo_backend.assistant.tools import ToolServer
from todo_backend.auth.passwords import Passwords
from todo_backend.settings import BackendSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    settings: BackendSettings
    database: Database
    passwords: Passwords
    tools: ToolServer
    engine: Engine
    readiness: Readiness
    # The chat turns that run now, so that the end of the process can wait for them.
    turns: set[asyncio.Task[None]] = field(default_factory=set)


async def get_services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


ServicesDep = Annotated[Services, Depends(get_services)]
