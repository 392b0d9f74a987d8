"""WCAG 2.2 AA on every page and main state, in light and dark, on a phone, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser.support import Visitor, Watch, held, send, violations
from e2e.support import URL
from playwright.sync_api import Locator, Page, Route, expect
from waiting import wait_until

Make = Callable[..., Visitor]
LOOKS = [
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark"}, id="dark"),
    pytest.param({"viewport": {"width": 360, "height": 740}}, id="phone"),
    pytest.param(
        {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}, id="dark-phone"
    ),
]


def is_wider_than_its_window(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide


def is_within_its_window(part: Locator) -> bool:
    """Whether nothing of it lies beyond the window's sides."""
    inside: bool = part.evaluate(
        "element => { const box = element.getBoundingClientRect();"
        " return box.left >= 0 && box.right <= document.documentElement.clientWidth }"
    )
    return inside


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_strangers(visitor: Make, look: dict[str, object]) -> None:
    stranger = visitor(**look)
    for path in ("/sign-in", "/sign-in?expired=1", "/sign-up", "/nowhere"):
        page = stranger.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert violations(page) == []
        assert not is_wider_than_its_window(page)
    page = stranger.open("/sign-up")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Enter your password.")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_users(user: Make, look: dict[str, object]) -> None:
    ada = user(**look)
    page = ada.open("/")
    expect(page.get_by_text("Nothing to do.")).to_be_visible()
    assert violations(page) == []

    ada.add_task("Pay rent", priority="high", due_at="2020-01-01T09:00:00Z", tags=["home"])
    ada.add_task("Read", priority="medium", recurrence="weekly", description="A chapter a week")
    ada.add_task("Rest", priority="low")
    ada.reload()
    expect(ada.rows()).to_have_count(3)
    assert violations(page) == []
    assert not is_wider_than_its_window(page)
    # The title opens the editor too; on a phone it is the only way.
    page.get_by_role("button", name="Read", exact=True).click()
    expect(page.get_by_role("form", name="Edit Read")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Select Rest").check()
    assert violations(page) == []
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("button", name="Delete Rest").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert violations(page) == []

    if page.get_by_role("navigation", name="View").is_visible():
        page.get_by_role("button", name="Chat", exact=True).click()
    assert violations(page) == []
    ada.say("Show me all my tasks")
    page.locator(".tool-card summary").first.click()
    assert violations(page) == []
    assert not is_wider_than_its_window(page)
    page.get_by_role("button", name="Earlier conversations").click()
    expect(page.get_by_role("button", name="Delete conversation").first).to_be_visible()
    assert violations(page) == []

    page = ada.open("/account")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("This is shown once.")).to_be_visible()
    assert violations(page) == []
    assert not is_wider_than_its_window(page)
    page.get_by_role("button", name="Delete account").click()
    assert violations(page) == []


@pytest.mark.parametrize("look", LOOKS)
def test_what_goes_wrong_is_shown_to_everybody(user: Make, look: dict[str, object]) -> None:
    ada = user(**look)
    ada.add_task("Pay rent")
    page = ada.open("/")
    page.route("**/tasks/*", lambda route: route.fulfill(status=503, body="no backend"))
    page.get_by_role("checkbox", name="Complete Pay rent").click()
    expect(page.get_by_text("“Pay rent” is unchanged.")).to_be_visible()
    page.route("**/tasks?**", lambda route: route.fulfill(status=503, body="no backend"))
    page.get_by_role("searchbox", name="Search tasks").fill("rent")
    expect(page.get_by_text("The list could not be read.")).to_be_visible()
    page.get_by_label("Add a task").fill("x" * 201)
    page.get_by_label("Add a task").press("Enter")
    expect(page.get_by_text("A title has at most 200 characters")).to_be_visible()
    assert violations(page) == []
    assert not is_wider_than_its_window(page)

    if page.get_by_role("navigation", name="View").is_visible():
        page.get_by_role("button", name="Chat", exact=True).click()
    page.route(
        "**/chat",
        lambda route: route.fulfill(
            status=429, headers={"retry-after": "7"}, json={"detail": "Too many turns."}
        ),
    )
    page.get_by_label("Message the assistant").fill("Add a task to rest")
    page.get_by_label("Message the assistant").press("Enter")
    notice = page.get_by_role("log").get_by_role("alert")
    expect(notice).to_contain_text("Too many turns. Try again in 7 s.")
    expect(notice.get_by_role("button", name="Retry")).to_be_visible()
    assert violations(page) == []
    assert not is_wider_than_its_window(page)


@pytest.mark.parametrize("look", LOOKS)
def test_a_turn_in_mid_stream(user: Make, look: dict[str, object]) -> None:
    ada = user(**look)
    task = ada.add_task("Call mom")["id"]
    page = ada.open("/")
    if page.get_by_role("navigation", name="View").is_visible():
        page.get_by_role("button", name="Chat", exact=True).click()
    with held("tasks", task):
        send(ada, f"Mark task {task} as complete")
        expect(page.locator(".tool-card")).to_contain_text("Completing a task…")
        assert violations(page) == []
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("look", LOOKS)
def test_a_turn_that_waits_or_is_stopped(user: Make, look: dict[str, object]) -> None:
    ada = user(**look)
    page = ada.open("/")
    if page.get_by_role("navigation", name="View").is_visible():
        page.get_by_role("button", name="Chat", exact=True).click()
    log = page.get_by_role("log")
    page.route("**/chat", lambda _: None)
    send(ada, "Add a task to rest")
    expect(page.get_by_text("The assistant is working")).to_be_attached()
    assert violations(page) == []
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert violations(page) == []
    page.unroute("**/chat")
    page.route("**/chat", lambda route: route.fulfill(status=503, body="no backend"))
    page.get_by_role("button", name="Retry").click()
    notice = page.get_by_role("status").filter(has_text="The assistant is busy or restarting.")
    expect(notice).to_be_visible()
    # A log that is busy says nothing.
    expect(log).to_have_attribute("aria-busy", "true")
    expect(log.get_by_text("The assistant is busy or restarting.")).to_have_count(0)
    assert violations(page) == []
    assert not is_wider_than_its_window(page)
    page.get_by_role("button", name="Stop").click()
    expect(log).to_have_attribute("aria-busy", "false")


def test_what_breaks_in_one_pane_leaves_the_other(user: Make, watch: Watch) -> None:
    ada = user()
    ada.add_task("Buy milk")
    page = ada.open("/")
    broken: dict[str, object] = {
        "id": 1,
        "title": None,
        "completed": False,
        "priority": "none",
        "tags": [],
    }
    page.route(
        "**/tasks?**", lambda route: route.fulfill(json={"items": [broken], "next_cursor": None})
    )
    page.get_by_role("searchbox", name="Search tasks").fill("milk")
    failed = page.get_by_role("alert").filter(has_text="The task list cannot be shown.")
    expect(failed).to_be_visible()
    assert violations(page) == []
    page.unroute("**/tasks?**")
    with page.expect_response(lambda answer: "/tasks?" in answer.url):
        ada.say("Add a task to buy more milk")

    def is_back() -> bool:
        if failed.is_visible():
            failed.get_by_role("button", name="Try again").click()
        is_shown: bool = ada.row("Buy more milk").is_visible()
        return is_shown

    # The list that was read anew takes its moment to be drawn.
    wait_until(is_back, "the list is shown again", 10)
    # The error goes to the console, as it should.
    assert watch.errors
    watch.errors.clear()


def test_a_phone_does_everything(user: Make) -> None:
    """Adds, edits, completes, deletes, undoes and chats by touch."""
    ada = user(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = ada.open("/")
    page.get_by_label("Add a task").fill("Buy milk")
    page.get_by_role("button", name="Add", exact=True).tap()
    expect(ada.row("Buy milk")).to_be_visible()
    page.get_by_role("button", name="Buy milk", exact=True).tap()
    editor = page.get_by_role("form", name="Edit Buy milk")
    editor.get_by_label("Title").fill("Buy bread")
    editor.get_by_label("Priority").select_option("high")
    editor.get_by_role("button", name="Save").tap()
    expect(ada.row("Buy bread")).to_contain_text("high priority")
    page.get_by_role("checkbox", name="Complete Buy bread").tap()
    expect(page.get_by_role("checkbox", name="Complete Buy bread")).to_be_checked()
    page.get_by_role("button", name="Delete Buy bread").tap()
    page.get_by_role("button", name="Undo").tap()
    expect(ada.row("Buy bread")).to_be_visible()
    page.get_by_role("button", name="Chat", exact=True).tap()
    page.get_by_label("Message the assistant").fill("Add a task to rest")
    page.get_by_role("button", name="Send").tap()
    expect(ada.last_reply()).to_contain_text("Rest")
    page.get_by_role("button", name="Tasks", exact=True).tap()
    expect(ada.row("Rest")).to_be_visible()


def test_the_chosen_colours_are_kept(user: Make) -> None:
    ada = user(color_scheme="light")
    page = ada.open("/")

    def is_dark() -> bool:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return max(int(part) for part in colour[4:-1].split(",")) < 64

    assert not is_dark()
    page.get_by_role("button", name="Switch light and dark").click()
    assert is_dark()
    ada.reload()
    assert is_dark()
    # Drawn so by the server: nobody is dazzled until the script runs.
    assert 'data-theme="dark"' in ada.context.request.get(f"{URL}/sign-in").text()


def test_nothing_can_be_clicked_before_the_script_runs(visitor: Make) -> None:
    stranger = visitor()
    page = stranger.page
    held: list[Route] = []
    page.route("**/_next/static/**/*.js", lambda route: held.append(route))
    page.goto(f"{URL}/sign-in", wait_until="commit")
    button = page.get_by_role("button", name="Sign in")
    expect(button).to_be_disabled()
    expect(page.get_by_label("Password", exact=True)).to_be_disabled()
    while held:
        held.pop().continue_()
    page.unroute("**/_next/static/**/*.js")
    expect(button).to_be_enabled()


def test_everything_by_keyboard(user: Make) -> None:
    """Adds, completes, edits, deletes, undoes and chats without a pointer."""
    ada = user()
    page = ada.open("/")

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(document.activeElement.labels?.[0]?.textContent"
                " || document.activeElement.ariaLabel || document.activeElement.textContent).trim()"
            )
            if focused == name:
                return
        raise AssertionError(f"{name} cannot be reached by Tab")

    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    tab_to("Add a task")
    page.keyboard.type("Buy milk")
    page.keyboard.press("Enter")
    expect(ada.row("Buy milk")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).to_be_enabled()
    tab_to("Complete Buy milk")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).to_be_checked()
    tab_to("Buy milk")
    page.keyboard.press("Enter")
    expect(page.get_by_role("form", name="Edit Buy milk").get_by_label("Title")).to_be_focused()
    page.keyboard.type("Buy bread")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Buy bread", exact=True)).to_be_focused()
    tab_to("Delete Buy bread")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(ada.row("Buy bread")).to_be_visible()
    expect(page.get_by_role("button", name="Buy bread", exact=True)).to_be_focused()
    page.get_by_role("heading", name="Tasks").focus()
    tab_to("Message the assistant")
    page.keyboard.type("Add a task to rest")
    page.keyboard.press("Enter")
    expect(ada.row("Rest")).to_be_visible()
    expect(page.get_by_label("Message the assistant")).to_be_focused()


def test_fifty_tasks_by_keyboard(user: Make) -> None:
    """A long list is skipped or walked through, and a delete in its middle keeps the place."""
    ada = user()
    for number in range(50):
        ada.add_task(f"Task {number:02}")
    page = ada.open("/")
    expect(ada.rows()).to_have_count(50)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the tasks")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="Complete Task 49")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Complete Task 49")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Complete Task 49")).to_be_focused()
    # Each row is a box, a title, Edit and Delete.
    for _ in range(4 * 24 + 3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Delete Task 25")).to_be_focused()
    before = page.evaluate("scrollY")
    assert before > 0
    page.keyboard.press("Enter")
    expect(ada.row("Task 25")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 100
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Task 25", exact=True)).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Tab")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Task 24", exact=True)).to_be_focused()
    assert "Task 25" not in ada.titles()

    ada.reload()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the assistant")).to_be_focused()
    page.keyboard.press("Enter")
    composer = page.get_by_label("Message the assistant")
    expect(composer).to_be_focused()
    page.keyboard.type("Add a task to rest")
    page.keyboard.press("Enter")
    expect(ada.row("Rest")).to_be_visible()
    expect(composer).to_be_focused()


def test_a_skip_link_opens_the_view_it_leads_to(user: Make) -> None:
    page = user(viewport={"width": 360, "height": 740}).open("/")
    for name, target in (
        ("Skip to the assistant", page.get_by_label("Message the assistant")),
        ("Skip to the tasks", page.get_by_role("heading", name="Tasks")),
    ):
        page.get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        expect(target).to_be_focused()


def test_a_phone_shows_the_numbers_that_the_assistant_is_told(user: Make) -> None:
    ada = user(viewport={"width": 320, "height": 640})
    plain = ada.add_task("Rest")["id"]
    full = ada.add_task(
        "Pay rent", priority="high", recurrence="monthly", tags=["home office", "money"]
    )["id"]
    page = ada.open("/")
    for title, number in (("Rest", plain), ("Pay rent", full)):
        shown = ada.row(title).locator(".task-number").filter(visible=True)
        expect(shown).to_have_text(f"Task {number}")
        assert is_within_its_window(shown)
    assert not is_wider_than_its_window(page)
    page.set_viewport_size({"width": 1360, "height": 860})
    expect(ada.row("Rest").locator(".task-number").filter(visible=True)).to_have_count(1)
    expect(ada.row("Rest").locator(".task-meta")).to_be_hidden()


def test_text_at_twice_the_size_and_from_right_to_left_fits(user: Make) -> None:
    # 200 % zoom of a 1280 pixel window is a window of 640 CSS pixels.
    ada = user(viewport={"width": 640, "height": 430})
    ada.add_task("A title that is long enough to be broken into lines on a small screen " * 2)
    ada.add_task("https://example.org/" + "a" * 150)
    page = ada.open("/")
    expect(ada.rows()).to_have_count(2)
    assert not is_wider_than_its_window(page)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert not is_wider_than_its_window(page)
    page.get_by_role("button", name="Chat", exact=True).click()
    ada.say("Show me all my tasks")
    page.locator(".tool-card summary").first.click()
    assert not is_wider_than_its_window(page)
    assert is_within_its_window(page.locator(".message-assistant").last)
    page.get_by_role("button", name="Earlier conversations").click()
    panel = page.get_by_role("region", name="Earlier conversations")
    expect(panel.get_by_role("button", name="Delete conversation").first).to_be_visible()
    assert is_within_its_window(panel)
    page.evaluate("document.documentElement.dir = 'ltr'")
    assert not is_wider_than_its_window(page)
    assert is_within_its_window(panel)


def test_security_headers_of_every_page(user: Make) -> None:
    ada = user()
    nonces = set()
    for path in ("/", "/account", "/sign-in", "/sign-up", "/nowhere"):
        answer = ada.context.request.get(URL + path)
        assert answer.url == URL + path
        policy = answer.headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        nonces.add(policy.partition("'nonce-")[2].partition("'")[0])
    assert len(nonces) == 5
    # Every page has a script and a style sheet; their type is not to be guessed either.
    for kind in ("js", "css"):
        (asset, *_) = re.findall(rf"/_next/static/[^\"\\]+\.{kind}", answer.text())
        headers = ada.context.request.get(URL + asset).headers
        assert headers["x-content-type-options"] == "nosniff"
