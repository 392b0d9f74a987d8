"""Who calls: the backend for a signed-in user, or a client with a personal access token."""

from __future__ import annotations

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver.exceptions import ToolError
from todo_core.database import Database
from todo_core.identity import ACCESS_TOKEN_PREFIX, identify_access_token

ISSUER = "todo-backend"
# Seconds that the clocks of two nodes may differ.
_LEEWAY = 5


class Verifier:
    """Tells whose bearer token it is; None for everything that is not valid now."""

    def __init__(self, *, database: Database, keys: list[Ed25519PublicKey], audience: str) -> None:
        self._database = database
        self._keys = keys
        self._audience = audience

    async def verify_token(self, token: str) -> AccessToken | None:
        if token.startswith(ACCESS_TOKEN_PREFIX):
            return await self._personal(token)
        for key in self._keys:
            if (found := self._signed(token, key)) is not None:
                return found
        return None

    def _signed(self, token: str, key: Ed25519PublicKey) -> AccessToken | None:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=ISSUER,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            return None
        scope = claims.get("scope", "")
        return AccessToken(
            token=token,
            client_id=ISSUER,
            scopes=scope.split() if isinstance(scope, str) else [],
            expires_at=int(claims["exp"]) + _LEEWAY,
            resource=self._audience,
            subject=claims["sub"],
        )

    async def _personal(self, token: str) -> AccessToken | None:
        identity = await identify_access_token(self._database, token)
        if identity is None:
            return None
        return AccessToken(
            token=token,
            client_id="personal-access-token",
            scopes=sorted(identity.scopes),
            resource=self._audience,
            subject=identity.user_id,
        )


def caller() -> str:
    """Return the id of the user who calls. Raises ToolError when nobody was identified."""
    token = get_access_token()
    if token is None or not token.subject:
        raise ToolError("Not signed in")
    return token.subject
