"""A real browser (the distribution's Chromium) on the running platform.

TODO_URL names the platform (http://localhost:8080), CHROMIUM the browser (/usr/bin/chromium).
Every page is watched: a request to another host, an error in the console or an uncaught exception
fails the test that caused it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser.support import TIMEOUT_MS, Visitor, Watch, chromium, sign_up
from e2e.support import URL
from playwright.sync_api import Browser, expect

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert watch.foreign == []
    assert watch.errors == []


@pytest.fixture
def visitor(browser: Browser, watch: Watch) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors that are not signed in; their accounts, where they got one, go in the end."""
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        context = browser.new_context(
            **{"viewport": {"width": 1360, "height": 860}, "locale": "en-US", **options}
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.on("page", watch.page)
        visitors.append(Visitor(context=context, page=context.new_page()))
        return visitors[-1]

    yield make
    for visitor in visitors:
        # 401 where the test deleted the account itself or never made one.
        visitor.context.request.delete(f"{URL}/api/auth/me")
        visitor.context.close()


@pytest.fixture
def user(visitor: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """Makes signed-in visitors with an empty list."""

    def make(**options: Any) -> Visitor:
        return sign_up(visitor(**options))

    return make
