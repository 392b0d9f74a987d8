"""Two hundred users at once, on servers in processes of their own: each sees only their own."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
from processes import Platform

USERS = 200
STEPS = 5
# Every title carries its owner's mark, so a foreign one in any answer is seen.
MARK = re.compile(r"owner-\d{3}-", re.IGNORECASE)


@dataclass
class Visitor:
    """A user and what their list must look like."""

    number: int
    http: httpx2.AsyncClient
    dice: random.Random
    id: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    # Title and completion of each task, by number.
    tasks: dict[int, tuple[str, bool]] = field(default_factory=dict)
    conversations: list[int] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return f"owner-{self.number:03}-"

    async def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        """Send a request; fails unless it has this status and holds nothing foreign."""
        answer = await self.http.request(method, path, headers=self.headers, **options)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        marks = {mark.lower() for mark in MARK.findall(answer.text)}
        assert marks <= {self.mark}, (self.mark, method, path, marks)
        assert set(re.findall(r'"user_id":"(\w+)"', answer.text)) <= {self.id}
        return answer.json() if answer.content else None

    async def register(self, gate: asyncio.Semaphore) -> None:
        body = {"email": f"{self.mark}@example.com", "password": "correct horse battery"}
        async with gate:
            answer = await self.http.post("/api/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["user"]["id"]
        self.headers = {"cookie": answer.headers["set-cookie"].split(";")[0]}

    def title(self) -> str:
        return f"{self.mark}{self.dice.randrange(10**6)}"

    async def step(self, others: list[Visitor]) -> None:
        """Do something at random."""
        home = f"/api/{self.id}"
        doings = ["add", "add", "list", "page", "foreign", "chat"]
        if self.tasks:
            doings += ["read", "rename", "toggle", "delete"]
        doing = self.dice.choice(doings)
        number = self.dice.choice(list(self.tasks)) if self.tasks else 0
        path = f"{home}/tasks/{number}"
        if doing == "add":
            title = self.title()
            made = await self.ask("POST", f"{home}/tasks", 201, json={"title": title})
            self.tasks[made["id"]] = (title, False)
        elif doing == "list":
            await self.whole_list()
        elif doing == "page":
            query = {"limit": "2", "sort": self.dice.choice(["title", "-updated_at", "due_at"])}
            await self.ask("GET", f"{home}/tasks", 200, params=query)
        elif doing == "read":
            found = await self.ask("GET", path, 200)
            assert (found["title"], found["completed"]) == self.tasks[number]
        elif doing == "rename":
            title = self.title()
            await self.ask("PUT", path, 200, json={"title": title})
            self.tasks[number] = (title, self.tasks[number][1])
        elif doing == "toggle":
            found = await self.ask("PATCH", f"{path}/complete", 200)
            self.tasks[number] = (self.tasks[number][0], found["completed"])
        elif doing == "delete":
            await self.ask("DELETE", path, 204)
            del self.tasks[number]
        elif doing == "foreign":
            await self.trespass(self.dice.choice(others))
        else:
            await self.chat()

    async def whole_list(self) -> None:
        found = await self.ask("GET", f"/api/{self.id}/tasks", 200, params={"limit": "100"})
        assert {t["id"]: (t["title"], t["completed"]) for t in found["items"]} == self.tasks

    async def trespass(self, other: Visitor) -> None:
        """Another's paths, and one's own with another's numbers."""
        await self.ask("GET", f"/api/{other.id}/tasks", 404)
        for number in list(other.tasks)[:1]:
            for method, suffix in (("GET", ""), ("DELETE", ""), ("PATCH", "/complete")):
                await self.ask(method, f"/api/{self.id}/tasks/{number}{suffix}", 404)
        for number in other.conversations[:1]:
            await self.ask("GET", f"/api/{self.id}/conversations/{number}", 404)

    async def chat(self) -> None:
        title = self.title()
        said = await self.ask(
            "POST", f"/api/{self.id}/chat", 200, json={"message": f'Add a task "{title}"'}
        )
        self.conversations.append(said["conversation_id"])
        (call,) = said["tool_calls"]
        self.tasks[call["result"]["task_id"]] = (title, False)
        said = await self.ask(
            "POST",
            f"/api/{self.id}/chat",
            200,
            json={"message": "Show me all my tasks", "conversation_id": said["conversation_id"]},
        )
        assert {task["id"] for task in said["tool_calls"][0]["result"]} == set(self.tasks)


async def test_two_hundred_users_at_once_see_only_their_own(platform: Platform) -> None:
    platform.start_mcp()
    urls = [platform.start_backend().url for _ in range(2)]
    limits = httpx2.Limits(max_connections=USERS)
    # No request may take another user's cookie from a client.
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx2.AsyncClient(
                    base_url=url, timeout=60, limits=limits, trust_env=False, cookies=cookies
                )
            )
            for url in urls
        ]
        visitors = [
            Visitor(number, clients[number % 2], random.Random(number))  # noqa: S311
            for number in range(USERS)
        ]
        gate = asyncio.Semaphore(40)
        await asyncio.gather(*(visitor.register(gate) for visitor in visitors))

        async def visit(visitor: Visitor) -> None:
            others = [other for other in visitors if other is not visitor]
            for _ in range(STEPS):
                await visitor.step(others)
            # The other server keeps no other list.
            visitor.http = clients[(visitor.number + 1) % 2]
            await visitor.whole_list()

        async with asyncio.timeout(200), asyncio.TaskGroup() as group:
            for visitor in visitors:
                group.create_task(visit(visitor))
