"""Rules of accounts and sessions."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass

from todo_core.database import Database
from todo_core.identity import Identity, digest, new_secret

from todo_backend.auth import repository
from todo_backend.auth.devices import known_device, new_device
from todo_backend.auth.passwords import Passwords
from todo_backend.auth.schemas import Credentials, Registration, UserPublic
from todo_backend.problems import ApiError, FieldProblem


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who has signed in, and what the browser shows from now on."""

    user: UserPublic
    session: str
    device: str


async def register(
    database: Database,
    passwords: Passwords,
    registration: Registration,
    *,
    replaces: Identity | None,
) -> SignIn:
    """Make an account and a session in place of the one shown.

    Raises ApiError 409 when the address has an account.
    """
    password_hash = await passwords.hash(registration.password.get_secret_value())
    user = UserPublic(id=uuid.uuid4().hex, email=registration.email, name=registration.name)
    secret = new_secret()
    async with database.transaction(user.id) as connection:
        made = await repository.insert_user(
            connection,
            user_id=user.id,
            email=user.email,
            name=user.name,
            password_hash=password_hash,
        )
        if made:
            await repository.insert_session(connection, user_id=user.id, token_hash=digest(secret))
    if not made:
        message = "This address has an account already; sign in instead"
        raise ApiError(409, message, errors=[FieldProblem(field="email", message=message)])
    if replaces is not None:
        await logout(database, replaces, everywhere=False)
    return SignIn(user, secret, new_device(password_hash))


async def login(
    database: Database,
    passwords: Passwords,
    credentials: Credentials,
    *,
    replaces: Identity | None,
    device: str,
) -> SignIn:
    """Check a password and make a new session in place of the one shown.

    ``device``: the cookie of a browser that has signed in before. Raises ApiError 401, and 429
    after too many failures.
    """
    found = await repository.find_credentials(database, email=credentials.email)
    known = known_device(device, found["password_hash"]) if found else None
    key = known or digest(credentials.email)
    # Whoever finds no place has not guessed, and is not counted.
    with passwords.place():
        if (wait := await repository.count_login(database, key=key)) > 0:
            message = "Too many failed sign-ins to this account"
            raise ApiError(429, message, retry_after=math.ceil(wait))
        right, better = await passwords.verify(
            credentials.password.get_secret_value(), found["password_hash"] if found else None
        )
    if not right or found is None:
        raise ApiError(401, "The address or the password is wrong")
    secret = new_secret()
    user = UserPublic(id=found["user_id"], email=found["email"], name=found["name"])
    if replaces is not None:
        await logout(database, replaces, everywhere=False)
    async with database.transaction(user.id) as connection:
        if better is not None:
            await repository.update_password(connection, user_id=user.id, password_hash=better)
        await repository.insert_session(connection, user_id=user.id, token_hash=digest(secret))
        await repository.forget_login_failures(connection, key=key)
    return SignIn(user, secret, new_device(better or found["password_hash"]))


async def logout(database: Database, identity: Identity, *, everywhere: bool) -> None:
    """End the session, or all sessions of its user."""
    async with database.transaction(identity.user_id) as connection:
        if everywhere:
            await repository.delete_sessions(connection, user_id=identity.user_id)
        elif identity.session_id is not None:
            await repository.delete_session(
                connection, user_id=identity.user_id, session_id=identity.session_id
            )


async def delete_account(database: Database, identity: Identity) -> None:
    """Delete the account and all that belongs to it."""
    async with database.transaction(identity.user_id) as connection:
        await repository.delete_user(connection, user_id=identity.user_id)
        await repository.forget_login_failures(connection, key=digest(identity.email))
