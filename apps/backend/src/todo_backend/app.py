"""The application: settings, connections and layers around the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from todo_core.database import Database
from todo_core.observe.health import Readiness
from todo_core.observe.requests import Requests

from todo_backend.api import make_api
from todo_backend.assistant.engine import Engine
from todo_backend.assistant.tools import ToolServer
from todo_backend.auth.passwords import Passwords
from todo_backend.origins import OriginGuard
from todo_backend.problems import problem
from todo_backend.services import Services
from todo_backend.settings import BackendSettings, read_signing_key

# The longest message, every character escaped as a surrogate pair, and some.
MAX_BODY = 64 * 1024


def create_app(settings: BackendSettings) -> ASGIApp:
    """Return the ASGI application; its lifespan opens and closes all connections."""

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        database = Database(
            settings.connection, size=settings.database_pool_size, name="todo-backend"
        )
        tools = ToolServer(
            url=str(settings.mcp_url),
            audience=settings.audience,
            key=read_signing_key(settings.mcp_signing_key_file),
            timeout=settings.tool_timeout,
        )
        engine = make_engine(settings)
        async with database:
            services = Services(
                settings=settings,
                database=database,
                passwords=Passwords(),
                tools=tools,
                engine=engine,
                readiness=Readiness({"database": database.check, "mcp-server": tools.check}),
            )
            api.state.services = services
            try:
                yield
            finally:
                # Cancelled turns still store what was said.
                if services.turns:
                    await asyncio.wait(services.turns, timeout=5)
                await engine.aclose()
                await tools.aclose()

    api = make_api(lifespan)
    return Requests(
        OriginGuard(api, origins=settings.public_origins), max_body=MAX_BODY, refuse=_refuse
    )


def make_engine(settings: BackendSettings) -> Engine:
    """Return the engine that the settings ask for."""
    if settings.uses_model:
        # Loaded only where it is used: the client library takes half a second and 20 MB.
        from todo_backend.assistant.openai_engine import OpenAIEngine

        return OpenAIEngine(settings)
    from todo_backend.assistant.offline_engine import OfflineEngine

    return OfflineEngine()


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
    await problem(status, detail)(scope, receive, send)
