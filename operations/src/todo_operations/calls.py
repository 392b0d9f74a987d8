"""Every call of a model: its log, and the month's budget that it counts against.

One JSON line a call in .state/logs/ai-calls.jsonl: time (UTC), purpose, model, tokens, seconds,
outcome; no words of what was asked or answered.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from todo_operations import inventory
from todo_operations.cli import CommandError

# Below the project's folder.
CALLS_LOG = Path(".state/logs/ai-calls.jsonl")
MONTHLY_TOKENS = 2_000_000
# A token of whoever does not count is this many characters; English has about four.
CHARACTERS_A_TOKEN = 3


class ModelError(CommandError):
    """A model that cannot be asked: what is wrong and what mends it, in one text."""


class BudgetSpent(ModelError):
    """The month's tokens are used up."""

    exit_status = 3


def number(environment: Mapping[str, str], name: str, default: int) -> int:
    """A whole number from the environment. Raises ModelError when it is none."""
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise ModelError(f"{name} is {text!r}; it must be a whole number of 0 or more.")
    return int(text)


def monthly_tokens(environment: Mapping[str, str] = os.environ) -> int:
    """The month's budget: TODO_AI_MONTHLY_TOKENS, or ai_monthly_tokens of the inventory in this
    folder. Raises ModelError for no number.
    """
    budget = MONTHLY_TOKENS
    found = inventory.setting("ai_monthly_tokens")
    if found is not None:
        budget = number({"ai_monthly_tokens": str(found)}, "ai_monthly_tokens", 0)
    return number(environment, "TODO_AI_MONTHLY_TOKENS", budget)


def estimate(*texts: str) -> dict[str, Any]:
    """What a call cost whose tokens nobody counted, for its entry in the log."""
    return {
        "total_tokens": sum(map(len, texts)) // CHARACTERS_A_TOKEN + 1,
        "estimated": True,
    }


class CallLog:
    """One JSON line a call: time (UTC), purpose, model, tokens, seconds, outcome; no words of it.

    Several processes may write at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"time": _now().isoformat(timespec="seconds"), **entry}) + "\n"
        with open(self.path, "a", encoding="utf-8", opener=_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(line)

    def entries(self) -> Iterator[dict[str, Any]]:
        """All calls, oldest first; a line that is no entry (a full disk cut it) is passed over."""
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry

    def tokens_this_month(self) -> int:
        """Tokens of all calls since the month began (UTC)."""
        month = _now().strftime("%Y-%m")
        return sum(
            int(entry.get("total_tokens") or 0)
            for entry in self.entries()
            if str(entry.get("time", "")).startswith(month)
        )

    def check_budget(self, monthly_tokens: int) -> None:
        """Raises BudgetSpent when the month's calls have used as much or more."""
        used = self.tokens_this_month()
        if used >= monthly_tokens:
            raise BudgetSpent(
                f"The month's budget for models is spent: {used} of {monthly_tokens} tokens "
                f"({self.path}). Raise ai_monthly_tokens in inventory/group_vars/all/platform.yml "
                "(TODO_AI_MONTHLY_TOKENS for one command), or wait for the next month."
            )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _now() -> datetime:
    return datetime.now(UTC)
