"""/api/auth/tokens. Only a signed-in browser manages tokens, never another token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from todo_core.errors import LimitError
from todo_core.identity import ACCESS_TOKEN_PREFIX, digest, new_secret
from todo_core.tasks.schemas import ID_MAX

from todo_backend.access_tokens import repository
from todo_backend.access_tokens.schemas import TokenCreate, TokenCreated, TokenList, TokenPublic
from todo_backend.auth.dependencies import SessionDep
from todo_backend.problems import not_found, problems
from todo_backend.services import ServicesDep

router = APIRouter(prefix="/api/auth/tokens", tags=["tokens"])
MOST = 50


@router.post("", status_code=201, responses=problems(400, 401, 403, 413, 422))
async def create_token(
    body: TokenCreate, identity: SessionDep, services: ServicesDep
) -> TokenCreated:
    """Make a token. It is shown in this answer only."""
    secret = new_secret(ACCESS_TOKEN_PREFIX)
    async with services.database.transaction(identity.user_id) as connection:
        row = await repository.insert_token(
            connection,
            user_id=identity.user_id,
            name=body.name,
            token_hash=digest(secret),
            scopes=sorted(set(body.scopes)),
            days=body.expires_in_days,
            most=MOST,
        )
    if row is None:
        raise LimitError(f"There are {MOST} tokens, the most that one user may have")
    return TokenCreated(**row, token=secret)


@router.get("", responses=problems(401, 403))
async def list_tokens(identity: SessionDep, services: ServicesDep) -> TokenList:
    """List your tokens, newest first."""
    async with services.database.transaction(identity.user_id) as connection:
        rows = await repository.select_tokens(connection, user_id=identity.user_id)
    return TokenList(items=[TokenPublic(**row) for row in rows])


@router.delete("/{token_id}", status_code=204, responses=problems(401, 403, 404, 413, 422))
async def delete_token(
    token_id: Annotated[int, Path(ge=1, le=ID_MAX)], identity: SessionDep, services: ServicesDep
) -> None:
    """Revoke a token."""
    async with services.database.transaction(identity.user_id) as connection:
        found = await repository.delete_token(
            connection, user_id=identity.user_id, token_id=token_id
        )
    if not found:
        raise not_found()
