"""What the browser tests share: where the platform is, who visits it, what is watched."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from e2e.support import ROOT, URL, kubectl
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

AXE = ROOT / "apps" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PSQL = ["exec", "-i", "-n", "todo", "postgres-0", "--", "psql", "-d", "todo", "-qAt"]
PASSWORD = "correct horse battery staple"
TIMEOUT_MS = 20_000
# By style: asking thousands of rows for their role takes minutes.
TASK_ROWS = ".task-list > li"

# Answers that a test asked for show up in the console as well.
EXPECTED_CONSOLE = re.compile(
    r"the server responded with a status of (401|404|409|412|422|429|50[234])"
    # A pod that was killed in mid-answer.
    r"|net::ERR_INCOMPLETE_CHUNKED_ENCODING"
)


@dataclass
class Watch:
    """What the pages of one test did that no page may do."""

    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"data", "blob"} or request.url.startswith(URL):
            return
        self.foreign.append(request.url)

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not EXPECTED_CONSOLE.search(message.text):
            self.errors.append(message.text)

    def page(self, page: Page) -> None:
        page.on("request", self.request)
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))


@dataclass
class Visitor:
    """One person with a browser of their own."""

    context: BrowserContext
    page: Page
    email: str = ""
    user_id: str = ""

    def add_task(self, title: str, **fields: Any) -> dict[str, Any]:
        """Makes a task behind the page's back; returns it."""
        answer = self.context.request.post(self.api("/tasks"), data={"title": title, **fields})
        assert answer.status == 201, answer.text()
        task: dict[str, Any] = answer.json()
        return task

    def titles(self) -> list[str]:
        """Titles the server has, newest first."""
        answer = self.context.request.get(self.api("/tasks"))
        return [task["title"] for task in answer.json()["items"]]

    def open(self, path: str = "/") -> Page:
        """Goes there and waits until the page's script has taken over."""
        self.page.goto(URL + path)
        return self.ready()

    def reload(self) -> Page:
        """Reloads the page and waits until its script has taken over."""
        self.page.reload()
        return self.ready()

    def ready(self) -> Page:
        """Waits until the page's script has taken over: until then it holds its controls back."""
        expect(self.page.locator("fieldset:disabled")).to_have_count(0)
        return self.page

    def api(self, path: str) -> str:
        """The address of something of this visitor's own in the API."""
        return f"{URL}/api/{self.user_id}{path}"

    def task(self, title: str) -> dict[str, Any]:
        """Returns the task of that title; fails where there is none or more than one."""
        answer = self.context.request.get(self.api("/tasks"), params={"q": title})
        (found,) = (task for task in answer.json()["items"] if task["title"] == title)
        task: dict[str, Any] = found
        return task

    def rows(self) -> Locator:
        return self.page.get_by_role("list", name="Tasks").get_by_role("listitem")

    def row(self, title: str) -> Locator:
        return self.rows().filter(has=self.page.get_by_role("button", name=title, exact=True))

    def say(self, text: str) -> None:
        """Says it and waits until the reply is complete."""
        composer = self.page.get_by_label("Message the assistant")
        composer.fill(text)
        composer.press("Enter")
        log = self.page.get_by_role("log")
        # The newest: a suggestion or an earlier question may read the same.
        expect(log.locator(".message-user").last).to_contain_text(text)
        expect(log).to_have_attribute("aria-busy", "false")

    def last_reply(self) -> Locator:
        return self.page.locator(".message-assistant").last


@contextmanager
def chromium() -> Iterator[Browser]:
    """The distribution's Chromium; the variable CHROMIUM names another."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            # The tests may run as root, where Chromium has no sandbox.
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield browser
        browser.close()


def sign_up(visitor: Visitor) -> Visitor:
    """Makes an account for the visitor, who is then signed in."""
    visitor.email = f"browser-{secrets.token_hex(6)}@example.com"
    answer = visitor.context.request.post(
        f"{URL}/api/auth/register",
        data={"email": visitor.email, "password": PASSWORD, "name": "Ada"},
    )
    assert answer.status == 201, answer.text()
    visitor.user_id = answer.json()["user"]["id"]
    return visitor


def sql(statement: str) -> str:
    """What the platform's database prints for a statement: for what takes too long by the API."""
    return kubectl(*PSQL, "-c", statement)


@contextmanager
def held(table: str, row: int) -> Iterator[None]:
    """Holds a row of the database, so that a turn that wants to change it stops right there."""
    kubeconfig = str(ROOT / ".state" / "kubeconfig")
    session = subprocess.Popen(
        ["kubectl", "--kubeconfig", kubeconfig, *PSQL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdin is not None
    assert session.stdout is not None
    try:
        # Only names and numbers of these tests are put into it.
        lock = f"BEGIN; SELECT id FROM {table} WHERE id = {row} FOR UPDATE;"  # noqa: S608
        print(lock, file=session.stdin)
        session.stdin.flush()
        assert session.stdout.readline() == f"{row}\n"
        yield
    finally:
        session.communicate("ROLLBACK;\n", timeout=30)


def send(ada: Visitor, text: str) -> None:
    """Says something without waiting for the reply."""
    composer = ada.page.get_by_label("Message the assistant")
    composer.fill(text)
    composer.press("Enter")


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and its best practices, one line each."""
    # The page's policy forbids injected code, as it should: axe comes in by the debugger's door.
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',"
        " 'best-practice']})"
    )
    return [
        f"{violation['id']}: {', '.join(str(node['target']) for node in violation['nodes'])}"
        for violation in found["violations"]
    ]
