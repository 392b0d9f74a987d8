"""Measure what one who uses the page waits for, on the running platform, and print it as a table.

    cd tests && python -m bench.page

Chromium comes by tests/browser/prepare.yml, Lighthouse from npm into .tools on first use. Makes two
accounts and takes them away. Takes about three minutes.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from bench.report import Row, table
from browser.support import TASK_ROWS, Visitor, chromium, sign_up, sql
from e2e.support import ROOT, URL
from playwright.sync_api import BrowserContext, sync_playwright

FRONTEND = ROOT / "apps" / "frontend"
# The newest that runs on Node 20.
LIGHTHOUSE = "12.8.2"
LIGHTHOUSE_DIR = ROOT / ".tools" / f"lighthouse-{LIGHTHOUSE}"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CATEGORIES = ("performance", "accessibility", "best-practices")
TURNS = 60
TASKS = 5000
# Milliseconds of the main thread from which the browser itself speaks of a long task.
LONG = 50


@contextmanager
def visitor() -> Iterator[Visitor]:
    """Somebody signed in, with a desktop window."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1360, "height": 860}, locale="en-US")
        made = sign_up(Visitor(context=context, page=context.new_page()))
        try:
            yield made
        finally:
            context.request.delete(f"{URL}/api/auth/me")


class Stream(BaseHTTPRequestHandler):
    """The platform, but for the chat: a reply whose first word says when it was sent."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: the bench prints its table only."""

    def do_GET(self) -> None:
        headers = {"cookie": self.headers.get("cookie", "")}
        answer = httpx2.get(URL + self.path, headers=headers)
        self.send_response(answer.status_code)
        for name in ("content-type", "content-security-policy", "location"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.tell({"type": "start", "messageMetadata": {"conversation_id": 1}})
        # A model thinks; the page has drawn everything else by then.
        time.sleep(0.2)
        self.tell({"type": "text-start", "id": "t"})
        self.tell({"type": "text-delta", "id": "t", "delta": f"sent{time.time() * 1000:.1f} "})
        time.sleep(0.1)
        self.tell({"type": "text-delta", "id": "t", "delta": "and done."})
        self.tell({"type": "finish"})

    def tell(self, event: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()


# Notes for each first word when the frame that shows it is due, on the clock the server uses.
WATCH = """() => {
  window.shown = [];
  const known = new Set();
  new MutationObserver(() => {
    for (const [, sent] of document.querySelector('[role=log]').textContent.matchAll(/sent([0-9.]+) /g)) {
      if (known.has(sent)) continue;
      known.add(sent);
      requestAnimationFrame(() => setTimeout(() => {
        window.shown.push(performance.timeOrigin + performance.now() - Number(sent));
      }));
    }
  }).observe(document.querySelector('[role=log]'), { subtree: true, childList: true, characterData: true });
}"""  # noqa: E501


def first_words() -> list[float]:
    """Milliseconds from the server's first word to the frame that shows it, one a turn."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with visitor() as ada:
            # A cookie belongs to a host, whatever the port.
            ada.page.goto(f"http://localhost:{server.server_port}/")
            ada.ready()
            ada.page.evaluate(WATCH)
            for number in range(TURNS):
                ada.say(f"Turn {number}")
            shown: list[float] = ada.page.evaluate("window.shown")
            assert len(shown) == TURNS
            return shown
    finally:
        server.shutdown()


def scripts(page: str, cookie: str) -> dict[str, float]:
    """Gzipped kilobytes of each script that the page loads."""
    printed = subprocess.run(
        ["node", "tools/budget.mjs", URL + page],
        cwd=FRONTEND,
        env=os.environ | {"COOKIE": cookie},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    lines = [line.split() for line in printed.splitlines() if "/_next/" in line]
    return {source: float(size) for size, _, source in lines}


def cookie_of(ada: Visitor) -> str:
    return "; ".join(f"{item['name']}={item['value']}" for item in ada.context.cookies(URL))


def long_tasks() -> dict[str, list[int]]:
    """Milliseconds of each long task while a list of thousands is used, by what is done to it."""
    with visitor() as ada:
        sql(
            f"INSERT INTO tasks (user_id, title, priority, tags) SELECT '{ada.user_id}',"  # noqa: S608
            " 'Task number ' || n, (ARRAY['none', 'low', 'medium', 'high'])[1 + n % 4],"
            " CASE WHEN n % 3 = 0 THEN '{home}'::text[] ELSE '{}' END"
            f" FROM generate_series(1, {TASKS}) AS n"
        )
        page = ada.open("/")
        page.evaluate(
            "() => { window.long = []; new PerformanceObserver((list) => window.long.push("
            "...list.getEntries().map((entry) => Math.round(entry.duration))))"
            ".observe({ type: 'longtask' }); }"
        )
        found: dict[str, list[int]] = {}

        def took(what: str) -> None:
            # Observers are told after the task has ended.
            page.evaluate("() => new Promise((done) => setTimeout(done, 200))")
            found[what] = page.evaluate("window.long.splice(0)")

        rows = page.locator(TASK_ROWS)
        page.mouse.move(400, 500)
        while (shown := rows.count()) < TASKS:
            page.mouse.wheel(0, 100_000)
            page.wait_for_function(
                f"shown => document.querySelectorAll('{TASK_ROWS}').length > shown", arg=shown
            )
        took("reading on to the end")
        for _ in range(100):
            page.mouse.wheel(0, -1200)
            page.evaluate("() => new Promise(requestAnimationFrame)")
        took("scrolling")
        page.evaluate("scrollTo(0, 0)")
        page.locator("#quick-add").press_sequentially("Something to do @tomorrow", delay=30)
        took("typing a task")
        page.locator("#quick-add").press("Enter")
        page.wait_for_function(f"() => document.querySelectorAll('{TASK_ROWS}').length > {TASKS}")
        took("adding it")
        page.locator("input[type=search]").press_sequentially("number 49", delay=60)
        page.wait_for_function(f"() => document.querySelectorAll('{TASK_ROWS}').length < 100")
        took("typing a search")
        return found


@contextmanager
def debugged() -> Iterator[tuple[BrowserContext, int]]:
    """A browser that Lighthouse can look at, and its port; who signs in there is signed in for it.

    Not a cookie among Lighthouse's headers: the page's own requests would go without it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            args=[f"--remote-debugging-port={port}"]
            + (["--no-sandbox"] if os.geteuid() == 0 else []),
        )
        yield context, port
        context.close()


def fill(ada: Visitor) -> None:
    """A list as people have it, with due dates and tags."""
    for number in range(30):
        due = f"2026-12-{number + 1:02}T18:00:00Z" if number % 2 else None
        task = {"title": f"Task number {number}", "due_at": due, "tags": ["home"]}
        answer = ada.context.request.post(f"{URL}/api/{ada.user_id}/tasks", data=task)
        assert answer.status == 201, answer.text()


def lighthouse(path: str, port: int) -> dict[str, float]:
    """Lighthouse's scores of a page in percent, desktop preset, in the browser at the port."""
    program = LIGHTHOUSE_DIR / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(LIGHTHOUSE_DIR)]
            + [f"lighthouse@{LIGHTHOUSE}"],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=600,
        )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [str(program), URL + path, "--preset=desktop", "--output=json", "--quiet"]
            + [f"--output-path={report}", f"--port={port}", "--disable-storage-reset"]
            + [f"--only-categories={','.join(CATEGORIES)}"],
            check=True,
            timeout=180,
        )
        result = json.loads(report.read_text())
    for audit in result["audits"].values():
        if (
            audit["score"] is not None
            and audit["score"] < 1
            and audit["scoreDisplayMode"] == "binary"
        ):
            print(f"Lighthouse on {path}: {audit['title']}")
    return {name: result["categories"][name]["score"] * 100 for name in CATEGORIES}


def measure() -> Iterator[Row]:
    words = sorted(first_words())
    p95 = words[int(len(words) * 0.95)]
    yield Row(
        "first word sent by the server until shown, p50 / p95",
        f"{statistics.median(words):.0f} / {p95:.0f} ms",
        target="p95 <= 50 ms",
    )
    with visitor() as ada:
        cookie = cookie_of(ada)
        chat, empty = scripts("/", cookie), scripts("/nowhere", cookie)
        whole = sum(chat.values())
        ours = sum(size for source, size in chat.items() if source not in empty)
        yield Row("JavaScript of the chat page, gzipped", f"{whole:.0f} KB", target="<= 165 KB")
        yield Row("of that, more than an empty page", f"{ours:.0f} KB", target="<= 30 KB")
    with debugged() as (context, port):
        for path in ("/sign-in", "/"):
            if path == "/":
                fill(sign_up(Visitor(context=context, page=context.new_page())))
            scores = lighthouse(path, port)
            yield Row(
                f"Lighthouse on {path}: performance, accessibility, best practices",
                ", ".join(f"{score:.0f}" for score in scores.values()),
                target=">= 95, 100, 100",
            )
        context.request.delete(f"{URL}/api/auth/me")
    for what, durations in long_tasks().items():
        yield Row(
            f"{TASKS} tasks, {what}: tasks over {LONG} ms",
            f"{len(durations)}, longest {max(durations, default=0)} ms",
            target="0" if what not in ("reading on to the end", "adding it") else "",
        )


if __name__ == "__main__":
    print(table(measure()))
