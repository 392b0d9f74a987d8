"""Settings of the MCP server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AnyHttpUrl, Field, field_validator
from pydantic_settings import NoDecode
from todo_core.settings import ServerSettings, read_secret

_END = "-----END PUBLIC KEY-----"


class McpSettings(ServerSettings):
    """Set by TODO_MCP_* beside the variables that both servers have."""

    database_user: str = "todo_mcp"
    # Ed25519 public keys of the backend; several while the key is being changed.
    mcp_public_key_file: Path
    # Whom the backend's tokens must be meant for.
    mcp_audience: AnyHttpUrl = AnyHttpUrl("http://mcp-server:8000/mcp")
    # Host headers that are answered, against DNS rebinding; `*` stands for any port.
    mcp_allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default=["mcp-server:*", "localhost:*", "127.0.0.1:*"]
    )

    @field_validator("mcp_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("mcp_public_key_file")
    @classmethod
    def _holds_keys(cls, path: Path) -> Path:
        read_public_keys(path)
        return path

    @property
    def hosts(self) -> list[str]:
        """The allowed hosts; one with any port is also allowed without a port."""
        bare = [host.removesuffix(":*") for host in self.mcp_allowed_hosts if host.endswith(":*")]
        return [*self.mcp_allowed_hosts, *bare]


def read_public_keys(path: Path) -> list[Ed25519PublicKey]:
    """Return the keys in a PEM file. Raises ValueError unless all are Ed25519 keys."""
    blocks = [block + _END for block in read_secret(path).split(_END) if block.strip()]
    keys = [load_pem_public_key(block.strip().encode()) for block in blocks]
    if not all(isinstance(key, Ed25519PublicKey) for key in keys):
        raise ValueError(f"{path} must hold Ed25519 public keys in PEM")
    return [key for key in keys if isinstance(key, Ed25519PublicKey)]
