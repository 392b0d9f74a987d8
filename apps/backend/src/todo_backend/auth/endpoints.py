"""/api/auth: account and session."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from todo_backend.auth import service
from todo_backend.auth.dependencies import IdentityDep, SessionDep, ShownDep, cookie_name
from todo_backend.auth.devices import DEVICE_DAYS
from todo_backend.auth.repository import SESSION_DAYS
from todo_backend.auth.schemas import (
    Assistant,
    Credentials,
    Me,
    Registration,
    SignedIn,
    UserPublic,
)
from todo_backend.auth.service import SignIn
from todo_backend.problems import problems
from todo_backend.services import Services, ServicesDep

router = APIRouter(prefix="/api/auth", tags=["account"])
_DEVICE = "todo_device"


def _signed_in(response: Response, services: Services, made: SignIn) -> SignedIn:
    set_cookie = partial(response.set_cookie, secure=services.settings.cookie_secure, httponly=True)
    set_cookie(
        cookie_name(services),
        made.session,
        max_age=SESSION_DAYS * 24 * 3600,
        path="/",
        samesite="lax",
    )
    # It outlives the session, and goes only where it is needed.
    set_cookie(
        _DEVICE,
        made.device,
        max_age=DEVICE_DAYS * 24 * 3600,
        path="/api/auth/login",
        samesite="strict",
    )
    return SignedIn(user=made.user)


def _clear_cookie(response: Response, services: Services) -> None:
    response.delete_cookie(
        cookie_name(services),
        path="/",
        secure=services.settings.cookie_secure,
        httponly=True,
        samesite="lax",
    )


@router.post("/register", status_code=201, responses=problems(400, 403, 409, 413, 422, 429))
async def register(
    body: Registration, response: Response, services: ServicesDep, shown: ShownDep
) -> SignedIn:
    """Make an account and sign in; the session before, if any, ends."""
    made = await service.register(services.database, services.passwords, body, replaces=shown)
    return _signed_in(response, services, made)


@router.post("/login", responses=problems(400, 401, 403, 413, 422, 429))
async def login(
    body: Credentials, request: Request, response: Response, services: ServicesDep, shown: ShownDep
) -> SignedIn:
    """Sign in; the session before, if any, ends."""
    made = await service.login(
        services.database,
        services.passwords,
        body,
        replaces=shown,
        device=request.cookies.get(_DEVICE, ""),
    )
    return _signed_in(response, services, made)


@router.post("/logout", status_code=204, responses=problems(401, 403, 413, 422))
async def logout(
    identity: SessionDep, response: Response, services: ServicesDep, everywhere: bool = False
) -> None:
    """Sign out, here or everywhere."""
    await service.logout(services.database, identity, everywhere=everywhere)
    _clear_cookie(response, services)


@router.get("/me", responses=problems(401))
async def get_me(identity: IdentityDep, services: ServicesDep) -> Me:
    """Tell who is signed in and which assistant answers."""
    user = UserPublic(id=identity.user_id, email=identity.email, name=identity.name)
    engine = services.engine
    return Me(user=user, assistant=Assistant(name=engine.name, model=engine.model))


@router.delete("/me", status_code=204, responses=problems(401, 403, 413))
async def delete_me(identity: SessionDep, response: Response, services: ServicesDep) -> None:
    """Delete the account and everything of it."""
    await service.delete_account(services.database, identity)
    _clear_cookie(response, services)
