"""A language model behind any OpenAI-compatible address, with a log of every call and a budget.

Where the model is comes from the environment: OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL, the
names that OpenAI's own programs read. The playbooks set them from the platform's settings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai

from todo_operations.calls import (
    CALLS_LOG,
    MONTHLY_TOKENS,
    CallLog,
    ModelError,
    estimate,
    monthly_tokens,
    number,
)

Message = dict[str, str]


class NoModel(ModelError):
    """No model is configured."""


@dataclass(frozen=True)
class Settings:
    """Where the model is and what it may use."""

    model: str
    base_url: str | None
    api_key: str
    timeout: float = 60.0
    """Seconds that one try may take."""
    max_tokens: int = 2048
    """Tokens of one answer."""
    monthly_tokens: int = MONTHLY_TOKENS
    log: Path = CALLS_LOG

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment names. Raises NoModel when it names no model, and
        ModelError when a number is none."""
        base_url = environment.get("OPENAI_BASE_URL") or None
        api_key = environment.get("OPENAI_API_KEY", "")
        model = environment.get("OPENAI_MODEL", "")
        if not (base_url or api_key) or not model:
            raise NoModel(
                "No model is configured. Set OPENAI_MODEL and, for a server of your own, "
                "OPENAI_BASE_URL (http://localhost:11434/v1, say), or OPENAI_API_KEY for OpenAI; "
                "playbooks take assistant_openai_model, assistant_openai_base_url and "
                "secrets_model_api_key of the inventory."
            )
        return cls(
            model=model,
            base_url=base_url,
            # Local servers look at no key, but the client insists on one.
            api_key=api_key or "none",
            timeout=number(environment, "TODO_AI_TIMEOUT", 60),
            max_tokens=number(environment, "TODO_AI_MAX_TOKENS", 2048),
            monthly_tokens=monthly_tokens(environment),
            log=Path(environment.get("TODO_AI_LOG") or CALLS_LOG),
        )


def configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names a model."""
    try:
        Settings.from_environment(environment)
    except NoModel:
        return False
    return True


class Model:
    """Asks the model. Every call is logged and counted against the month's budget."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = CallLog(settings.log)
        self._client = openai.OpenAI(
            api_key=settings.api_key,
            base_url=settings.base_url,
            timeout=settings.timeout,
            # Busy and broken servers are asked again; Retry-After says when, up to a minute.
            max_retries=2,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Model:
        """Raises NoModel when the environment names none."""
        return cls(Settings.from_environment(environment))

    def complete(self, messages: Iterable[Message], *, purpose: str) -> str:
        """The model's answer to messages of {role, content}, never empty.

        `purpose` is a word for the log, such as "diagnose". Raises BudgetSpent before a call that
        the budget does not allow, and ModelError when the server gives no usable answer.
        """
        settings = self.settings
        self.log.check_budget(settings.monthly_tokens)
        asked = list(messages)
        # OpenAI's newer models know only the new name, other servers only the old one.
        limit = "max_completion_tokens" if settings.base_url is None else "max_tokens"
        request: dict[str, Any] = {
            "model": settings.model,
            "messages": asked,
            limit: settings.max_tokens,
        }
        with self._logged(purpose) as entry:
            try:
                done = self._client.chat.completions.create(**request)
                choice = done.choices[0]
                text, reason = choice.message.content, choice.finish_reason
            except openai.OpenAIError as error:
                raise ModelError(_explain(error, settings)) from error
            except (AttributeError, IndexError, TypeError, ValueError) as error:
                raise ModelError(
                    f"{_where(settings)} did not answer as an OpenAI-compatible server does; "
                    "see that OPENAI_BASE_URL ends with the version, as in /v1."
                ) from error
            entry |= _usage(done, asked, text)
            if not isinstance(text, str) or not text.strip():
                raise ModelError(f"{_where(settings)} gave an empty answer; ask again.")
            if reason == "length":
                raise ModelError(
                    f"The answer of {settings.model} did not fit into {settings.max_tokens} "
                    "tokens; ask for less, or raise TODO_AI_MAX_TOKENS."
                )
            return text

    @contextmanager
    def _logged(self, purpose: str) -> Iterator[dict[str, Any]]:
        started = time.monotonic()
        entry: dict[str, Any] = {"purpose": purpose, "model": self.settings.model}
        entry["outcome"] = "failed"
        try:
            yield entry
            entry["outcome"] = "answered"
        finally:
            self.log.append({**entry, "seconds": round(time.monotonic() - started, 3)})


def _usage(done: Any, asked: list[Message], text: Any) -> dict[str, Any]:
    """What the call cost; estimated when the server does not count."""
    usage = getattr(done, "usage", None)
    prompt = getattr(usage, "prompt_tokens", None)
    completion = getattr(usage, "completion_tokens", None)
    if isinstance(prompt, int) and isinstance(completion, int):
        counted = {"prompt_tokens": prompt, "completion_tokens": completion}
        return {**counted, "total_tokens": prompt + completion}
    return estimate(*(message["content"] for message in asked), str(text or ""))


def _where(settings: Settings) -> str:
    return settings.base_url or "OpenAI"


def _explain(error: openai.OpenAIError, settings: Settings) -> str:
    """The cause and its remedy. The server's own words are left out: they may quote the key."""
    where = _where(settings)
    if isinstance(error, openai.RateLimitError):
        return f"{where} is busy or its quota is used up (status 429); try again later."
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return f"{where} refused the key (status {error.status_code}); correct OPENAI_API_KEY."
    if isinstance(error, openai.NotFoundError):
        return (
            f"{where} knows no model {settings.model!r}, or nothing is at that address (status "
            "404); correct OPENAI_MODEL or OPENAI_BASE_URL."
        )
    if isinstance(error, openai.APITimeoutError):
        return (
            f"{where} did not answer within {settings.timeout:g} s; try again, or raise "
            "TODO_AI_TIMEOUT."
        )
    if isinstance(error, openai.APIConnectionError):
        return f"{where} cannot be reached; see that the server runs and OPENAI_BASE_URL is right."
    if isinstance(error, openai.APIStatusError):
        return f"{where} failed with status {error.status_code}; see its log, then try again."
    return (
        f"{where} did not answer as an OpenAI-compatible server does ({type(error).__name__}); see "
        "that OPENAI_BASE_URL ends with the version, as in /v1."
    )
