"""Users of the running platform, gone after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from e2e.support import User


@pytest.fixture
def new_user() -> Iterator[Callable[[], User]]:
    """Makes users that are gone after the test."""
    users: list[User] = []

    def make() -> User:
        users.append(User())
        return users[-1]

    yield make
    for user in users:
        user.leave()


@pytest.fixture
def user(new_user: Callable[[], User]) -> User:
    return new_user()
