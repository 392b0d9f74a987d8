"""Readiness: what the server cannot work without, each by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import JSONResponse

from todo_core.errors import UnavailableError

Check = Callable[[], Awaitable[None]]
_TIMEOUT = 3.0


def livez() -> JSONResponse:
    """Answer that the process runs; asks nothing else."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def readyz(checks: Mapping[str, Check]) -> JSONResponse:
    """Run all checks at once: 200, or 503 when one fails; the body names each."""
    results = dict(
        zip(checks, await asyncio.gather(*(_run(check) for check in checks.values())), strict=True)
    )
    ready = all(result == "ok" for result in results.values())
    return JSONResponse(
        {"status": "ok" if ready else "unavailable", "checks": results},
        status_code=200 if ready else 503,
        headers={"cache-control": "no-store"},
    )


async def _run(check: Check) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT):
            await check()
    except TimeoutError:
        return f"no answer within {_TIMEOUT:g} s"
    except UnavailableError as error:
        return str(error)
    return "ok"
