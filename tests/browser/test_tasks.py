"""The task list by hand."""

from __future__ import annotations

from collections.abc import Callable

from browser.support import PASSWORD, Visitor
from e2e.support import URL
from playwright.sync_api import Route, expect
from waiting import wait_until

Make = Callable[..., Visitor]


def test_typed_line_becomes_a_task_with_its_marks(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    expect(page.get_by_text("Nothing to do.")).to_be_visible()
    page.get_by_label("Add a task").fill("Pay rent @tomorrow !high #home")
    page.get_by_label("Add a task").press("Enter")
    row = ada.row("Pay rent")
    expect(row).to_contain_text("Tomorrow")
    expect(row).to_contain_text("high priority")
    expect(row).to_contain_text("home")
    expect(page.get_by_label("Add a task")).to_have_value("")
    ada.reload()
    expect(ada.row("Pay rent")).to_contain_text("Tomorrow")


def test_edit_complete_and_filter(user: Make) -> None:
    ada = user()
    ada.add_task("Buy milk", tags=["shop"])
    ada.add_task("Call mom", priority="high", due_at="2020-01-01T09:00:00Z")
    page = ada.open("/")
    expect(ada.row("Call mom")).to_contain_text("Overdue")

    page.get_by_role("button", name="Edit Buy milk").click()
    editor = page.get_by_role("form", name="Edit Buy milk")
    expect(editor.get_by_label("Title")).to_be_focused()
    editor.get_by_label("Title").fill("Buy oat milk")
    editor.get_by_label("Priority").select_option("low")
    editor.get_by_role("button", name="Save").click()
    expect(ada.row("Buy oat milk")).to_contain_text("low priority")
    expect(page.get_by_role("button", name="Buy oat milk", exact=True)).to_be_focused()

    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_role("checkbox", name="Complete Call mom").click()
    page.get_by_role("radio", name="Done").check(force=True)
    expect(ada.rows()).to_have_count(1)
    expect(ada.row("Call mom")).to_be_visible()
    page.get_by_role("radio", name="All").check(force=True)
    expect(ada.rows()).to_have_count(2)
    page.get_by_role("searchbox", name="Search tasks").fill("oat")
    expect(ada.rows()).to_have_count(1)
    page.get_by_role("searchbox", name="Search tasks").fill("nothing like it")
    expect(page.get_by_text("Nothing matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Show all tasks").click()
    expect(ada.rows()).to_have_count(2)
    ada.add_task("Write", tags=["desk"])
    ada.reload()
    page.get_by_role("radio", name="All").check(force=True)
    expect(ada.rows()).to_have_count(3)
    tags = page.get_by_role("combobox", name="Tag")
    tags.select_option("shop")
    expect(ada.row("Buy oat milk")).to_be_visible()
    expect(ada.rows()).to_have_count(1)
    expect(page.get_by_test_id("found")).to_have_text("1 task.")
    # A list of one tag still leads to the others.
    tags.select_option("desk")
    expect(ada.row("Write")).to_be_visible()


def test_what_the_filters_hide_leaves_the_list_and_does_not_join_it(user: Make) -> None:
    ada = user()
    ada.add_task("Buy milk")
    page = ada.open("/")
    page.get_by_role("checkbox", name="Complete Buy milk").click()
    # It stays in the reader's hand, so that a slip can be undone.
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).to_be_checked()
    page.get_by_label("Add a task").click()
    expect(ada.row("Buy milk")).to_have_count(0)
    page.get_by_role("radio", name="Done").check(force=True)
    expect(ada.row("Buy milk")).to_be_visible()
    page.get_by_label("Add a task").fill("Buy bread")
    page.get_by_label("Add a task").press("Enter")
    expect(page.get_by_text("Added “Buy bread”. The filters hide it.")).to_be_visible()
    expect(ada.rows()).to_have_count(1)


def test_delete_can_be_undone_and_otherwise_lasts(user: Make) -> None:
    ada = user()
    ada.add_task("Keep me")
    ada.add_task("Drop me")
    page = ada.open("/")
    page.get_by_role("button", name="Delete Keep me").click()
    expect(ada.row("Keep me")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(ada.row("Keep me")).to_be_visible()
    expect(page.get_by_role("button", name="Keep me", exact=True)).to_be_focused()

    page.get_by_role("button", name="Delete Drop me").click()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Dismiss").click()
    assert deleted.value.status == 204
    ada.reload()
    expect(ada.rows()).to_have_count(1)
    assert ada.titles() == ["Keep me"]


def test_the_assistant_does_not_see_what_the_page_hides(user: Make) -> None:
    ada = user()
    ada.add_task("Rest")
    ada.add_task("Work")
    page = ada.open("/")
    page.get_by_role("button", name="Delete Rest").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    ada.say("What's pending?")
    expect(ada.last_reply()).to_contain_text("Work")
    expect(ada.last_reply()).not_to_contain_text("Rest")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert ada.titles() == ["Work"]


def test_a_delete_that_nobody_undoes_happens(user: Make) -> None:
    ada = user()
    ada.add_task("Drop me")
    page = ada.open("/")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Delete Drop me").click()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        assert ada.titles() == ["Drop me"]
    assert deleted.value.status == 204
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert ada.titles() == []


def test_a_delete_happens_when_the_page_is_left(user: Make) -> None:
    ada = user()
    ada.add_task("Drop me")
    page = ada.open("/")
    page.get_by_role("button", name="Delete Drop me").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert ada.titles() == ["Drop me"]
    ada.open("/account")
    wait_until(lambda: ada.titles() == [], "the task is deleted", 5)


def test_a_delete_happens_before_the_session_ends(user: Make) -> None:
    ada = user()
    ada.add_task("Drop me")
    page = ada.open("/")
    page.get_by_role("button", name="Delete Drop me").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    login = {"email": ada.email, "password": PASSWORD}
    assert ada.context.request.post(f"{URL}/api/auth/login", data=login).status == 200
    assert ada.titles() == []


def test_a_delete_keeps_the_place_in_the_list(user: Make) -> None:
    ada = user()
    for number in range(40):
        ada.add_task(f"Task {number:02}")
    page = ada.open("/")
    button = page.get_by_role("button", name="Delete Task 05")
    button.scroll_into_view_if_needed()
    button.hover()
    before = page.evaluate("scrollY")
    assert before > 0
    button.click()
    expect(ada.row("Task 05")).to_have_count(0)
    expect(page.get_by_role("button", name="Task 04", exact=True)).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 100


def test_bulk_complete_and_delete(user: Make) -> None:
    ada = user()
    for title in ("One", "Two", "Three"):
        ada.add_task(title)
    page = ada.open("/")
    page.get_by_role("radio", name="All").check(force=True)
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Select One").check()
    page.get_by_role("checkbox", name="Select Two").check()
    toolbar = page.get_by_role("toolbar", name="Selected tasks")
    expect(toolbar).to_contain_text("2 selected")
    toolbar.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("Completed 2 tasks.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Complete Two")).to_be_checked()
    expect(page.get_by_role("button", name="Select", exact=True)).to_be_focused()
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    notice = page.get_by_role("listitem").filter(has_text="Deleted 3 tasks.")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        notice.get_by_role("button", name="Dismiss").click()
    expect(ada.rows()).to_have_count(0)
    wait_until(lambda: ada.titles() == [], "all three are deleted", 5)


def test_many_at_once_end_at_the_first_sign_of_trouble(user: Make) -> None:
    ada = user()
    for number in range(12):
        ada.add_task(f"Task {number}")
    page = ada.open("/")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503, content_type="text/plain", body="no backend")

    page.route("**/tasks/*", refuse)
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("toolbar").get_by_role("button", name="Complete").click()
    notice = page.get_by_role("listitem").filter(has_text="12 of 12 tasks not completed.")
    expect(notice).to_have_count(1)
    assert len(asked) <= 4
    page.unroute("**/tasks/*")
    notice.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Completed 12 tasks.")).to_be_visible()


def test_refused_change_goes_back_and_says_so(user: Make) -> None:
    ada = user()
    ada.add_task("Buy milk")
    page = ada.open("/")

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="text/plain", body="no backend")

    page.route("**/tasks/*", refuse)
    page.get_by_role("checkbox", name="Complete Buy milk").click()
    expect(page.get_by_text("“Buy milk” is unchanged. The service is not")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).not_to_be_checked()
    page.get_by_role("button", name="Edit Buy milk").click()
    editor = page.get_by_role("form", name="Edit Buy milk")
    editor.get_by_label("Title").fill("Buy oat milk")
    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_text("“Buy milk” was not saved. The service is not")).to_be_visible()
    expect(editor.get_by_label("Title")).to_have_value("Buy oat milk")
    page.unroute("**/tasks/*")
    editor.get_by_role("button", name="Try again").click()
    expect(ada.row("Buy oat milk")).to_be_visible()

    page.route(f"{URL}/api/*/tasks", refuse)
    page.get_by_label("Add a task").fill("Lost?")
    page.get_by_label("Add a task").press("Enter")
    expect(page.get_by_text("“Lost?” was not added.")).to_be_visible()
    expect(page.get_by_label("Add a task")).to_have_value("Lost?")
    expect(ada.rows()).to_have_count(1)


def test_two_tabs_follow_each_other_and_lose_no_update(user: Make) -> None:
    ada = user()
    ada.add_task("Shared")
    first = ada.open("/")
    second = ada.context.new_page()
    second.goto(URL)
    second.get_by_label("Add a task").fill("From the other tab")
    second.get_by_label("Add a task").press("Enter")
    expect(ada.row("From the other tab")).to_be_visible()

    # Both edit the same version: the later one is refused, and shows what won.
    second.get_by_role("button", name="Edit Shared").click()
    form = second.get_by_role("form")
    form.get_by_label("Title").fill("Second wins not")
    first.get_by_role("button", name="Edit Shared").click()
    first.get_by_role("form").get_by_label("Title").fill("First wins")
    # The other tab must not hear of it before it saves.
    second.route("**/tasks?**", lambda _: None)
    first.get_by_role("form").get_by_role("button", name="Save").click()
    expect(ada.row("First wins")).to_be_visible()
    with second.expect_response(lambda answer: answer.request.method == "PUT") as refused:
        form.get_by_role("button", name="Save").click()
    assert refused.value.status == 412
    expect(second.get_by_text("“Shared” was not saved.")).to_be_visible()
    expect(form.get_by_label("Title")).to_have_value("Second wins not")
    assert sorted(ada.titles()) == ["First wins", "From the other tab"]


def test_a_list_of_many_pages_is_read_to_its_end(user: Make) -> None:
    ada = user()
    for number in range(120):
        ada.add_task(f"Task number {number}")
    page = ada.open("/")
    expect(ada.row("Task number 119")).to_be_visible()
    expect(ada.rows()).to_have_count(50)
    page.get_by_role("button", name="Show more").scroll_into_view_if_needed()
    expect(ada.rows()).to_have_count(100)
    page.get_by_role("button", name="Show more").scroll_into_view_if_needed()
    expect(ada.rows()).to_have_count(120)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
