"""Sign-up to deletion, and what a stranger or an expired session sees."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from browser.support import PASSWORD, Visitor
from e2e.support import URL
from playwright.sync_api import expect

Make = Callable[..., Visitor]


def test_from_sign_up_to_deletion(visitor: Make) -> None:
    ada = visitor()
    email = f"browser-{secrets.token_hex(6)}@example.com"
    page = ada.open("/")
    expect(page).to_have_url(f"{URL}/sign-in")
    page.get_by_role("link", name="Create an account").click()

    expect(page.get_by_text("10 to 128 characters")).to_be_visible()
    page.get_by_label("Email").fill("nonsense")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("The password needs 5 more characters.")).to_be_visible()
    expect(page.get_by_label("Email")).to_be_focused()
    expect(page.get_by_label("Email")).to_have_accessible_description(
        "Enter an address like name@example.org."
    )

    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    assert page.evaluate("document.cookie.includes('session')") is False

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill("not my password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="do not match")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    # The sign-in form has a link whose name holds "account", too.
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()

    page.get_by_role("link", name="Ada Account").click()
    page.get_by_role("button", name="Delete account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("someone@else.example")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog.get_by_text("This is not your email address.")).to_be_visible()
    dialog.get_by_role("textbox").fill(email)
    dialog.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    answer = ada.context.request.post(
        f"{URL}/api/auth/login", data={"email": email, "password": PASSWORD}
    )
    assert answer.status == 401


def test_token_is_shown_once_and_works_until_revoked(user: Make, visitor: Make) -> None:
    ada = user()
    page = ada.open("/account")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Create token").click()
    made = page.get_by_text("This is shown once.").locator("xpath=ancestor::div[1]")
    token = made.locator("code").first.inner_text()
    expect(made.locator("pre")).to_contain_text(f'"Authorization": "Bearer {token}"')

    stranger = visitor()
    headers = {"Authorization": f"Bearer {token}"}
    tasks = f"{URL}/api/{ada.user_id}/tasks"
    assert stranger.context.request.get(tasks, headers=headers).status == 200

    ada.reload()
    expect(page.get_by_text("Laptop")).to_be_visible()
    assert token not in page.content()
    page.get_by_role("button", name="Revoke Laptop").click()
    expect(page.get_by_role("button", name="Revoke Laptop")).to_have_count(0)
    assert stranger.context.request.get(tasks, headers=headers).status == 401


def test_session_that_ends_leads_to_sign_in_and_back_with_the_draft(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    page.get_by_label("Message the assistant").fill("Add a task to call")
    ada.context.clear_cookies()
    page.get_by_label("Add a task").fill("Water the plants")
    page.get_by_label("Add a task").press("Enter")

    expect(page.get_by_text("Your session is over.")).to_be_visible()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Add a task")).to_have_value("Water the plants")
    expect(page.get_by_label("Message the assistant")).to_have_value("Add a task to call")


def test_an_edit_outlives_the_session(user: Make) -> None:
    ada = user()
    ada.add_task("Water the plants")
    page = ada.open("/")
    page.get_by_role("button", name="Edit Water the plants").click()
    editor = page.get_by_role("form", name="Edit Water the plants")
    editor.get_by_label("Notes").fill("Not the cactus")
    ada.context.clear_cookies()
    editor.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(editor.get_by_label("Notes")).to_have_value("Not the cactus")
    editor.get_by_role("button", name="Save").click()
    expect(ada.row("Water the plants")).to_contain_text("Not the cactus")


def test_a_page_reloaded_after_its_session_comes_back_to_its_conversation(user: Make) -> None:
    ada = user()
    page = ada.open("/")
    ada.say("Add a task to rest")
    expect(page).to_have_url(re.compile(r"\?conversation=\d+$"))
    address = page.url
    # As after signing out everywhere elsewhere: the cookie is there, its session is not.
    for cookie in ada.context.cookies():
        if "todo_session" in cookie["name"]:
            ada.context.add_cookies([{**cookie, "value": "x" * 40}])
    ada.reload()
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(address)
    expect(page.get_by_role("log").get_by_text("Add a task to rest")).to_be_visible()


def test_the_account_page_leads_to_sign_in_where_the_session_is_over(user: Make) -> None:
    ada = user()
    page = ada.open("/account")
    page.get_by_label("Name").fill("Laptop")
    ada.context.clear_cookies()
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()


def test_sign_out_everywhere_ends_the_other_browser(user: Make, visitor: Make) -> None:
    ada, other = user(), visitor()
    login = {"email": ada.email, "password": PASSWORD}
    assert other.context.request.post(f"{URL}/api/auth/login", data=login).status == 200
    expect(other.open("/").get_by_role("heading", name="Tasks")).to_be_visible()
    ada.open("/account").get_by_role("button", name="Sign out everywhere").click()
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(other.open("/").get_by_role("heading", name="Sign in")).to_be_visible()
    # For the fixture, which deletes the account with this session.
    assert ada.context.request.post(f"{URL}/api/auth/login", data=login).status == 200


def test_two_users_see_only_their_own(user: Make) -> None:
    ada, bob = user(), user()
    ada.add_task("Ada's secret")
    bob.add_task("Bob's errand")
    ada.open("/")
    expect(ada.row("Ada's secret")).to_be_visible()
    expect(ada.rows()).to_have_count(1)
    bob.open("/")
    expect(bob.row("Bob's errand")).to_be_visible()
    bob.say("Show me all my tasks")
    expect(bob.last_reply()).to_contain_text("Bob's errand")
    expect(bob.page.get_by_text("Ada's secret")).to_have_count(0)


@pytest.mark.parametrize("away", ["//evil.example/", "/%09/evil.example/", "/.//evil.example/"])
def test_no_address_leads_off_the_site_after_sign_in(user: Make, away: str) -> None:
    ada = user()
    page = ada.open(f"/sign-in?next={away}")
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{URL}/")
