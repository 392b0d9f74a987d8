"""Filter for the end of a block: what the task that failed said."""

from __future__ import annotations

from typing import Any

# The message of a command says no more than that it failed; why stands in its stderr.
_EMPTY = {"", "non-zero return code"}


def failure_messages(result: dict[str, Any]) -> list[str]:
    """What a failed task said, of a loop what each failed item said; never empty.

    `result` is Ansible's `ansible_failed_result`. A command, whose own message says only that its
    status was not 0, is quoted by its stderr.
    """
    items = result.get("results") or [result]
    said = [_said(item) for item in items if item.get("failed")]
    return [text for text in said if text] or [_said(result) or "the task failed without a word"]


def _said(result: dict[str, Any]) -> str:
    message = str(result.get("msg") or "").strip()
    stderr = str(result.get("stderr") or "").strip()
    return stderr or message if message in _EMPTY else message


class FilterModule:
    """Makes the function known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter name to function."""
        return {"failure_messages": failure_messages}
