# ruff: noqa: S608 - the queries hold only names and ids of these tests
"""What a user sees while parts of the platform are replaced, on the real cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from browser.support import TASK_ROWS, Visitor, held, send, sql
from e2e.support import kubectl, wait_until_served
from playwright.sync_api import expect
from waiting import wait_until

Make = Callable[..., Visitor]


def waits_for(table: str) -> bool:
    """Whether a statement about that table waits for somebody else's transaction."""
    found = sql(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND query LIKE '%{table}%'",
    )
    return found.strip() != "0"


@pytest.fixture
def kill_backend() -> Iterator[Callable[[], None]]:
    """Ends the backend's pods without a last word; waits in the end until it serves again."""

    def kill() -> None:
        selector = "app.kubernetes.io/name=backend,app.kubernetes.io/component!=migration"
        kubectl("delete", "pod", "-n", "todo", "-l", selector, "--grace-period=0", "--force")

    yield kill
    kubectl("rollout", "status", "-n", "todo", "deploy/backend", "--timeout=120s")
    wait_until_served("the backend serves again")


def test_a_backend_killed_before_it_acted_is_asked_again(
    user: Make, kill_backend: Callable[[], None]
) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to buy groceries")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    with held("conversations", int(page.url.rpartition("=")[2])):
        send(ada, "Add a task to rest")
        wait_until(lambda: waits_for("conversations"), "the turn has reached the database", 8)
        kill_backend()
        expect(page.get_by_text("The assistant is busy or restarting.")).to_be_visible()
    expect(ada.row("Rest")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("log").get_by_text("Add a task to rest", exact=True)).to_have_count(1)
    assert sorted(ada.titles()) == ["Buy groceries", "Rest"]


def test_a_backend_killed_while_it_acts_is_asked_again_only_on_request(
    user: Make, kill_backend: Callable[[], None]
) -> None:
    ada = user()
    # Completed twice, it would leave two successors.
    task = ada.add_task("Water the plants", recurrence="weekly")["id"]
    page = ada.open("/")
    turns: list[str] = []
    page.on("request", lambda sent: turns.append(sent.url) if sent.url.endswith("/chat") else None)
    with held("tasks", task):
        send(ada, f"Mark task {task} as complete")
        expect(page.locator(".tool-card")).to_contain_text("Completing a task…")
        kill_backend()
        expect(page.get_by_role("alert").filter(has_text="connection was lost")).to_be_visible()
        expect(page.locator(".tool-card")).to_contain_text("stopped")
    kubectl("rollout", "status", "-n", "todo", "deploy/backend", "--timeout=120s")
    wait_until_served("the backend serves again")
    assert len(turns) == 1
    page.get_by_role("button", name="Retry").click()
    expect(ada.last_reply()).to_contain_text("Water the plants", timeout=60_000)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false", timeout=60_000)
    answer = ada.context.request.get(ada.api("/tasks"))
    assert sorted(task["completed"] for task in answer.json()["items"]) == [False, True]


def test_a_page_reloaded_in_mid_stream_has_its_conversation(user: Make) -> None:
    ada = user()
    task = ada.add_task("Call mom")["id"]
    page = ada.open("/")
    with held("tasks", task):
        send(ada, f"Mark task {task} as complete")
        expect(page.locator(".tool-card")).to_contain_text("Completing a task…")
        expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
        ada.reload()
        question = page.get_by_role("log").get_by_text(f"Mark task {task} as complete", exact=True)
        expect(question).to_be_visible()
    ada.say(f"Mark task {task} as complete")
    expect(ada.last_reply()).to_contain_text("Call mom")
    ada.reload()
    expect(page.locator(".message-user")).to_have_count(2)
    assert ada.task("Call mom")["completed"] is True


def test_thousands_of_tasks_can_be_read_filtered_and_searched(user: Make) -> None:
    ada = user()
    sql(
        "INSERT INTO tasks (user_id, title, tags) SELECT"
        f" '{ada.user_id}', 'Task number ' || n,"
        " CASE WHEN n % 500 = 0 THEN '{rare}'::text[] ELSE '{}' END"
        " FROM generate_series(1, 5000) AS n",
    )
    page = ada.open("/")
    rows = page.locator(TASK_ROWS)
    for count in range(100, 1001, 50):
        page.mouse.move(400, 500)
        page.mouse.wheel(0, 100_000)
        expect(rows).to_have_count(count)
    ticked = page.locator("[aria-label='Complete Task number 4010']")
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        ticked.click()
    expect(ticked).to_be_checked()
    before = page.evaluate("scrollY")
    assert before > 860
    # As when the reader comes back from another tab: the place in the list is kept.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    # What is ticked has no place among what is to do: the list that was read anew is drawn.
    expect(ticked).to_have_count(0)
    # The list's end is in sight, so one more page may have come.
    assert rows.count() >= 1000
    assert abs(page.evaluate("scrollY") - before) < 860
    page.get_by_role("searchbox", name="Search tasks").press_sequentially("number 4999")
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox", name="Search tasks").fill("")
    page.get_by_role("combobox", name="Tag").select_option("rare")
    expect(rows).to_have_count(10)


def test_every_conversation_can_be_reached(user: Make) -> None:
    ada = user()
    sql(
        "INSERT INTO conversations (user_id, title, updated_at) SELECT"
        f" '{ada.user_id}', 'Talk ' || n, now() - n * interval '1 hour'"
        " FROM generate_series(1, 120) AS n",
    )
    page = ada.open("/")
    page.get_by_role("button", name="Earlier conversations").click()
    panel = page.get_by_role("region", name="Earlier conversations")
    talks = panel.get_by_role("button", name=re.compile(r"^Talk \d"))
    expect(talks).to_have_count(50)
    panel.get_by_role("button", name="Show more").click()
    expect(talks).to_have_count(100)
    expect(talks.nth(50)).to_be_focused()
    panel.get_by_role("button", name="Show more").click()
    expect(talks).to_have_count(120)
    expect(panel.get_by_role("button", name="Show more")).to_have_count(0)
    panel.get_by_role("button", name="Delete conversation Talk 120").click()
    expect(talks).to_have_count(119)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_every_message_can_be_reached(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Hello")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    conversation = int(page.url.rpartition("=")[2])
    sql(
        "INSERT INTO messages (user_id, conversation_id, role, content) SELECT"
        f" '{ada.user_id}', {conversation}, 'user', 'Line ' || n FROM generate_series(1, 228) AS n",
    )
    page = ada.reload()
    messages = page.get_by_role("log").locator(".message")
    earlier = page.get_by_role("button", name="Earlier messages")
    expect(messages).to_have_count(100)
    expect(page.get_by_role("log").get_by_text("Line 228", exact=True)).to_be_in_viewport()
    earlier.focus()
    first = page.get_by_text("Line 129", exact=True)
    expect(first).to_be_in_viewport()
    before = first.bounding_box()
    page.keyboard.press("Enter")
    expect(messages).to_have_count(200)
    assert first.bounding_box() == before
    expect(earlier).to_be_focused()
    page.keyboard.press("Enter")
    expect(messages).to_have_count(230)
    assert first.bounding_box() == before
    expect(earlier).to_have_count(0)
    expect(page.get_by_role("log")).to_be_focused()
    page.keyboard.press("Home")
    expect(messages.first).to_contain_text("Hello")
    expect(messages.first).to_be_in_viewport()
