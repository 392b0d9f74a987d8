"""What a failed task said, by the filter that a rescue asks."""

from typing import Any

import pytest
from failures import failure_messages

ITEMS = [
    {"item": 1, "msg": "fine", "changed": True},
    {"item": 2, "failed": True, "msg": "no space left on device\n"},
    {"item": 3, "failed": False, "msg": "fine"},
    {"item": 4, "failed": True, "msg": "non-zero return code", "stderr": "cannot connect\n"},
]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"failed": True, "msg": "no such chart"}, ["no such chart"]),
        ({"failed": True, "msg": "Helm exited 1: x", "stderr": "x"}, ["Helm exited 1: x"]),
        ({"failed": True, "msg": "non-zero return code", "stderr": "timed out\n"}, ["timed out"]),
        ({"failed": True, "msg": "non-zero return code", "stderr": " "}, ["non-zero return code"]),
        ({"failed": True, "stderr": "killed"}, ["killed"]),
        (
            {"failed": True, "msg": "One or more items failed", "results": ITEMS},
            ["no space left on device", "cannot connect"],
        ),
        # A loop that could not be made has no items.
        ({"failed": True, "msg": "'x' is undefined", "results": []}, ["'x' is undefined"]),
        ({"failed": True, "msg": "One failed", "results": [{"failed": True}]}, ["One failed"]),
        ({"failed": True}, ["the task failed without a word"]),
    ],
)
def test_a_failure_is_quoted(result: dict[str, Any], said: list[str]) -> None:
    assert failure_messages(result) == said
