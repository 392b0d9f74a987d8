"""Settings of the backend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AnyHttpUrl, Field, field_validator, model_validator
from pydantic_settings import NoDecode
from todo_core.settings import ServerSettings, read_secret

# As browsers send it: scheme, host, and a port that is not the scheme's own.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")


class BackendSettings(ServerSettings):
    """Set by TODO_* variables."""

    database_user: str = "todo_backend"
    mcp_url: AnyHttpUrl = AnyHttpUrl("http://mcp-server:8000/mcp")
    # Whom the tokens for the MCP server are meant for; the server's own TODO_MCP_AUDIENCE.
    mcp_audience: AnyHttpUrl | None = None
    # Ed25519 private key, PKCS 8 PEM.
    mcp_signing_key_file: Path
    # Pages that may call the API with a cookie.
    public_origins: Annotated[list[str], NoDecode] = Field(default=["http://localhost:8080"])
    # On wherever the page is served over TLS.
    cookie_secure: bool = False
    # `auto` takes the model when one is configured.
    assistant_engine: Literal["auto", "offline", "openai"] = "auto"
    openai_base_url: AnyHttpUrl | None = None
    openai_model: str = "gpt-5-mini"
    openai_api_key_file: Path | None = None
    # Off for servers that cannot stream tool calls.
    openai_stream: bool = True
    # Tokens: of one answer, and of the conversation that is sent along.
    openai_max_tokens: int = Field(default=1024, ge=16)
    openai_history_tokens: int = Field(default=6000, ge=500)
    # What one user may use of the assistant; all of a minute's turns may come at once.
    chat_turns_per_minute: int = Field(default=60, ge=1)
    # Seconds: one tool call, one whole turn. A turn may take as long as a server that stops lets it
    # run, so that a new version ends none before its time.
    tool_timeout: float = Field(default=10, gt=0)
    turn_timeout: float = Field(default=0, ge=0)
    shutdown_timeout: int = Field(default=60, ge=0)

    @field_validator("public_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip().rstrip("/").lower() for part in value.split(",") if part.strip()]
        return value

    @field_validator("public_origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if _ORIGIN.fullmatch(origin) is None:
                raise ValueError(f"{origin!r} must be an origin, such as https://todo.example")
        return origins

    @field_validator("openai_api_key_file")
    @classmethod
    def _holds_an_api_key(cls, path: Path | None) -> Path | None:
        if path is not None:
            read_secret(path)
        return path

    @field_validator("mcp_signing_key_file")
    @classmethod
    def _holds_key(cls, path: Path) -> Path:
        read_signing_key(path)
        return path

    @model_validator(mode="after")
    def _a_turn_ends_before_the_server(self) -> BackendSettings:
        if self.turn_timeout > self.shutdown_timeout:
            raise ValueError("TODO_TURN_TIMEOUT must not be longer than TODO_SHUTDOWN_TIMEOUT")
        self.turn_timeout = self.turn_timeout or max(1, self.shutdown_timeout)
        return self

    @model_validator(mode="after")
    def _model_can_be_reached(self) -> BackendSettings:
        if self.assistant_engine == "openai" and not self.has_model:
            raise ValueError(
                "TODO_ASSISTANT_ENGINE=openai needs TODO_OPENAI_BASE_URL, TODO_OPENAI_API_KEY_FILE"
                " or both"
            )
        return self

    @property
    def has_model(self) -> bool:
        return self.openai_base_url is not None or self.openai_api_key_file is not None

    @property
    def uses_model(self) -> bool:
        """Whether the assistant is a language model."""
        return self.assistant_engine != "offline" and self.has_model

    @property
    def audience(self) -> str:
        return str(self.mcp_audience or self.mcp_url)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a PEM file. Raises ValueError when it holds no Ed25519 private key."""
    key = load_pem_private_key(read_secret(path).encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        # A wrong value to whoever sets it, so no TypeError.
        raise ValueError(  # noqa: TRY004
            f"{path} must hold an Ed25519 private key in PEM"
        )
    return key
