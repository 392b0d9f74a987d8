"""Runs a server: uvicorn with the settings that both share."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from todo_core.settings import ServerSettings


def serve(app: ASGIApp, settings: ServerSettings) -> None:
    """Serve until SIGTERM; requests that run longer than `shutdown_timeout` then are cancelled."""
    uvicorn.run(
        app,
        host="0.0.0.0",  # noqa: S104 - a container's only door is its Service
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        # Nothing here uses the client's address, so nothing is believed about it.
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )
