"""Users of the running platform, gone after each test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import pytest
from e2e.support import User, application_state


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows beside a failure how the application was: afterwards its pods are others."""
    report = yield
    if report.failed:
        report.sections.append(("the application", application_state()))
    return report


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
