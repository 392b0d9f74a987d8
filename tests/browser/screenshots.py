"""Takes the pictures of docs/images: python tests/browser/screenshots.py, with TODO_URL."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browser.support import Visitor, chromium, sign_up
from e2e.support import ROOT, URL
from playwright.sync_api import Page

IMAGES = ROOT / "docs" / "images"


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


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1360, "height": 860}, locale="en-US")
        visitor = Visitor(context=context, page=context.new_page())
        page = visitor.open("/sign-up")
        picture(page, "sign-up")
        sign_up(visitor)
        try:
            fill(visitor)
            visitor.open("/")
            visitor.say("Add a task to buy groceries")
            visitor.say("What's pending?")
            page.get_by_test_id("announcement").wait_for(state="attached")
            picture(page, "dashboard-light")
            page.get_by_role("button", name="Switch light and dark").click()
            picture(page, "dashboard-dark")
            page.get_by_role("button", name="Switch light and dark").click()
            page.set_viewport_size({"width": 390, "height": 780})
            picture(page, "phone-tasks")
            page.get_by_role("button", name="Chat", exact=True).click()
            picture(page, "phone-chat")
        finally:
            context.request.delete(f"{URL}/api/auth/me")


if __name__ == "__main__":
    main()
