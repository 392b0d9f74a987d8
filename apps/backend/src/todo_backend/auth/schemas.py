"""Bodies of the account endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from todo_core.tasks.schemas import VISIBLE, VISIBLE_SCHEMA, is_utf8


def _encodable(password: SecretStr) -> SecretStr:
    """Return the password; raise ValueError for one that cannot be hashed."""
    if not is_utf8(password.get_secret_value()):
        raise ValueError("must not contain half of a surrogate pair")
    return password


# What HTML calls a valid e-mail address.
_ADDRESS = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
)
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=_ADDRESS),
]
# Pydantic checks it in a `str`, not in a secret one.
Secret = Annotated[SecretStr, AfterValidator(_encodable)]
Password = Annotated[Secret, Field(min_length=10, max_length=128)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    VISIBLE,
    VISIBLE_SCHEMA,
]


class Registration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password
    name: Name | None = None


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email
    # Not held to the rules for new passwords: a wrong one is just wrong.
    password: Annotated[Secret, Field(max_length=128)]


class UserPublic(BaseModel):
    id: str
    email: str
    name: str | None


class SignedIn(BaseModel):
    user: UserPublic


class Assistant(BaseModel):
    """Which engine answers in the chat, and with which model."""

    name: str
    model: str | None


class Me(BaseModel):
    user: UserPublic
    assistant: Assistant
