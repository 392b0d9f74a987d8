"""The conversation of the role smoke, with a platform that is right and with wrong ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import todo_conversation as conversation
from fake_todo_api import Server


@pytest.fixture
def platform() -> Iterator[Server]:
    """A platform that understands the eight sentences."""
    with Server() as server:
        yield server


def converse(platform: Server) -> list[dict[str, object]]:
    return conversation.converse(conversation.Client(platform.url, ca_path=None, timeout=5))


def test_eight_sentences_are_said_and_the_user_is_gone(platform: Server) -> None:
    said = converse(platform)
    assert len(said) == 8
    assert said[0]["tools"] == ["add_task({'title': 'Buy groceries'})"]
    assert platform.sessions == {}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "wrong-tool",
            r"said: Mark task \d+ as complete\nexpected: complete_task .*\ngot: tools \['list",
        ),
        ("lost-task", r"expected the tasks .*Call mom tonight.*, got \{\}"),
        ("crash", r"chat: expected 200, got 500: .*Something broke"),
    ],
)
def test_fault_is_named_and_the_user_is_gone_all_the_same(
    platform: Server, fault: str, message: str
) -> None:
    platform.fault = fault
    with pytest.raises(conversation.Wrong, match=message):
        converse(platform)
    assert platform.sessions == {}


def test_user_that_cannot_be_deleted_does_not_hide_what_went_wrong(platform: Server) -> None:
    platform.fault = "down"
    message = (
        r"(?s)chat: expected 200, got 500: .*Something broke.*smoke-\w+@.* not be deleted: DELETE"
    )
    with pytest.raises(conversation.Wrong, match=message):
        converse(platform)


def test_platform_that_does_not_answer_is_named() -> None:
    server = Server()
    server.server_close()
    with pytest.raises(conversation.Wrong, match="register: no answer"):
        converse(server)


@pytest.mark.parametrize(
    ("arguments", "same"),
    [({"status": "all"}, True), ({}, True), ({"status": "pending"}, False)],
)
def test_argument_with_a_default_may_be_left_out(arguments: dict[str, str], same: bool) -> None:
    calls = [{"name": "list_tasks", "arguments": arguments}]
    assert (conversation.difference([("list_tasks", {"status": "all"})], calls) == "") is same
