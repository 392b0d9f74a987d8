"""The task list by hand."""

from __future__ import annotations

from collections.abc import Callable

from browser.support import Visitor
from e2e.support import URL
from playwright.sync_api import Route, expect

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

    with page.expect_response(lambda answer: answer.url.endswith("/complete")):
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
    page.get_by_role("combobox", name="Tag").select_option("shop")
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

    page.get_by_role("button", name="Delete Drop me").click()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Dismiss").click()
    assert deleted.value.status == 204
    ada.reload()
    expect(ada.rows()).to_have_count(1)
    assert ada.titles() == ["Keep me"]


def test_bulk_complete_and_delete(user: Make) -> None:
    ada = user()
    for title in ("One", "Two", "Three"):
        ada.add_task(title)
    page = ada.open("/")
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Select One").check()
    page.get_by_role("checkbox", name="Select Two").check()
    toolbar = page.get_by_role("toolbar", name="Selected tasks")
    expect(toolbar).to_contain_text("2 selected")
    toolbar.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("checkbox", name="Complete Two")).to_be_checked()
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted 3 tasks.")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.get_by_role("button", name="Dismiss").click()
    expect(ada.rows()).to_have_count(0)


def test_refused_change_goes_back_and_says_so(user: Make) -> None:
    ada = user()
    ada.add_task("Buy milk")
    page = ada.open("/")

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="text/plain", body="no backend")

    page.route("**/complete", refuse)
    page.get_by_role("checkbox", name="Complete Buy milk").click()
    expect(page.get_by_text("“Buy milk” is unchanged. The service is not")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).not_to_be_checked()

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
