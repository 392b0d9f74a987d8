"""The conversation: what is said, what the list then shows, and every way a reply can end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from browser.support import Visitor, held, send
from e2e.support import URL
from playwright.sync_api import Route, expect
from waiting import wait_until

Make = Callable[..., Visitor]


def events(*items: dict[str, object], done: bool = True) -> str:
    """The body of an event stream."""
    lines = [f"data: {json.dumps(item)}\n\n" for item in items]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


def test_the_eight_sentences(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to buy groceries")
    expect(ada.row("Buy groceries")).to_be_visible()
    expect(ada.last_reply().locator(".tool-card")).to_contain_text("Added “Buy groceries”")
    ada.say("I need to remember to pay bills")
    expect(ada.row("Pay bills")).to_be_visible()
    ada.add_task("Team meeting")
    groceries, bills = ada.task("Buy groceries")["id"], ada.task("Pay bills")["id"]
    ada.say("Show me all my tasks")
    expect(ada.last_reply()).to_contain_text("Team meeting")
    ada.say("What's pending?")
    expect(ada.last_reply()).to_contain_text("Pay bills")
    ada.say(f"Mark task {groceries} as complete")
    expect(ada.last_reply()).to_contain_text("Buy groceries")
    ada.say("What have I completed?")
    expect(ada.last_reply()).to_contain_text("Buy groceries")
    expect(ada.last_reply()).not_to_contain_text("Pay bills")
    ada.say(f"Change task {bills} to 'Call mom tonight'")
    expect(ada.row("Call mom tonight")).to_be_visible()
    ada.say("Delete the meeting task")
    expect(ada.row("Team meeting")).to_have_count(0)
    assert sorted(ada.titles()) == ["Buy groceries", "Call mom tonight"]
    # Read out once, when it is complete.
    expect(page.get_by_test_id("announcement")).to_contain_text("meeting", ignore_case=True)


def test_conversation_outlives_a_reload_and_is_listed(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to water the plants")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    ada.reload()
    expect(page.get_by_role("log").get_by_text("Add a task to water the plants")).to_be_visible()
    expect(page.locator(".tool-card")).to_contain_text("Added “Water the plants”")

    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_text("What would you like to do?")).to_be_visible()
    expect(page).to_have_url(f"{URL}/")
    page.get_by_role("button", name="Earlier conversations").click()
    panel = page.get_by_role("region", name="Earlier conversations")
    panel.get_by_role("button", name="water the plants").first.click()
    expect(page.get_by_role("log").get_by_text("Add a task to water the plants")).to_be_visible()


def test_a_deleted_conversation_can_be_brought_back(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to rest")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    address = page.url
    delete = page.get_by_role("button", name="Delete conversation Add a task to rest")
    page.get_by_role("button", name="Earlier conversations").click()
    delete.press("Enter")
    expect(page.get_by_text("What would you like to do?")).to_be_visible()
    expect(delete).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").get_by_text("Add a task to rest")).to_be_visible()
    expect(page).to_have_url(address)
    # A page that is left leaves no time for second thoughts.
    delete.click()
    ada.reload()
    expect(page.get_by_text("What would you like to do?")).to_be_visible()
    assert ada.context.request.get(ada.api("/conversations")).json()["items"] == []


def test_a_conversation_is_opened_once_the_backend_is_back(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to water the plants")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    answers = iter([503, 502])

    def restart(route: Route) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, content_type="text/plain", body="no backend")

    page.route("**/conversations/*", restart)
    ada.reload()
    expect(page.get_by_role("log").get_by_text("Add a task to water the plants")).to_be_visible()


def test_suggestion_starts_a_conversation(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    page.get_by_role("button", name="Add a task to buy groceries").click()
    expect(ada.row("Buy groceries")).to_be_visible()


def test_the_banner_names_the_engine(user: Make) -> None:
    page = user().open("/")
    expect(page.locator(".engine")).to_have_text(re.compile(r"^(Offline assistant|Model: \S)"))


def test_stop_in_mid_stream_keeps_what_is_said_and_what_is_typed(user: Make) -> None:
    ada = user()
    task = ada.add_task("Call mom")["id"]
    page = ada.open("/")
    turns: list[str] = []
    page.on("request", lambda sent: turns.append(sent.url) if sent.url.endswith("/chat") else None)
    composer = page.get_by_label("Message the assistant")
    with held("tasks", task):
        send(ada, f"Mark task {task} as complete")
        expect(page.locator(".tool-card")).to_contain_text("Completing a task…")
        expect(page.get_by_role("log")).to_have_attribute("aria-busy", "true")
        composer.fill("And then")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
        expect(page.locator(".tool-card")).to_contain_text("stopped")
        expect(page.get_by_role("button", name="Retry")).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_be_enabled()
    # The draft was not sent by the click on what had been Send.
    expect(composer).to_have_value("And then")
    expect(page.locator(".message-user")).to_have_count(1)
    assert len(turns) == 1
    page.get_by_role("button", name="Retry").click()
    expect(ada.last_reply()).to_contain_text("Call mom", timeout=60_000)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false", timeout=60_000)
    expect(composer).to_have_value("And then")
    wait_until(lambda: ada.task("Call mom")["completed"], "the task is completed", 10)


def test_stop_before_the_first_word_keeps_the_question_and_offers_retry(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    # The answer never comes: Stop must work whatever the server does.
    page.route("**/chat", lambda _: None)
    page.get_by_label("Message the assistant").fill("Add a task to rest")
    page.get_by_label("Message the assistant").press("Enter")
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    page.unroute("**/chat")
    page.get_by_role("button", name="Retry").click()
    expect(ada.row("Rest")).to_be_visible()
    expect(page.get_by_role("log").get_by_text("Add a task to rest", exact=True)).to_have_count(1)


def test_a_backend_that_is_away_is_waited_for(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    answers = iter([503, 502])

    def restart(route: Route) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, content_type="text/plain", body="no backend")

    page.route("**/chat", restart)
    page.get_by_label("Message the assistant").fill("Add a task to rest")
    page.get_by_label("Message the assistant").press("Enter")
    expect(page.get_by_text("The assistant is busy or restarting.")).to_be_visible()
    expect(ada.row("Rest")).to_be_visible()
    expect(page.get_by_text("The assistant is busy or restarting.")).to_have_count(0)


def test_a_turn_cut_after_it_acted_is_not_repeated(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    asked: list[str] = []

    def cut(route: Route) -> None:
        asked.append(route.request.post_data or "")
        route.fulfill(
            content_type="text/event-stream",
            body=events(
                {"type": "start", "messageId": "m"},
                {
                    "type": "tool-input-available",
                    "toolCallId": "c",
                    "toolName": "add_task",
                    "input": {"title": "Rest"},
                },
                done=False,
            ),
        )

    page.route("**/chat", cut)
    page.get_by_label("Message the assistant").fill("Add a task to rest")
    page.get_by_label("Message the assistant").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="connection was lost")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert len(asked) == 1


def test_markup_in_titles_and_replies_stays_text(user: Make) -> None:
    ada = user()
    title = "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1))"
    ada.add_task(title)
    page = ada.open("/")
    expect(ada.row(title)).to_be_visible()
    ada.say("Show me all my tasks")
    expect(page.locator("main img")).to_have_count(0)
    expect(page.locator("a[href^='javascript']")).to_have_count(0)


def test_each_conversation_keeps_its_draft_over_a_reload(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    composer = page.get_by_label("Message the assistant")
    composer.fill("Add a task to")
    ada.reload()
    expect(composer).to_have_value("Add a task to")
    ada.say("Add a task to rest")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    composer.fill("And in this one")
    page.get_by_role("button", name="New conversation").click()
    expect(composer).to_have_value("")
    composer.fill("And in a new one")
    page.get_by_role("button", name="Earlier conversations").click()
    panel = page.get_by_role("region", name="Earlier conversations")
    panel.get_by_role("button", name="rest").first.click()
    expect(composer).to_have_value("And in this one")
    ada.reload()
    expect(page.get_by_role("log").get_by_text("Add a task to rest")).to_be_visible()
    expect(composer).to_have_value("And in this one")


def test_the_conversation_chosen_last_is_shown_whichever_answers_last(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to rest")
    page.get_by_role("button", name="New conversation").click()
    ada.say("Add a task to read")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_text("What would you like to do?")).to_be_visible()
    held_back: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held_back:
            route.continue_()
        else:
            held_back.append(route)

    page.route("**/conversations/*", hold_the_first)
    menu = page.get_by_role("button", name="Earlier conversations")
    panel = page.get_by_role("region", name="Earlier conversations")
    for title in ("rest", "read"):
        menu.click()
        panel.get_by_role("button", name=re.compile(f"^(?!Delete).*{title}")).click()
    log = page.get_by_role("log")
    expect(log.get_by_text("Add a task to read", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    address = page.url
    # The first was given up: nothing of it comes any more.
    assert held_back
    ada.say("What's pending?")
    expect(log.get_by_text("Add a task to rest", exact=True)).to_have_count(0)
    expect(page).to_have_url(address)


def test_a_reply_without_words_says_so(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    page.route(
        "**/chat",
        lambda route: route.fulfill(
            content_type="text/event-stream",
            body=events({"type": "start", "messageId": "m"}, {"type": "finish"}),
        ),
    )
    ada.say("Hm")
    expect(ada.last_reply()).to_contain_text("The assistant said nothing.")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
