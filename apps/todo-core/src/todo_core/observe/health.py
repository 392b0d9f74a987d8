"""Readiness: what the server cannot work without, each by name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import JSONResponse

from todo_core.errors import UnavailableError

Check = Callable[[], Awaitable[None]]
_TIMEOUT = 3.0
log = logging.getLogger("todo.ready")


def livez() -> JSONResponse:
    """Answer that the process runs; asks nothing else."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


class Readiness:
    """Asks all checks at once; says in the log what was lost and what is back.

    The kubelet keeps only an answer's status, and a server that never becomes ready has no other
    way to tell what it lacks.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._results = dict.fromkeys(checks, "ok")

    async def answer(self) -> JSONResponse:
        """200, or 503 when a check fails; the body names each."""
        answers = await asyncio.gather(*(_run(check) for check in self._checks.values()))
        results = dict(zip(self._checks, answers, strict=True))
        for name, result in results.items():
            if result != self._results[name]:
                level = logging.INFO if result == "ok" else logging.WARNING
                log.log(level, "readiness: %s: %s", name, result)
        self._results = results
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
