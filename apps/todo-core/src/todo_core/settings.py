"""Settings from the environment, checked at start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal, TypeVar

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Settings = TypeVar("Settings", bound=BaseSettings)
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class DatabaseSettings(BaseSettings):
    """Where the database is and who asks it. The variables begin with TODO_."""

    model_config = SettingsConfigDict(env_prefix="TODO_", extra="ignore")

    database_host: str = "localhost"
    database_port: int = Field(default=5432, ge=1, le=65535)
    database_name: str = "todo"
    database_user: str
    database_password_file: Path | None = None
    database_password: SecretStr | None = None
    database_sslmode: SslMode = "prefer"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}

    @field_validator("database_password_file")
    @classmethod
    def _holds_a_password(cls, path: Path | None) -> Path | None:
        if path is not None:
            read_secret(path)
        return path

    def connection(self, **options: Any) -> str:
        """Return libpq's connection string, with the password as its file holds it now."""
        password = self.database_password.get_secret_value() if self.database_password else None
        if self.database_password_file is not None:
            password = read_secret(self.database_password_file)
        return make_conninfo(
            host=self.database_host,
            port=self.database_port,
            dbname=self.database_name,
            user=self.database_user,
            password=password,
            sslmode=self.database_sslmode,
            **options,
        )


class ServerSettings(DatabaseSettings):
    """What every server of the project can be told."""

    port: int = Field(default=8000, ge=1, le=65535)
    database_pool_size: int = Field(default=10, ge=1, le=100)
    # Seconds that running requests get to finish after SIGTERM.
    shutdown_timeout: int = Field(default=25, ge=0)


def read_secret(path: Path) -> str:
    """Return the text of a mounted secret, without the line end.

    Raises ValueError, with the path, when it cannot be read or is empty.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not text:
        raise ValueError(f"{path} is empty")
    return text


def load(settings: type[Settings]) -> Settings:
    """Return the settings; end the process with one line for each wrong variable."""
    try:
        return settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "TODO_" + "_".join(str(part) for part in problem["loc"]).upper()
            if problem["loc"]:
                print(f"{name}: {problem['msg']}", file=sys.stderr)
            else:
                print(problem["msg"], file=sys.stderr)
        sys.exit(2)
