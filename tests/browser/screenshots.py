"""Takes the pictures of docs/images: python tests/browser/screenshots.py, with TODO_URL."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browser.support import Visitor, chromium, sign_up
from e2e.support import ROOT, URL
from playwright.sync_api import Page, ViewportSize

IMAGES = ROOT / "docs" / "images"
DESKTOP: ViewportSize = {"width": 1360, "height": 860}


def fill(visitor: Visitor) -> None:
    """Gives the visitor a list that looks lived in."""
    evening = datetime.datetime.now(tz=datetime.UTC).replace(
        hour=18, minute=0, second=0, microsecond=0
    )

    def due(days: int) -> str:
        return (evening + datetime.timedelta(days=days)).isoformat()

    visitor.add_task("Water the plants", recurrence="weekly", tags=["home"])
    visitor.add_task("Send the quarterly report", priority="high", due_at=due(1), tags=["work"])
    visitor.add_task("Book the dentist", priority="medium", due_at=due(4))
    visitor.add_task("Renew the passport", due_at=due(-3), tags=["errands"])
    visitor.add_task("Read two chapters", priority="low", description="Before the book club meets")


def picture(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.screenshot(path=IMAGES / f"{name}.png")


def strangers(visitor: Visitor) -> None:
    page = visitor.open("/sign-up")
    picture(page, "sign-up")
    visitor.open("/sign-in")
    picture(page, "sign-in")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Enter your password.").wait_for()
    picture(page, "sign-in-errors")
    visitor.open("/sign-in?expired=1")
    picture(page, "sign-in-expired")


def workspace(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_text("Nothing to do.").wait_for()
    picture(page, "empty")
    fill(visitor)
    visitor.open("/")
    visitor.say("Add a task to buy groceries")
    visitor.say("What's pending?")
    page.get_by_test_id("announcement").wait_for(state="attached")
    picture(page, "dashboard-light")
    page.get_by_role("button", name="Switch light and dark").click()
    picture(page, "dashboard-dark")
    page.get_by_role("button", name="Switch light and dark").click()
    page.get_by_role("button", name="Delete Renew the passport").click()
    page.get_by_role("button", name="Undo").wait_for()
    picture(page, "undo")
    page.get_by_role("button", name="Undo").click()
    card = page.locator(".tool-card").first
    card.locator("summary").click()
    card.scroll_into_view_if_needed()
    picture(page, "tool-card")
    page.set_viewport_size({"width": 390, "height": 780})
    picture(page, "phone-tasks")
    page.get_by_role("button", name="Chat", exact=True).click()
    picture(page, "phone-chat")


def account(visitor: Visitor) -> None:
    """Without a token: even one that is gone looks like a secret in a picture."""
    picture(visitor.open("/account"), "account")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        context = browser.new_context(viewport=DESKTOP, locale="en-US")
        visitor = Visitor(context=context, page=context.new_page())
        strangers(visitor)
        sign_up(visitor)
        try:
            workspace(visitor)
            visitor.page.set_viewport_size(DESKTOP)
            account(visitor)
        finally:
            context.request.delete(f"{URL}/api/auth/me")


if __name__ == "__main__":
    main()
