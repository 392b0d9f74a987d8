"""The package is installed where the playbooks look for it."""

from __future__ import annotations

from pathlib import Path

import todo_operations


def test_the_checkouts_own_package_is_the_one_in_use() -> None:
    assert Path(todo_operations.__file__).is_relative_to(Path(__file__).parents[1])
