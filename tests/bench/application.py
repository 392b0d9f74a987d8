"""Measure the application beside baselines of ours, on the same machine in the same run.

    cd tests && python -m bench.application

Runs the real servers as processes of their own over a throw-away PostgreSQL, as few at a time as
each figure needs. Takes about two minutes and a half.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import jwt
from bench.load import Plan, Request, Result
from bench.programs import (
    BENCH,
    OTHERS,
    SERVER,
    Load,
    Program,
    baseline_program,
    load,
    running,
)
from bench.report import Row, table
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from scratch import AUDIENCE, Keys, ScratchDatabase, scratch_database, write_keys
from with_postgres import postgres

USERS = 1000
TITLES = (
    *("Buy milk", "Call the dentist", "Pay the rent", "Water the plants", "Book a flight"),
    *("Renew the passport", "Clean the garage", "Prepare the meeting", "Send the invoice"),
    *("Fix the bicycle", "Read the contract", "Return the parcel", "Feed the cat"),
    *("Write the report", "Order new glasses", "Plan the party", "Wash the car"),
    *("Learn the poem", "Visit grandmother", "Empty the mailbox"),
)
SENTENCES = (
    "Add a task to buy groceries",
    "Show me all my tasks",
    "What's pending?",
    "Mark the dentist task as complete",
    "Delete the meeting task",
    "Change the report task to 'Send the report'",
    "I need to remember to pay bills",
    "What have I completed?",
)
ROUNDS = 3
START_ROUNDS = 3
TURN_RATE = 5
TURN_SECONDS = 30
MODEL_TURNS = 40
DISCOVERIES = 100
# Many short rounds in turn: what disturbs one round disturbs its neighbours, too.
LIST_ROUNDS = 12
LIST_SECONDS = 1
LIST_CONNECTIONS = 16
MEMORY_REQUESTS = 20_000


class Bench:
    """The database, the keys, and how each program is started on them."""

    def __init__(self, database: ScratchDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def seed(self) -> None:
        """Make users who are signed in and have twenty tasks each."""
        with self._database.superuser() as connection:
            connection.execute(
                "INSERT INTO users (id, email, password_hash)"
                " SELECT 'user-' || n, n || '@example.com', '' FROM generate_series(1, %s) n",
                (USERS,),
            )
            connection.execute(
                "INSERT INTO sessions (user_id, token_hash, expires_at) SELECT id,"
                " sha256(('secret-of-' || id)::bytea), now() + interval '1 day' FROM users"
            )
            connection.execute(
                "INSERT INTO tasks (user_id, title, tags, due_at)"
                " SELECT id, title, ARRAY['home', 'soon'], now() + interval '1 week'"
                " FROM unnest(%s::text[]) title CROSS JOIN users",
                (list(TITLES),),
            )
            connection.execute("VACUUM ANALYZE")

    def mcp_server(self) -> Any:
        return running(
            "mcp-server",
            ["python", "-m", "todo_mcp"],
            {
                **self._settings("todo_mcp"),
                "TODO_MCP_PUBLIC_KEY_FILE": str(self._keys.public),
                "TODO_MCP_AUDIENCE": AUDIENCE,
            },
            OTHERS,
        )

    def backend(self, mcp: Program, model: Program | None = None) -> Any:
        return running(
            "backend",
            ["python", "-m", "todo_backend"],
            {
                **self._settings("todo_backend"),
                "TODO_MCP_SIGNING_KEY_FILE": str(self._keys.private),
                "TODO_MCP_URL": f"{mcp.url}/mcp",
                "TODO_MCP_AUDIENCE": AUDIENCE,
                "TODO_OPENAI_BASE_URL": f"{model.url}/v1" if model else "",
            },
            SERVER,
        )

    def token(self) -> str:
        """A token of the first user, as the backend makes them."""
        now = int(time.time())
        claims = {"iss": "todo-backend", "sub": "user-1", "aud": AUDIENCE, "scope": "todos"}
        times = {"iat": now, "exp": now + 600}
        return jwt.encode(claims | times, self._keys.key, algorithm="EdDSA")

    def model(self) -> Any:
        uvicorn = ["python", "-m", "uvicorn", "--port", "{port}", "--no-access-log"]
        app = ["--app-dir", str(BENCH), "model_server:app"]
        return running("model", [*uvicorn, *app], {}, OTHERS)

    def tutorial(self) -> Any:
        return self._by_uvicorn("tutorial", {})

    def agents(self, mcp: Program, model: Program) -> Any:
        return self._by_uvicorn(
            "agents_chat",
            {
                "MCP_URL": f"{mcp.url}/mcp",
                "MCP_AUDIENCE": AUDIENCE,
                "SIGNING_KEY_FILE": str(self._keys.private),
                "MODEL_URL": f"{model.url}/v1",
            },
        )

    def django(self) -> Any:
        command = [baseline_program("gunicorn"), "--bind", "127.0.0.1:{port}", "--workers", "1"]
        threads = ["--worker-class", "gthread", "--threads", "4", "--keep-alive", "75"]
        return running(
            "django", [*command, *threads, "django_tasks:application"], self._libpq(), SERVER
        )

    def _by_uvicorn(self, name: str, environment: Mapping[str, str]) -> Any:
        command = [baseline_program("uvicorn"), "--port", "{port}", f"{name}:app"]
        return running(name, command, {**self._libpq(), **environment}, SERVER)

    def _settings(self, role: str) -> dict[str, str]:
        settings = self._database.settings(role)
        return {f"TODO_{name.upper()}": str(value) for name, value in settings.items()}

    def _libpq(self) -> dict[str, str]:
        settings = self._database.settings("todo_owner")
        names = {"HOST": "host", "PORT": "port", "DATABASE": "name", "USER": "user"}
        names["PASSWORD"] = "password"
        found = {f"PG{ours}": str(settings[f"database_{name}"]) for ours, name in names.items()}
        return found | {"PGTZ": "UTC"}


def cookie(user: int) -> str:
    return f"todo_session=secret-of-user-{user}"


def listing(user: int, query: str = "limit=20") -> Request:
    return Request(path=f"/api/user-{user}/tasks?{query}", cookie=cookie(user))


def saying(user: int, sentence: str) -> Request:
    body = json.dumps({"message": sentence})
    return Request(path=f"/api/user-{user}/chat", cookie=cookie(user), body=body)


def ask(program: Program, request: Request) -> Any:
    """Return the answer's JSON. Raises httpx2.HTTPStatusError for anything but success."""
    response = httpx2.request(
        "GET" if request.body is None else "POST",
        program.url + request.path,
        content=request.body,
        headers={
            "host": "localhost",
            "cookie": request.cookie,
            "content-type": "application/json",
        },
        timeout=30,
        trust_env=False,
    )
    response.raise_for_status()
    return response.json()


def milliseconds(result: Result) -> str:
    return f"p50 {result.percentile(50):.1f} ms, p95 {result.percentile(95):.1f} ms"


def start_rows(bench: Bench) -> Iterator[Row]:
    mcp_server, backend = [], []
    for _ in range(START_ROUNDS):
        with bench.mcp_server() as mcp, bench.backend(mcp) as program:
            mcp_server.append(mcp.seconds_to_ready)
            backend.append(program.seconds_to_ready)
    for name, seconds in (("backend", backend), ("mcp-server", mcp_server)):
        yield Row(f"{name}: start until ready", f"{statistics.median(seconds):.2f} s", "", "<= 3 s")


def turn_rows(backend: Program) -> Iterator[Row]:
    requests = [saying(user, SENTENCES[user % len(SENTENCES)]) for user in range(1, USERS // 2)]
    load(Plan(port=backend.port, requests=requests[-20:], number=20))
    number = TURN_RATE * TURN_SECONDS
    result = load(Plan(port=backend.port, requests=requests, rate=TURN_RATE, number=number))
    yield Row(
        f"offline chat turn, {TURN_RATE} a second",
        milliseconds(result),
        "",
        "p50 <= 30 ms, p95 <= 60 ms",
    )


def list_rows(bench: Bench, backend: Program) -> Iterator[Row]:
    # Users whose tasks the turns left alone.
    requests = [listing(user) for user in range(USERS - 100, USERS)]
    with bench.tutorial() as tutorial, bench.django() as django:
        programs = {"this project": backend, "FastAPI tutorial": tutorial, "Django": django}
        answers = {name: ask(program, requests[0]) for name, program in programs.items()}
        assert all(answer == answers["this project"] for answer in answers.values()), answers
        assert len(answers["this project"]["items"]) == len(TITLES)
        plan: dict[str, Any] = {"requests": requests, "connections": LIST_CONNECTIONS}
        results: dict[str, list[Result]] = {name: [] for name in programs}
        used = dict.fromkeys(programs, 0.0)
        for program in programs.values():
            load(Plan(port=program.port, seconds=1, **plan))
        for _ in range(LIST_ROUNDS):
            for name, program in programs.items():
                before = program.processor_seconds()
                results[name].append(load(Plan(port=program.port, seconds=LIST_SECONDS, **plan)))
                used[name] += program.processor_seconds() - before
    # What one core can serve is the time each answer takes of it. The rate says less where the
    # database and the load generator share what cores are left.
    each = {
        name: used[name] * 1000 / sum(len(result.latencies) for result in found)
        for name, found in results.items()
    }
    for name, found in results.items():
        rate = statistics.median(result.per_second for result in found)
        yield Row(
            f"list of 20 tasks, one worker, one core: {name}",
            f"{each[name]:.2f} ms of the core each, {rate:.0f} a second",
            f"{each[name] / each['this project']:.2f}",
            {"FastAPI tutorial": ">= 2", "Django": ">= 1"}.get(name, ""),
        )
    share = max(result.own_share for found in results.values() for result in found)
    yield Row("load generator: most it took of its core", f"{share:.0%}")


def memory_rows(backend: Program, at_rest: float) -> Iterator[Row]:
    yield Row("backend: memory at rest", f"{at_rest:.0f} MiB", "", "<= 130 MiB")
    requests = []
    for user in range(1, USERS):
        body = json.dumps({"title": "Buy stamps"})
        add = Request(path=f"/api/user-{user}/tasks", cookie=cookie(user), body=body)
        requests += [listing(user), add, listing(user, "status=pending"), listing(user, "q=buy")]
        if user % 4 == 0:
            requests.append(saying(user, SENTENCES[user % len(SENTENCES)]))
    plan: dict[str, Any] = {"requests": requests, "connections": LIST_CONNECTIONS}
    load(Plan(port=backend.port, number=MEMORY_REQUESTS // 4, **plan))
    before = most = backend.memory()
    sending = Load(Plan(port=backend.port, number=MEMORY_REQUESTS, **plan))
    while sending.is_running():
        most = max(most, backend.memory())
        time.sleep(0.2)
    sending.result()
    growth = backend.memory() - before
    yield Row("backend: memory under load", f"{most:.0f} MiB", "", "<= 200 MiB")
    yield Row(f"backend: growth over {MEMORY_REQUESTS} requests", f"{growth:+.1f} MiB", "", "0")


def discovery_rows(bench: Bench, mcp: Program) -> Iterator[Row]:
    seconds = asyncio.run(_discover(f"{mcp.url}/mcp", bench.token()))
    yield Row(
        "mcp-server: a stock client connects and lists the tools",
        f"p50 {statistics.median(seconds) * 1000:.1f} ms,"
        f" p95 {statistics.quantiles(seconds, n=20)[-1] * 1000:.1f} ms",
    )


async def _discover(url: str, token: str) -> list[float]:
    """Connect anew each time, as kagent does for each agent; returns the seconds each took."""
    found = []
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False) as http:
        for _ in range(DISCOVERIES):
            started = time.perf_counter()
            async with Client(streamable_http_client(url, http_client=http)) as client:
                assert len((await client.list_tools()).tools) == 5
            found.append(time.perf_counter() - started)
    return found[DISCOVERIES // 10 :]


def model_rows(bench: Bench, mcp: Program) -> Iterator[Row]:
    with (
        bench.model() as model,
        bench.backend(mcp, model) as backend,
        bench.agents(mcp, model) as agents,
    ):
        programs = {"this project": backend, "openai-agents": agents}
        at_rest = backend.memory()
        requests = [saying(user, "Add groceries") for user in range(1, USERS)]
        answers = [ask(program, requests[-1]) for program in programs.values()]
        for answer in answers:
            assert answer["response"] == "I have added the task.", answer
            (call,) = answer["tool_calls"]
            assert call["result"]["status"] == "created", answer
        results: dict[str, list[float]] = {name: [] for name in programs}
        for round_ in range(ROUNDS):
            for name, program in programs.items():
                first = round_ * MODEL_TURNS
                mine = requests[first : first + MODEL_TURNS]
                result = load(Plan(port=program.port, requests=mine, number=MODEL_TURNS))
                results[name] += result.latencies if round_ else result.latencies[5:]
    ours = statistics.median(results["this project"])
    for name, found in results.items():
        median = statistics.median(found)
        yield Row(
            f"turn with a model of 0 ms and one tool: {name}",
            f"p50 {median:.1f} ms, p95 {statistics.quantiles(found, n=20)[-1]:.1f} ms",
            f"{median / ours:.2f}",
            {"this project": "p50 <= 30 ms", "openai-agents": ">= 2"}[name],
        )
    yield Row("backend with a model: memory at rest", f"{at_rest:.0f} MiB", "", "<= 130 MiB")


@contextmanager
def database() -> Iterator[ScratchDatabase]:
    with ExitStack() as stack:
        if "TODO_TEST_DATABASE_URL" not in os.environ:
            os.environ["TODO_TEST_DATABASE_URL"] = stack.enter_context(postgres())
        yield stack.enter_context(scratch_database())


def measure() -> Iterator[Row]:
    baseline_program("python")
    with database() as found, tempfile.TemporaryDirectory() as folder:
        bench = Bench(found, write_keys(Path(folder)))
        bench.seed()
        yield from start_rows(bench)
        with bench.mcp_server() as mcp:
            with bench.backend(mcp) as backend:
                ask(backend, listing(1))
                at_rest = backend.memory()
                yield from turn_rows(backend)
                yield from list_rows(bench, backend)
                yield from memory_rows(backend, at_rest)
            yield from discovery_rows(bench, mcp)
            yield from model_rows(bench, mcp)


if __name__ == "__main__":
    print(table(measure()))
