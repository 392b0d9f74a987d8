"""Who asks: by session cookie or by personal access token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, LiteralString

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from psycopg.abc import Params
from todo_core.database import Database, Row
from todo_core.identity import (
    Identity,
    identify_access_token,
    identify_session,
    read_by_session,
)
from todo_core.tasks.repository import Reader

from todo_backend.problems import ApiError, not_found
from todo_backend.services import Services, ServicesDep

_SAFE = frozenset({"GET", "HEAD"})
_COOKIE = APIKeyCookie(
    name="todo_session", auto_error=False, description="Set by signing in; __Host- under TLS"
)
_BEARER = HTTPBearer(auto_error=False, description="A personal access token")


def cookie_name(services: Services) -> str:
    """Return the cookie's name. `__Host-` binds it to this host and TLS; plain HTTP cannot."""
    return "__Host-todo_session" if services.settings.cookie_secure else "todo_session"


async def session_shown(request: Request, services: ServicesDep) -> Identity | None:
    """Return whose session the request shows; None without a valid one."""
    secret = request.cookies.get(cookie_name(services))
    return await identify_session(services.database, secret) if secret else None


ShownDep = Annotated[Identity | None, Depends(session_shown)]


async def identify(
    request: Request,
    services: ServicesDep,
    _: Annotated[str | None, Security(_COOKIE)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Identity:
    """Return who asks. Raises ApiError 401, and 403 for a token that may not do this."""
    if bearer is not None:
        identity = await identify_access_token(services.database, bearer.credentials)
    else:
        identity = await session_shown(request, services)
    if identity is None:
        raise _unknown()
    if request.method not in _SAFE and "todos" not in identity.scopes:
        raise ApiError(403, "This token may only read")
    return identity


def _unknown() -> ApiError:
    return ApiError(401, "Sign in first", headers={"www-authenticate": "Bearer"})


IdentityDep = Annotated[Identity, Depends(identify)]


async def identify_by_session(identity: IdentityDep) -> Identity:
    """Return who asks, by session only: a stolen token must not make further ones."""
    if identity.session_id is None:
        raise ApiError(403, "A personal access token may not do this; sign in")
    return identity


SessionDep = Annotated[Identity, Depends(identify_by_session)]


async def identify_owner(user_id: str, identity: IdentityDep) -> Identity:
    """Return who asks when the path is theirs. Raises 404 for another user's path."""
    if user_id != identity.user_id:
        raise not_found()
    return identity


OwnerDep = Annotated[Identity, Depends(identify_owner)]


@dataclass(frozen=True, slots=True)
class _SessionReader:
    """Reads a user's rows and asks in the same round trip whether it is theirs to read."""

    database: Database
    secret: str

    async def read(self, user_id: str, query: LiteralString, values: Params) -> list[Row]:
        identity, rows = await read_by_session(self.database, self.secret, query, values)
        if identity is None:
            raise _unknown()
        if identity.user_id != user_id:
            raise not_found()
        return rows


async def owners_reader(
    user_id: str,
    request: Request,
    services: ServicesDep,
    cookie: Annotated[str | None, Security(_COOKIE)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Reader:
    """Return what reads the rows of the path's user for them only. Raises as `identify_owner`."""
    secret = request.cookies.get(cookie_name(services))
    # PostgreSQL takes no NUL, and no user's id holds one.
    if bearer is None and secret and "\x00" not in user_id:
        return _SessionReader(services.database, secret)
    await identify_owner(user_id, await identify(request, services, cookie, bearer))
    return services.database


ReaderDep = Annotated[Reader, Depends(owners_reader)]
