"""Throw-away databases and keys, for the tests and the benchmarks of the apps."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from todo_core.migrate import engine_of, migrate
from todo_core.settings import DatabaseSettings

ROLES = ("todo_owner", "todo_backend", "todo_mcp")
# Whom the backend's tokens for the MCP server are meant for.
AUDIENCE = "http://mcp-server:8000/mcp"


@dataclass(frozen=True)
class ScratchDatabase:
    """A database of this test run, migrated as its owner."""

    superuser_url: str
    name: str
    passwords: dict[str, str]

    def settings(self, user: str) -> dict[str, Any]:
        """Return the settings of a server that connects as this role."""
        where = conninfo_to_dict(self.superuser_url)
        return {
            "database_host": where.get("host", "localhost"),
            "database_port": int(where.get("port") or 5432),
            "database_name": self.name,
            "database_user": user,
            "database_password": self.passwords[user],
        }

    def conninfo(self, user: str) -> str:
        return DatabaseSettings(**self.settings(user)).connection()

    def superuser(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.superuser_url, dbname=self.name, autocommit=True)


@contextmanager
def scratch_database(revision: str | None = "head") -> Iterator[ScratchDatabase]:
    """Make roles and a database, migrate it, and drop the database at the end."""
    url = os.environ.get("TODO_TEST_DATABASE_URL")
    if not url:
        raise RuntimeError(
            "TODO_TEST_DATABASE_URL is not set: give the URL of a PostgreSQL superuser, "
            "such as postgresql://postgres@localhost:5432/postgres; `make test` starts one"
        )
    database = ScratchDatabase(
        url,
        f"todo_test_{secrets.token_hex(6)}",
        # The roles are the cluster's, and other runs may use them at the same time.
        dict.fromkeys(ROLES, "only for tests"),
    )
    name = sql.Identifier(database.name)
    with psycopg.connect(url, autocommit=True) as admin:
        for role, password in database.passwords.items():
            exists = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            admin.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
                    sql.SQL("ALTER" if exists else "CREATE"), sql.Identifier(role), password
                )
            )
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER todo_owner").format(name))
        try:
            if revision is not None:
                migrate(engine_of(DatabaseSettings(**database.settings("todo_owner"))), revision)
            yield database
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@dataclass(frozen=True)
class Keys:
    """The pair that binds backend and MCP server."""

    key: Ed25519PrivateKey
    private: Path
    public: Path


def write_keys(folder: Path) -> Keys:
    key = Ed25519PrivateKey.generate()
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return Keys(key, private, public)
