"""What the assistant does with the user's tasks: calls, questions, answers to questions."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from todo_backend.assistant.offline import (
    Interpretation,
    Pending,
    TaskView,
    ToolCall,
    describe,
    engine,
    follow_up,
    interpret,
    needs_tasks,
)
from todo_backend.assistant.offline.grammar import RULES, Intent, parse
from todo_backend.assistant.offline.sentence import Sentence
from todo_backend.assistant.offline.wording import tasks_of

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TASKS = (
    TaskView(9, "Finish the march report"),
    TaskView(7, "Call mom"),
    TaskView(5, "Meeting with Bob"),
    TaskView(4, "Team meeting notes"),
    TaskView(3, "Buy milk", completed=True),
    TaskView(2, "Buy milk and eggs"),
    TaskView(1, "Dentist appointment"),
)


def say(sentence: str, pending: Pending | None = None, tasks: Any = TASKS) -> Interpretation:
    """Interpret as the backend does: the tasks are fetched only when they are needed."""
    known = tasks if needs_tasks(sentence, pending) else None
    return interpret(sentence, tasks=known, now=NOW, pending=pending)


def calls(outcome: Interpretation) -> list[tuple[str, dict[str, Any]]]:
    assert (outcome.reply is None) is bool(outcome.calls)
    return [(call.name, dict(call.arguments)) for call in outcome.calls]


def assert_refused(outcome: Interpretation) -> None:
    """It does nothing, says so and awaits no answer."""
    assert calls(outcome) == []
    assert outcome.pending is None
    assert "Nothing was changed." in str(outcome.reply)


def talk(*sentences: str) -> Interpretation:
    """Say the sentences in turn, with what is pending stored as JSON in between."""
    pending = None
    for sentence in sentences:
        outcome = say(sentence, pending)
        stored = None if outcome.pending is None else json.dumps(outcome.pending.to_json())
        pending = None if stored is None else Pending.from_json(json.loads(stored))
        if outcome.calls and outcome.calls[0].name == "list_tasks":
            status = outcome.calls[0].arguments["status"]
            rows = [
                {"id": t.id, "title": t.title, "completed": t.completed}
                for t in TASKS
                if status == "all" or t.completed is (status == "completed")
            ]
            pending = follow_up(outcome.calls[0], rows, NOW, outcome.about)
    return outcome


@pytest.mark.parametrize(
    ("sentence", "call", "fetches"),
    [
        ("Add a task to buy groceries", ("add_task", {"title": "Buy groceries"}), False),
        ("Show me all my tasks", ("list_tasks", {"status": "all"}), False),
        ("What's pending?", ("list_tasks", {"status": "pending"}), False),
        ("Mark task 3 as complete", ("complete_task", {"task_id": 3}), False),
        ("Delete the dentist task", ("delete_task", {"task_id": 1}), True),
        (
            "Change task 1 to 'Call mom tonight'",
            ("update_task", {"task_id": 1, "title": "Call mom tonight"}),
            False,
        ),
        ("I need to remember to pay bills", ("add_task", {"title": "Pay bills"}), False),
        ("What have I completed?", ("list_tasks", {"status": "completed"}), False),
    ],
)
def test_the_eight_sentences(sentence: str, call: Any, fetches: bool) -> None:
    assert calls(say(sentence)) == [call]
    assert needs_tasks(sentence) is fetches


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        # Several match: it asks; the answer names one by number, by place or by words.
        (["Delete the meeting task"], []),
        (["Delete the meeting task", "5"], [("delete_task", {"task_id": 5})]),
        (["Delete the meeting task", "the second one"], [("delete_task", {"task_id": 4})]),
        (["Delete the meeting task", "team"], [("delete_task", {"task_id": 4})]),
        (["Delete the meeting task", "99"], []),
        (["Delete the meeting task", "never mind"], []),
        (["Delete the meeting task", "show my tasks"], [("list_tasks", {"status": "all"})]),
        # A guess is only acted on after a yes.
        (["delete the dentst task"], []),
        (["delete the dentst task", "yes"], [("delete_task", {"task_id": 1})]),
        (["delete the dentst task", "no"], []),
        (["delete the dentst task", "what's up?"], []),
        (["complete the third one"], []),
        (["finish the march report"], []),
        (["finish the march report", "yes"], [("complete_task", {"task_id": 9})]),
        # Everything: asks first.
        (["Delete everything"], []),
        (["Delete everything", "no"], []),
        (
            ["Delete everything", "yes"],
            [("delete_task", {"task_id": task.id}) for task in TASKS],
        ),
        (["delete all completed tasks", "ok"], [("delete_task", {"task_id": 3})]),
        (["yes"], []),
        # Unknown tasks, things of others.
        (["delete the holiday task"], []),
        (["cancel my reservation"], []),
        (["change the volume to 4"], []),
        (["add milk to my shopping list"], []),
        (["don't delete task 3"], []),
        (["mark task 3 as not done"], []),
        # Places and "it" refer to the list just shown.
        (
            ["show my pending tasks", "complete the second one"],
            [("complete_task", {"task_id": 7})],
        ),
        (["complete it"], []),
        # Titles.
        (["mark calling mom as done"], [("complete_task", {"task_id": 7})]),
        (["I finished the eggs"], []),
        (["I finished the eggs", "yes"], [("complete_task", {"task_id": 2})]),
        (["I finished the eggs task"], [("complete_task", {"task_id": 2})]),
        (["I finished calling mom"], [("complete_task", {"task_id": 7})]),
        (["I finished buy milk"], []),
        (["I finished buy milk", "yes"], [("complete_task", {"task_id": 2})]),
        (["delete 'Buy milk'"], [("delete_task", {"task_id": 3})]),
        (["delete dentist"], []),
        (["delete dentist", "yes"], [("delete_task", {"task_id": 1})]),
        (["delete dentist appointment"], [("delete_task", {"task_id": 1})]),
        (
            ["rename buy milk and eggs to buy bread to bake"],
            [("update_task", {"task_id": 2, "title": "Buy bread to bake"})],
        ),
        (
            ["rename the meeting task to standup", "first one"],
            [("update_task", {"task_id": 5, "title": "Standup"})],
        ),
        (
            ["change the description of task 1 to 'bring x-rays'"],
            [("update_task", {"task_id": 1, "description": "bring x-rays"})],
        ),
        # Numbers.
        (
            ["complete tasks 1, 2 and 7"],
            [("complete_task", {"task_id": number}) for number in (1, 2, 7)],
        ),
        (
            ["delete tasks 1, 2 and 3"],
            [("delete_task", {"task_id": number}) for number in (1, 2, 3)],
        ),
        (
            ["complete tasks 1-3"],
            [("complete_task", {"task_id": number}) for number in (1, 2, 3)],
        ),
        (["delete tasks 1 to 1000000"], []),
        # What was not named one by one is deleted after a yes.
        (["delete tasks 1-3"], []),
        (["delete tasks 1 and 2 to 3"], []),
        (["delete tasks one to three"], []),
        (["delete tasks 1, 2, 3 and 4"], []),
        (["delete tasks 1-3", "no"], []),
        (["delete tasks 1-3 and add milk"], []),
        (
            ["delete tasks 1-3", "yes"],
            [("delete_task", {"task_id": number}) for number in (1, 2, 3)],
        ),
        (
            ["delete tasks 7, 2, 5 and 4", "yes"],
            [("delete_task", {"task_id": number}) for number in (7, 2, 5, 4)],
        ),
        # #6 and #8 are no tasks of the user.
        (
            ["delete tasks 5 to 8", "yes"],
            [("delete_task", {"task_id": number}) for number in (5, 7)],
        ),
        (["delete tasks 4, 5, 6 and 7", "yes"], []),
        (["delete tasks 10 to 20", "yes"], []),
        # What is missing is asked for.
        (["add a task", "Renew passport"], [("add_task", {"title": "Renew passport"})]),
        (["add a task", "never mind"], []),
        (
            ["change task 1", "Go to dentist"],
            [("update_task", {"task_id": 1, "title": "Go to dentist"})],
        ),
        (["i have to renew my passport"], []),
        (
            ["i have to renew my passport", "yes"],
            [("add_task", {"title": "Renew my passport"})],
        ),
        # What belongs into a title stays in it.
        (["remind me on friday to pay rent"], [("add_task", {"title": "Pay rent on friday"})]),
        (["add buy milk tomorrow"], [("add_task", {"title": "Buy milk tomorrow"})]),
        (
            ["add tasks: buy milk, call mom"],
            [("add_task", {"title": "Buy milk"}), ("add_task", {"title": "Call mom"})],
        ),
        (["would you remind me later to mail it"], [("add_task", {"title": "Mail it later"})]),
        (
            ["i must not forget mom's birthday, remind me"],
            [("add_task", {"title": "Mom's birthday"})],
        ),
        (["my list needs wash car added"], [("add_task", {"title": "Wash car"})]),
        (["we're out of dish soap", "yes"], [("add_task", {"title": "Buy dish soap"})]),
        (["also pick up the cake"], []),
        (["also pick up the cake", "yes"], [("add_task", {"title": "Pick up the cake"})]),
        (["i already called mom, remove it"], [("complete_task", {"task_id": 7})]),
        (["add " + "x" * 201], []),
        (["please " * 1000], []),
    ],
)
def test_conversation(turns: list[str], expected: Any) -> None:
    assert calls(talk(*turns)) == expected


@pytest.mark.parametrize(
    ("turns", "tool", "numbers"),
    [
        (["delete the first two"], "delete_task", (9, 7)),
        (["remove my last 2 tasks"], "delete_task", (2, 1)),
        # What is done already cannot be meant.
        (["complete the last three"], "complete_task", (4, 2, 1)),
        (
            ["show my completed and pending tasks", "delete the top 2 of them"],
            "delete_task",
            (9, 7),
        ),
        (["show my pending tasks", "delete the last two"], "delete_task", (2, 1)),
        # One task was shown: more are meant.
        (["show tasks about the dentist", "delete the first two"], "delete_task", (9, 7)),
    ],
)
def test_some_from_an_end_of_the_list_wait_for_a_yes(
    turns: list[str], tool: str, numbers: tuple[int, ...]
) -> None:
    outcome = talk(*turns)
    assert calls(outcome) == []
    assert outcome.pending == Pending("confirm", cast(Any, tool), numbers)
    assert all(f"#{number} " in str(outcome.reply) for number in numbers)
    assert calls(talk(*turns, "yes")) == [(tool, {"task_id": number}) for number in numbers]


@pytest.mark.parametrize(
    ("sentence", "tool", "numbers"),
    [
        ("delete the first and second", "delete_task", (9, 7)),
        ("remove first, third and last", "delete_task", (9, 5, 1)),
        ("delete the first task and the last one", "delete_task", (9, 1)),
        # One of them is done already.
        ("complete the fifth and the sixth tasks", "complete_task", (2,)),
    ],
)
def test_places_in_the_list_just_shown_are_acted_on(
    sentence: str, tool: str, numbers: tuple[int, ...]
) -> None:
    outcome = talk("show my tasks", sentence)
    assert calls(outcome) == [(tool, {"task_id": number}) for number in numbers]


@pytest.mark.parametrize(
    "turns",
    [
        # No list was shown, or one that has not so many.
        ["delete the first and second"],
        ["show my completed tasks", "delete the first and second"],
    ],
)
def test_places_in_no_list_shown_wait_for_a_yes(turns: list[str]) -> None:
    outcome = talk(*turns)
    assert calls(outcome) == []
    assert outcome.pending == Pending("confirm", "delete_task", (9, 7))
    assert calls(talk(*turns, "yes")) == [("delete_task", {"task_id": n}) for n in (9, 7)]


def test_many_places_wait_for_a_yes_before_a_delete() -> None:
    outcome = talk("show my tasks", "delete the first, second, third and fourth")
    assert calls(outcome) == []
    assert outcome.pending == Pending("confirm", "delete_task", (9, 7, 5, 4))


def test_places_answer_which_tasks_are_meant() -> None:
    assert calls(talk("delete the meeting task", "the first and second")) == [
        ("delete_task", {"task_id": number}) for number in (5, 4)
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        *("delete the first and the ninth", "rename the first and second to Call dad"),
        *("delete the first 20", "complete the last seven", "delete the first 99 tasks"),
        *("rename the first two to Call dad", "delete the first 0"),
    ],
)
def test_places_that_are_not_there_or_too_many_change_nothing(sentence: str) -> None:
    assert_refused(say(sentence))


def test_a_delete_of_many_numbers_says_which_tasks_go() -> None:
    outcome = say("delete tasks 2 to 4")
    assert outcome.reply == (
        "This would delete 3 tasks:\n- [ ] #2 Buy milk and eggs\n- [x] #3 Buy milk\n"
        "- [ ] #4 Team meeting notes\nAre you sure? Say yes or no."
    )
    # Of so many tasks that the older ones are not known, by their numbers.
    outcome = interpret("delete tasks 2 to 4", tasks=TASKS[:2], now=NOW, cut=True)
    assert outcome.reply == "Shall I delete #2, #3, #4 now? Say yes or no."
    assert outcome.pending == Pending("confirm", "delete_task", (2, 3, 4))


def made(*turns: str) -> list[tuple[str, int | str]]:
    """Return the calls of the last sentence in short: the tool, and the task's number or title."""
    return [
        (name.removesuffix("_task"), arguments.get("task_id", arguments.get("title", "")))
        for name, arguments in calls(talk(*turns))
    ]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("mark task 1 as done and delete task 2", [("complete", 1), ("delete", 2)]),
        ("mark task 1 as done; delete task 2", [("complete", 1), ("delete", 2)]),
        ("delete task 1, then complete task 7", [("delete", 1), ("complete", 7)]),
        ("mark calling mom as done and add buy soap", [("complete", 7), ("add", "Buy soap")]),
        ("show my tasks then delete task 1", [("list_tasks", ""), ("delete", 1)]),
        ("mark task 7 as done and delete dentist appointment", [("complete", 7), ("delete", 1)]),
        ("delete task 1 and I finished call mom", [("delete", 1), ("complete", 7)]),
        ("add milk. I finished call mom", [("add", "Milk"), ("complete", 7)]),
        ("thanks, delete task 1", [("delete", 1)]),
        ("good morning, add milk", [("add", "Milk")]),
        ("add milk. delete task 1", [("add", "Milk"), ("delete", 1)]),
        ("add milk, add bread and delete #1", [("add", "Milk"), ("add", "Bread"), ("delete", 1)]),
        # Several tasks of one command.
        ("mark calling mom and the march report as done", [("complete", 7), ("complete", 9)]),
        ("delete the dentist task and task 7", [("delete", 1), ("delete", 7)]),
        # The words behind "and" may belong to the title.
        ("add a task to buy milk and call mom", [("add", "Buy milk and call mom")]),
        ("add clean the fridge and throw out everything", None),
        ("add 'milk and delete task 3'", [("add", "milk and delete task 3")]),
    ],
)
def test_each_part_of_a_sentence_is_done(sentence: str, expected: Any) -> None:
    if expected is None:
        expected = [("add", sentence.removeprefix("add ").capitalize())]
    assert made(sentence) == expected


def test_a_command_behind_a_new_title_is_not_part_of_it() -> None:
    outcome = say("rename task 1 to call dad and delete task 2")
    assert calls(outcome) == [
        ("update_task", {"task_id": 1, "title": "Call dad"}),
        ("delete_task", {"task_id": 2}),
    ]


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("mark task 1 as done and delete the meeting task", "delete the meeting task"),
        ("complete task 1 and delete it", "delete it"),
        ("delete everything and add milk", "delete everything"),
        ("set the priority of task 1 to high and delete task 2", "set the priority"),
        ("mark calling mom and the holiday as done", "holiday"),
        ("I need to call mom and delete task 2", "call mom"),
        ("remind me to stretch and delete task 2", "stretch"),
    ],
)
def test_when_a_part_takes_a_question_nothing_is_done(sentence: str, named: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert "One thing at a time" in (outcome.reply or "")
    assert named in (outcome.reply or "")


@pytest.mark.parametrize(
    "sentence",
    [
        "If mom calls back, delete task 1",
        "unless I tell you otherwise, delete task 1",
        "once I'm back, delete task 1",
        "tomorrow, delete task 1",
        "What happens if I finish, then delete task 1?",
        "after lunch, delete task 1",
        "delete task 1 if mom calls",
        "delete task 1 tomorrow",
        "delete the dentist task when I get home",
        "can I delete task 1?",
        "is it possible to delete task 1",
        "may I delete task 1",
        "maybe delete task 1",
        "should I delete task 1?",
        "can we delete task 1?",
    ],
)
def test_a_condition_or_a_question_is_asked_about(sentence: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert 'Shall I delete #1 "Dentist appointment" now?' in (outcome.reply or "")
    assert made(sentence, "yes") == [("delete", 1)]


@pytest.mark.parametrize(
    "sentence",
    ["if I forget, mark task 7 as done", "once I am back, rename task 7 to call dad"],
)
def test_completing_and_changing_wait_for_a_yes_as_well(sentence: str) -> None:
    assert made(sentence) == []
    assert made(sentence, "yes")[0][1] == 7


@pytest.mark.parametrize(
    "sentence",
    [
        *("can you delete task 1", "if you could delete task 1", "could you please delete task 1?"),
        *("if you don't mind, delete task 1", "I am off today, so delete task 1"),
        *("delete task 1 now", "delete task 1 right now", "delete task 1 for me"),
        *("delete task 1 permanently", "delete task 1 today", "delete task 1 :)"),
        *(
            "delete task 1 at once",
            "delete task 1 as soon as possible",
            "delete task 1 if possible",
        ),
        "delete the dentist task now, please",
    ],
)
def test_politeness_and_haste_change_nothing(sentence: str) -> None:
    assert made(sentence) == [("delete", 1)]


def test_when_it_was_finished_does_not_matter() -> None:
    assert made("I finished task 7 yesterday") == [("complete", 7)]
    assert made("please mark task 7 as done now") == [("complete", 7)]


@pytest.mark.parametrize(
    "title",
    ["Cancel dentist appointment", "Complete call mom", "Clear the gutters", "Restore the backup"],
)
def test_a_title_that_was_asked_for_is_no_command(title: str) -> None:
    assert made("add a task", title) == [("add", title)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("delete task 1", [("delete", 1)]),
        ("delete the dentist task", [("delete", 1)]),
        ("show my tasks", [("list_tasks", "")]),
        ("please add buy bread", [("add", "Buy bread")]),
        ("I need to call Carl", [("add", "Call Carl")]),
    ],
)
def test_a_command_instead_of_a_title_names_a_task_or_adds_one(answer: str, expected: Any) -> None:
    assert made("add a task", answer) == expected


@pytest.mark.parametrize("aside", ["what?", "hello", "hm", "something"])
def test_a_title_is_asked_for_again(aside: str) -> None:
    assert made("add a task", aside) == []
    assert made("add a task", aside, "Buy bread") == [("add", "Buy bread")]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["delete everything", "yes, delete all of them"], [t.id for t in TASKS]),
        (["delete everything", "please delete them all"], [t.id for t in TASKS]),
        (["delete the meeting task", "first"], [5]),
        (["delete the meeting task", "last"], [4]),
        (["delete the meeting task", "2nd"], [4]),
        (["delete the meeting task", "4, I think"], [4]),
        (["delete the meeting task", "that one"], []),
        (["delete dentist", "that one"], [1]),
        (["delete dentist", "exactly"], [1]),
        (["delete dentist", "right"], [1]),
        (["delete dentist", "delete it"], [1]),
        # One sentence that is no answer does not end the question, two do.
        (["delete dentist", "blue", "yes"], [1]),
        (["delete dentist", "blue", "green", "yes"], []),
        (["delete the meeting task", "blue", "4"], [4]),
        (["delete dentist", "add milk", "yes"], []),
        (["delete dentist", "yes and delete task 7"], []),
        (["delete dentist", "yes and delete task 7", "yes"], [1]),
        (["delete them all", "yes"], []),
        # "Them" are those just shown, not all.
        (["show completed tasks", "delete all of them", "yes"], [3]),
    ],
)
def test_answers(turns: list[str], expected: list[int]) -> None:
    assert made(*turns) == [("delete", number) for number in expected]


def test_a_task_to_change_can_be_agreed_to() -> None:
    outcome = talk("rename the dentst task", "yes")
    assert calls(outcome) == []
    assert "called instead" in (outcome.reply or "")
    assert made("rename the dentst task", "yes", "See Ann") == [("update", 1)]


@pytest.mark.parametrize(
    ("sentence", "number", "title"),
    [
        ("rename the task meeting with bob to lunch with carl", 5, "Lunch with carl"),
        ("rename meeting with bob to lunch with carl", 5, "Lunch with carl"),
        ("change the bob meeting to lunch with carl", 5, "Lunch with carl"),
    ],
)
def test_a_new_title_begins_where_the_old_one_ends(sentence: str, number: int, title: str) -> None:
    assert calls(say(sentence)) == [("update_task", {"task_id": number, "title": title})]


def test_a_question_about_a_change_says_what_it_becomes() -> None:
    assert 'I change it to "Doctor"' in (say("rename dentist to doctor").reply or "")
    assert 'change to "Standup"?' in (say("rename the meeting task to standup").reply or "")
    # "Buy milk to buy milk and eggs" has all the words of another title.
    listed = (TaskView(1, "Buy milk"), TaskView(2, "Buy oat milk"))
    outcome = say("change buy milk to buy oat milk to drink", tasks=listed)
    assert calls(outcome) == []
    assert '#1 "Buy milk"' in (outcome.reply or "")


ROWS = [
    {"id": 6, "title": "Pay rent", "due_at": "2026-11-20T09:00:00Z", "priority": "high"},
    {"id": 5, "title": "Buy milk", "due_at": "2026-11-23T20:00:00Z", "tags": ["Home"]},
    {"id": 4, "title": "Milk the cow", "due_at": "2026-11-28T12:00:00Z", "priority": "low"},
    {"id": 3, "title": "See Ann", "due_at": "2026-12-02T12:00:00Z"},
    {"id": 2, "title": "Old bill", "due_at": "2026-11-01T09:00:00Z", "completed": True},
    {"id": 1, "title": "Nothing much"},
]


@pytest.mark.parametrize(
    ("sentence", "status", "numbers"),
    [
        ("what is overdue?", "pending", [6]),
        ("show my overdue tasks", "pending", [6]),
        ("what's due today", "pending", [5]),
        ("which tasks are due this week", "pending", [5, 4]),
        ("show tasks due next week", "pending", [3]),
        ("which tasks are due by saturday", "pending", [6, 5, 4]),
        ("list high priority tasks", "all", [6]),
        ("show tasks with low priority", "all", [4]),
        ("show tasks tagged home", "all", [5]),
        ("show tasks about milk", "all", [5, 4]),
        ("show task 3", "all", [3]),
        ("is task 2 done?", "all", [2]),
        ("show completed and pending tasks", "all", [6, 5, 4, 3, 2, 1]),
    ],
)
def test_a_list_is_of_what_was_asked_for(sentence: str, status: str, numbers: list[int]) -> None:
    outcome = say(sentence)
    assert calls(outcome) == [("list_tasks", {"status": status})]
    rows = [row for row in ROWS if status == "all" or not row.get("completed")]
    told = describe(outcome.calls[0], rows, NOW, outcome.about)
    assert [number for row in ROWS if f"#{(number := row['id'])} " in told] == numbers
    shown = follow_up(outcome.calls[0], rows, NOW, outcome.about)
    # "The first one" and "them" are then among these.
    assert shown == Pending("shown", "list_tasks", tuple(numbers))


@pytest.mark.parametrize(
    ("sentence", "tool", "said", "numbers"),
    [
        ("delete overdue tasks", "delete_task", "1 overdue task", [6]),
        ("delete everything on my list that is overdue", "delete_task", "1 overdue task", [6]),
        ("mark all overdue tasks as done", "complete_task", "1 overdue task", [6]),
        ("complete everything due this week", "complete_task", "2 tasks due this week", [5, 4]),
        ("clear all tasks due today", "delete_task", "1 task due today", [5]),
        ("delete all high priority tasks", "delete_task", "1 high-priority task", [6]),
        ("finish all urgent tasks", "complete_task", "1 pending high-priority task", [6]),
        ("delete my tasks tagged home", "delete_task", '1 task tagged "home"', [5]),
        ("delete all tasks about milk", "delete_task", '2 tasks about "milk"', [5, 4]),
        ("remove all my milk tasks", "delete_task", '2 tasks about "milk"', [5, 4]),
        ("delete tasks with the word milk", "delete_task", '2 tasks about "milk"', [5, 4]),
        # By its tag.
        ("delete all home tasks", "delete_task", '1 task about "home"', [5]),
        ("remove everything from my home tasks", "delete_task", '1 task about "home"', [5]),
        ("delete completed tasks about the bill", "delete_task", "1 completed task about", [2]),
        ("complete all tasks about the bill", "complete_task", "", []),
        ("delete all of the dog tasks", "delete_task", "", []),
    ],
)
def test_chosen_tasks_wait_for_a_yes(
    sentence: str, tool: str, said: str, numbers: list[int]
) -> None:
    tasks = tasks_of(ROWS)
    outcome = say(sentence, tasks=tasks)
    if not numbers:
        assert_refused(outcome)
        return
    assert calls(outcome) == []
    assert f" {said}" in str(outcome.reply)
    assert all(f"#{number} " in str(outcome.reply) for number in numbers)
    assert outcome.pending == Pending("confirm", cast(Any, tool), tuple(numbers))
    assert calls(say("yes", outcome.pending, tasks)) == [(tool, {"task_id": n}) for n in numbers]


@pytest.mark.parametrize(
    ("sentence", "tool", "numbers"),
    [
        ("delete everything except task 3", "delete_task", (9, 7, 5, 4, 2, 1)),
        ("clear my list except for milk", "delete_task", (9, 7, 5, 4, 1)),
        ("mark all but task 7 done", "complete_task", (9, 5, 4, 2, 1)),
        ("delete everything apart from milk and eggs", "delete_task", (9, 7, 5, 4, 3, 1)),
        ("remove all but the report and 7 from my list", "delete_task", (5, 4, 3, 2, 1)),
        ("clear everything besides the meetings", "delete_task", (9, 7, 3, 2, 1)),
        ("delete everything but the last one", "delete_task", (9, 7, 5, 4, 3, 2)),
        ("delete all tasks about milk but not task 2", "delete_task", (3,)),
    ],
)
def test_all_but_some_wait_for_a_yes(sentence: str, tool: str, numbers: tuple[int, ...]) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert outcome.pending == Pending("confirm", cast(Any, tool), numbers)
    # What is left out is named, too.
    left = {task.id for task in TASKS if not (tool == "complete_task" and task.completed)}
    question = str(outcome.reply).partition("Are you sure?")[2]
    if "about" not in sentence:
        assert all(f"#{number} " in question for number in left - set(numbers))


@pytest.mark.parametrize(
    "sentence",
    [
        *("delete everything except the unicorn", "delete everything except task 99"),
        *("delete everything but milk and the unicorn", "delete everything without asking"),
        *("delete all completed tasks except milk", "complete everything but that"),
    ],
)
def test_what_cannot_be_left_out_saves_all(sentence: str) -> None:
    assert_refused(say(sentence))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        *(
            (yes, [("add_task", {"title": "Eggs"})])
            for yes in ("add it", "yes", "put it on my list")
        ),
        ("no", []),
        ("add bread", [("add_task", {"title": "Bread"})]),
        ("delete it", []),
    ],
)
def test_what_is_not_on_the_list_is_offered_to_be_added(answer: str, expected: Any) -> None:
    asked = say("did I put eggs on my list?")
    told = describe(asked.calls[0], ROWS, NOW, asked.about)
    assert told == 'Nothing on your list is about "eggs". Shall I add it? Say yes or no.'
    pending = follow_up(asked.calls[0], ROWS, NOW, asked.about)
    assert calls(say(answer, pending)) == expected


def test_what_may_be_on_the_list_is_not_offered() -> None:
    # It may be completed.
    asked = say("show pending tasks about eggs")
    assert follow_up(asked.calls[0], ROWS[:1], NOW, asked.about) is None
    assert describe(asked.calls[0], ROWS[:1], NOW, asked.about).endswith('about "eggs".')


def test_a_list_that_cannot_be_chosen_says_so() -> None:
    outcome = say("show my tasks sorted by date")
    told = describe(outcome.calls[0], ROWS, NOW, outcome.about)
    assert told.startswith("I can't choose tasks by that; here are all.")
    assert all(f"#{row['id']} " in told for row in ROWS)
    outcome = say("show overdue tasks")
    assert describe(outcome.calls[0], ROWS[-1:], NOW, outcome.about) == "You have no overdue tasks."


@pytest.mark.parametrize(
    "sentence",
    [
        *("delete old tasks", "delete my newest tasks", "delete tasks due someday soon"),
        *("delete all two tasks", "delete all old tasks except task 3"),
    ],
)
def test_what_tasks_cannot_be_chosen_by_is_never_all(sentence: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert outcome.pending is None
    assert "can't choose" in (outcome.reply or "")


@pytest.mark.parametrize(
    "sentence",
    [
        *("make task 2 high priority", "make task 2 due friday", "put task 3 on hold"),
        *("start task 3", "add task 3", "new task 5 apples", "I need task 2 done", "add task two"),
        *("change task 2 to high priority", "mark task 2 as urgent"),
    ],
)
def test_words_about_a_numbered_task_make_no_task(sentence: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert "Nothing was changed" in (outcome.reply or "")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("I need task 2 deleted", ("delete_task", {"task_id": 2})),
        ("log task 7 as done", ("complete_task", {"task_id": 7})),
        ("give me task 2", ("list_tasks", {"status": "all"})),
        ("add note to task 1 bring x-rays", (
            "update_task", {"task_id": 1, "description": "bring x-rays"}
        )),
        ("change task 1's title to See Ann", ("update_task", {"task_id": 1, "title": "See Ann"})),
        ("add a task 3 eggs", ("add_task", {"title": "3 eggs"})),
        ("add a task: 3 eggs", ("add_task", {"title": "3 eggs"})),
    ],
)  # fmt: skip
def test_what_is_done_to_a_numbered_task(sentence: str, expected: Any) -> None:
    assert calls(say(sentence)) == [expected]


def test_make_it_is_likely_a_new_title_and_asked_about() -> None:
    outcome = say("make task 1 see the dentist")
    assert calls(outcome) == []
    assert 'to "See the dentist"' in (outcome.reply or "")
    assert made("make task 1 see the dentist", "yes") == [("update", 1)]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["finished task 1"], [("complete", 1)]),
        (["completed the march report task"], [("complete", 9)]),
        (["finished call mom"], [("complete", 7)]),
        (["done 7"], [("complete", 7)]),
        (["call mom done"], [("complete", 7)]),
        (["call mom: done"], [("complete", 7)]),
        # "Mom" may be another thing.
        (["mom done"], []),
        (["delete tasks 1 2 7"], [("delete", 1), ("delete", 2), ("delete", 7)]),
        (["list"], [("list_tasks", "")]),
        (["list all"], [("list_tasks", "")]),
        (["show list"], [("list_tasks", "")]),
        (["what's next?"], [("list_tasks", "")]),
        (["which ones are done"], [("list_tasks", "")]),
        (["is the report done?"], [("list_tasks", "")]),
        (["add", "Buy soap"], [("add", "Buy soap")]),
        (["add another", "Buy soap"], [("add", "Buy soap")]),
        (["Add a task to", "Buy soap"], [("add", "Buy soap")]),
        (["delete"], []),
        (["delete", "7"], [("delete", 7)]),
        (["complete", "7"], [("complete", 7)]),
        (["add: buy soap"], [("add", "Buy soap")]),
        (["tomorrow I need to call Carl"], []),
        (["tomorrow I need to call Carl", "yes"], [("add", "Call Carl tomorrow")]),
        (["show task 1", "actually delete it"], [("delete", 1)]),
        (["everything is done"], []),
        (["I finished everything"], []),
        (["add it back"], []),
    ],
)
def test_short_forms(turns: list[str], expected: Any) -> None:
    assert made(*turns) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "delete the rest",
        "mark the others as done",
    ],
)
def test_some_of_the_tasks_are_not_all(sentence: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert "can't choose the tasks" in (outcome.reply or "")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("delete all of my tasks", [task.id for task in TASKS]),
        ("remove everything from my tasks", [task.id for task in TASKS]),
        ("delete all of my completed tasks", [3]),
        ("clear the completed ones", [3]),
        ("delete everything I finished", [3]),
        ("delete what's done", [3]),
        ("get rid of all the completed stuff", [3]),
        ("remove completed items from my list", [3]),
        ("remove all the stuff i've already done from my list", [3]),
        ("clear done", [3]),
        ("delete all tasks that aren't done", [t.id for t in TASKS if not t.completed]),
    ],
)
def test_all_tasks_of_a_state_are_deleted_after_a_yes(sentence: str, expected: list[int]) -> None:
    assert made(sentence) == []
    assert made(sentence, "yes") == [("delete", number) for number in expected]


@pytest.mark.parametrize(
    "sentence",
    [
        "change task 7 to friday",
        "change the dentist task to tomorrow",
        "change dentist appointment to next monday at 5pm",
        "set task 7 to recurring",
        "update task 7 to every day",
        "change task 7 to low",
        "make task 7 recurring",
        "make the dentist task daily",
    ],
)
def test_when_and_how_urgent_is_no_new_title(sentence: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert "priorities, dates and tags" in (outcome.reply or "")


def test_a_title_may_be_a_day_where_nothing_else_is_meant() -> None:
    friday = [("update_task", {"task_id": 7, "title": "Friday"})]
    assert calls(say('change task 7 to "Friday"')) == friday
    assert calls(say("rename task 7 to Friday")) == friday
    assert calls(say("change the title of task 7 to Friday")) == friday


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("drop call mom on my list", [("add", "Call mom")]),
        ("toss call mom in my list", [("add", "Call mom")]),
        ("drop replace the filter into my todo list", [("add", "Replace the filter")]),
        ("clean up call mom on my list", []),
        ("clear call mom in my list", []),
        ("drop call mom from my list", [("delete", 7)]),
        ("toss call mom off my list", [("delete", 7)]),
        ("remove call mom on my list", [("delete", 7)]),
    ],
)
def test_what_is_dropped_on_the_list_is_added(sentence: str, expected: Any) -> None:
    assert made(sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    ["call mom done?", "task 7 is done?", "7 done?", "is call mom done?", "complete task 7?"],
)
def test_a_question_completes_nothing(sentence: str) -> None:
    assert made(sentence) in ([], [("list_tasks", "")])


def test_a_question_mark_behind_a_request_is_no_question() -> None:
    assert made("can you complete task 7?") == [("complete", 7)]
    assert made("complete task 7, please?") == [("complete", 7)]


@pytest.mark.parametrize(
    "sentence",
    [
        "show tasks that aren't done",
        "which tasks aren't completed",
        "tasks which have not been finished",
        "only the tasks that are not completed yet",
        "what hasn't been done",
        "what haven't I done yet",
        "show me what's not done",
        "tasks not done",
        "which ones haven't i done",
        "give me everything that is not finished",
        "tasks i have not done yet",
    ],
)
def test_what_is_not_done_is_pending(sentence: str) -> None:
    assert calls(say(sentence)) == [("list_tasks", {"status": "pending"})]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("wat is on my todo list", [("list_tasks", "")]),
        ("catch me up on my to do list", [("list_tasks", "")]),
        ("take me to my to do list", [("list_tasks", "")]),
        ("update me on my to do list", [("list_tasks", "")]),
        ("there's no need for call mom on my to do list", [("delete", 7)]),
        ("calling mom does not need to be on my to do list", [("delete", 7)]),
        ("my list shouldn't have calling mom on it", [("delete", 7)]),
        ("no need to call mom anymore, take it off my list", [("delete", 7)]),
        ("my to do list does not have call mom on it", [("list_tasks", "")]),
        ("change task 7 to do the laundry", [("update", 7)]),
    ],
)
def test_a_remark_about_the_list_adds_nothing(sentence: str, expected: Any) -> None:
    assert made(sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "my to do list needs to be cleared",
        "i need my to do list cleared",
        "can my to do list be erased",
        "everything on my to do list needs to be deleted",
        "all items on my to do list should be removed",
        "make everything on my to do list go away",
        "reset my to do list",
        "i don't need my to do list anymore, delete it",
        "let's start fresh and delete everything on my list",
    ],
)
def test_a_list_is_cleared_in_many_words_after_a_yes(sentence: str) -> None:
    assert made(sentence) == []
    assert made(sentence, "yes") == [("delete", task.id) for task in TASKS]


@pytest.mark.parametrize("sentence", ["all cleared", "my list was cleared", "tasks deleted"])
def test_what_was_cleared_is_not_cleared_again(sentence: str) -> None:
    assert made(sentence, "yes") == []


def test_starting_over_names_no_list() -> None:
    assert made("start over", "yes") == []
    assert len(made("start over with my list", "yes")) == len(TASKS)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "put feed the cat on my list and tell me what else is on it",
            [("add", "Feed the cat"), ("list_tasks", "")],
        ),
        ("add bread to my list and take call mom off", [("add", "Bread"), ("delete", 7)]),
        (
            "take call mom off my list and put ironing on it",
            [("delete", 7), ("add", "Ironing")],
        ),
        # "Milk" may be one of two.
        ("add bread to my list but remove milk", []),
        ("add bread to my list but don't delete the milk", [("add", "Bread")]),
        (
            "Hi! I'm planning my week. Could you add 'write blog post' and remind me to call Ann?",
            [("add", "write blog post"), ("add", "Call Ann")],
        ),
        ("add call bob and don't be late", [("add", "Call bob and don't be late")]),
        ("add buy milk and eggs to my list", [("add", "Buy milk and eggs")]),
    ],
)
def test_what_follows_the_list_is_another_command(sentence: str, expected: Any) -> None:
    assert made(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        # What is said about the task, not in its title.
        ("add a high priority task to pay rent", "Pay rent"),
        ("add an urgent task: pay rent", "Pay rent"),
        ("add pay rent with high priority", "Pay rent"),
        ("add a daily task to take vitamins", "Take vitamins daily"),
        ("add clear the gutters as a task", "Clear the gutters"),
        ("new to do list item: clean the pool", "Clean the pool"),
        ("new item for my list: clean the pool", "Clean the pool"),
        ("add clean the pool to the top of my list", "Clean the pool"),
        ("add clean the pool to the things i need to do", "Clean the pool"),
        ("add one more thing to my list, clean the pool", "Clean the pool"),
        ("add to list: clean the pool", "Clean the pool"),
        ("if you could add soap to my list that would be great", "Soap"),
        ("add soap to my list i just used the last of it", "Soap"),
        ("add call the bank too", "Call the bank"),
        ("note to self call the bank", "Call the bank"),
        # Other words for adding.
        ("jot down call the bank", "Call the bank"),
        ("schedule a task to call the bank", "Call the bank"),
        ("set me a task to call the bank", "Call the bank"),
        ("write that i need to call the bank", "Call the bank"),
        ("gym to my list", "Gym"),
        ("todo list add clean the pool", "Clean the pool"),
        ("slap clean the pool on there", "Clean the pool"),
        ("chuck call Bob on my list", "Call Bob"),
        ("mop the kitchen goes on my list", "Mop the kitchen"),
        ("my list is missing bleach", "Bleach"),
        ("please see that soap is on my list", "Soap"),
        ("i have to get gas, put it on my to do list", "Get gas"),
        ("drop off the package, add to list", "Drop off the package"),
        ("cleaning isn't on my to do list, add it", "Cleaning"),
        # A title's own words.
        ("add put a lid on it", "Put a lid on it"),
        ("add mom's birthday on my list of parties", "Mom's birthday on my list of parties"),
        ("add set task priorities", "Set task priorities"),
        ("add laundry to my list for tomorrow", "Laundry for tomorrow"),
        ("add dress up as a ghost", "Dress up as a ghost"),
    ],
)
def test_a_title_is_what_is_to_be_done(sentence: str, title: str) -> None:
    assert made(sentence) == [("add", title)]


@pytest.mark.parametrize(
    "sentence", ["add laundry to task 7", "add friday to task 7", "add the tag home to #7"]
)
def test_what_is_added_to_a_task_is_no_task(sentence: str) -> None:
    outcome = say(sentence)
    assert calls(outcome) == []
    assert "can't do with a task from here" in (outcome.reply or "")


@pytest.mark.parametrize(
    "sentence",
    [
        "i called mom",
        "we already called mom",
        "called mom, check it off",
        "I just called mom, so mark that off my list",
        "just got done with call mom",
        "i called mom already",
        "consider call mom done",
        "call mom is all done now",
        "ok complete task 7 then",
        "close out task 7",
        "tick task 7",
    ],
)
def test_what_was_done_is_completed(sentence: str) -> None:
    assert made(sentence) == [("complete", 7)]


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("i paid the rent", "Pay rent"),
        ("the rent is paid", "Pay rent"),
        ("took out the trash", "Take out the trash"),
        ("finally wrote the report", "Write the report"),
        ("i swept the floors", "Sweep the floor"),
        ("did the laundry", "Do the laundry"),
        ("got the laundry done", "Laundry"),
    ],
)
def test_an_irregular_past_is_the_same_verb(sentence: str, title: str) -> None:
    outcome = say(sentence, tasks=(TaskView(1, title), TaskView(2, "Other")))
    assert calls(outcome) == [("complete_task", {"task_id": 1})]


@pytest.mark.parametrize(
    "sentence",
    [
        "i met bob",
        "i cancelled the dentist appointment",
        "i wanted to call mom",
        "i never called mom",
        "i planned to call mom",
        "i think i called mom",
        "was mom called?",
    ],
)
def test_what_was_done_has_to_be_the_task(sentence: str) -> None:
    assert made(sentence) == []


@pytest.mark.parametrize("title", ["Feed the cat", "Weed the garden", "Shred the letter"])
def test_a_bare_title_is_not_done(title: str) -> None:
    assert calls(say(title, tasks=(TaskView(1, title),))) == []


def test_a_remark_on_what_was_done_keeps_no_command_back() -> None:
    assert made("i went to the bank, delete task 1") == [("delete", 1)]
    steaks = "i just put steaks on the grill remind me to check them"
    assert made(steaks) == [("add", "Check them")]


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("what do i still need to take care of", "pending"),
        ("what am i supposed to be doing today", "pending"),
        ("how much do i have left to get done", "pending"),
        ("how many are still pending", "pending"),
        ("anything left for me to do", "pending"),
        ("am i forgetting something", "pending"),
        ("what should i work on", "pending"),
        ("show unfinished stuff", "pending"),
        ("show me what i haven't finished", "pending"),
        ("show me everything i've finished", "completed"),
        ("the stuff i've completed", "completed"),
        ("how does my to do list look for tomorrow", "all"),
        ("what all is on there", "all"),
        ("i know i wanted to remember something", "all"),
    ],
)
def test_the_list_is_asked_for_in_many_words(sentence: str, status: str) -> None:
    assert calls(say(sentence)) == [("list_tasks", {"status": status})]


@pytest.mark.parametrize(
    "sentence", ["is there a way to delete tasks", "what is a to do list", "how do i add a task"]
)
def test_a_question_about_the_assistant_gets_help(sentence: str) -> None:
    assert say(sentence).reason == "help"


@pytest.mark.parametrize(
    "sentence", ["i should delete task 7", "we must complete task 7", "help me finish task 7"]
)
def test_an_intention_is_asked_about(sentence: str) -> None:
    assert made(sentence) == []
    assert made(sentence, "yes")[0][1] == 7


@pytest.mark.parametrize("sentence", ["delete one", "delete two", "complete three"])
def test_how_many_is_no_number_of_a_task(sentence: str) -> None:
    assert made("show my tasks", sentence) == []
    assert made("show my tasks", sentence, "five")[0][1] == 5


def test_digits_that_are_no_task_may_be_in_a_title() -> None:
    listed = (TaskView(2, "Read 1984"), TaskView(1, "Buy 2 eggs"))
    assert "Do you mean #2" in (say("delete 1984", tasks=listed).reply or "")
    assert calls(say("delete 2", tasks=listed)) == [("delete_task", {"task_id": 2})]
    assert calls(say("delete task 1984", tasks=listed)) == [("delete_task", {"task_id": 1984})]


@pytest.mark.parametrize(
    "sentence",
    [
        "task 7 should be call dad",
        "the call mom task should say call dad instead",
        "rename task 7 call dad",
        "update task 7 title to call dad",
        "change task 7 from call mom to call dad",
        "switch the call mom task to call dad",
        "switch call mom to call dad on my list",
        "retitle task 7 as call dad",
        "swap task 7 for call dad",
        "instead of call mom it should be call dad",
        'change task 7 "Call dad"',
    ],
)
def test_a_new_title_is_given_in_many_words(sentence: str) -> None:
    assert calls(say(sentence)) == [("update_task", {"task_id": 7, "title": "Call dad"})]


@pytest.mark.parametrize(
    "sentence",
    ["task 7 should be deleted", "task 7 should be read by friday", "task 7 should be urgent"],
)
def test_what_should_be_done_to_a_task_is_no_title(sentence: str) -> None:
    assert made(sentence) == []


def test_a_number_and_a_title_may_be_a_new_task_and_are_asked_about() -> None:
    assert made("task 7: call dad") == []
    assert made("task 7: call dad", "yes") == [("update", 7)]
    assert made("task 7: done") == [("complete", 7)]


def test_several_titles_before_one_noun_are_all_tasks() -> None:
    assert made("delete the dentist and the report tasks") == [("delete", 1), ("delete", 9)]


def test_these_are_the_tasks_just_shown() -> None:
    assert made("show completed", "delete these") == []
    assert made("show completed", "delete these", "yes") == [("delete", 3)]
    assert made("delete these", "yes") == []


@pytest.mark.parametrize(
    "answer", ["yess", "sure thing", "go for it", "sure, why not", "yes it is"]
)
def test_more_words_for_yes(answer: str) -> None:
    assert made("delete dentist", answer) == [("delete", 1)]


@pytest.mark.parametrize(
    "answer", ["of course not", "definitely not", "yeah no", "ok but not now", "not yet"]
)
def test_more_words_for_no(answer: str) -> None:
    assert talk("delete dentist", answer).reason == "answered_no"


@pytest.mark.parametrize(
    "answer", ["never mind, delete that", "no wait, delete it", "delete that one too"]
)
def test_another_command_on_the_task_just_named(answer: str) -> None:
    assert made("show task 1", answer) == [("delete", 1)]


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("it should be called buy soap", "Buy soap"),
        ("Buy soap please", "Buy soap"),
        ("Call it a day", "Call it a day"),
    ],
)
def test_what_a_title_is_wrapped_in_is_not_kept(answer: str, title: str) -> None:
    assert made("add a task", answer) == [("add", title)]


@pytest.mark.parametrize("sentence", ["everything is done", "mark all my tasks complete"])
def test_everything_is_done_asks_about_what_is_pending(sentence: str) -> None:
    pending = [task.id for task in TASKS if not task.completed]
    assert made(sentence, "yes") == [("complete", number) for number in pending]


@pytest.mark.parametrize(
    ("sentence", "titles"),
    [
        ("add the following tasks:\n- milk\n- bread", ["Milk", "Bread"]),
        ("add the following tasks:\n1. milk\n2. bread", ["Milk", "Bread"]),
        ("add tasks:\nmilk\nbread", ["Milk", "Bread"]),
        ("add\n- milk, butter\n- delete old mails", ["Milk, butter", "Delete old mails"]),
        ("add to my list:\n1. milk\n2. bread", ["Milk", "Bread"]),
        ("todo:\n- milk\n- bread", ["Milk", "Bread"]),
        ("please add:\nmilk\nbread", ["Milk", "Bread"]),
        ("add tasks\n* milk\n* bread", ["Milk", "Bread"]),
        ('add "milk" and "bread"', ["milk", "bread"]),
        ('add "milk", "bread" and "jam" to my list', ["milk", "bread", "jam"]),
        ("add two tasks, milk and bread", ["Milk", "Bread"]),
        ('add read "Emma" and "Faust"', ['Read "Emma" and "Faust"']),
        ("Add these to my list: milk, bread", ["Milk", "Bread"]),
        ("add a task for tomorrow to buy stamps", ["Buy stamps tomorrow"]),
        ("remind me every day to exercise", ["Exercise every day"]),
        ("remind me on 12/5 to buy stamps", ["Buy stamps on 12/5"]),
        ("add a new task with the title Buy stamps", ["Buy stamps"]),
        ("add buy stamps to list", ["Buy stamps"]),
        ("add a task to walk every day to work", ["Walk every day to work"]),
    ],
)
def test_titles(sentence: str, titles: list[str]) -> None:
    assert made(sentence) == [("add", title) for title in titles]


def test_a_sentence_is_read_once_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def counted(sentence: Sentence) -> Intent:
        read.append(sentence)
        return parse(sentence)

    monkeypatch.setattr(engine, "parse", counted)
    say("delete the task that nobody has read so far")
    assert len(read) == 1


# What a sentence says, and the title of the only task, which it does not mean or may not mean.
GUESSES = (
    ("delete the store task", "Write the story"), ("delete the plane task", "Plan the party"),
    ("delete the planes task", "Plan the party"), ("delete the care task", "Wash the car"),
    ("delete the hope task", "Hop home"), ("delete the staring task", "Star of the week"),
    ("I finished the note task", "Not now"), ("delete 2 tasks", "Buy 2 eggs"),
    ("complete two tasks", "Buy two eggs"), ("delete the last 2 tasks", "Buy 2 eggs"),
    ("remove a few of my tasks", "Buy a few eggs"), ("remove 1 of my tasks", "Eggs"),
    ("cancel my flight to boston", "Book flight to Boston"),
    ("I'm done for today", "Plan for today"), ("the washing is done", "Wash the car"),
)  # fmt: skip


@pytest.mark.parametrize(("sentence", "title"), GUESSES)
def test_a_guess_is_asked_about_or_left(sentence: str, title: str) -> None:
    assert calls(say(sentence, tasks=(TaskView(1, title),))) == []


@pytest.mark.parametrize(
    ("said", "title"),
    [
        *(("washing the dishes", "Wash dish"), ("parties", "Party"), ("moved", "Moving")),
        *(("running", "Run"), ("calls", "Call"), ("baking", "Bake"), ("tidied", "Tidy")),
        *(("editing", "Edit"), ("fixed", "Fix"), ("playing", "Play")),
    ],
)
def test_a_plain_inflection_is_the_same_word(said: str, title: str) -> None:
    base = title if title != "Moving" else "Move"
    outcome = say(f"delete the {said} task", tasks=(TaskView(1, base), TaskView(2, "Other")))
    assert calls(outcome) == [("delete_task", {"task_id": 1})]


def test_unknown_task_says_so() -> None:
    reply = say("delete the holiday task").reply
    assert reply is not None
    assert "holiday" in reply
    assert "Nothing was changed" in reply
    known = interpret("complete task 77", tasks=TASKS, now=NOW)
    assert known.calls == ()
    assert "#77" in (known.reply or "")


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("delete everything", "newest 7 tasks; older ones stay"),
        ("delete the holiday task", "among your newest 7"),
        ("delete holiday", "among your newest 7"),
        # There may be another among the older ones.
        ("delete the dentist task", "Do you mean"),
    ],
)
def test_a_list_that_was_cut_is_not_taken_for_all(sentence: str, words: str) -> None:
    outcome = interpret(sentence, tasks=TASKS, now=NOW, cut=True)
    assert outcome.calls == ()
    assert words in (outcome.reply or "")
    whole = interpret(sentence, tasks=TASKS, now=NOW)
    assert words not in (whole.reply or "")


def test_a_number_beyond_a_cut_list_is_tried() -> None:
    outcome = interpret("delete task 99", tasks=TASKS, now=NOW, cut=True)
    assert calls(outcome) == [("delete_task", {"task_id": 99})]


def test_asking_names_the_tasks() -> None:
    reply = say("Delete the meeting task").reply or ""
    assert "#5 Meeting with Bob" in reply
    assert "#4 Team meeting notes" in reply
    assert "Dentist" not in reply


@pytest.mark.parametrize("data", [None, 3, {}, {"kind": "confirm"}, {"kind": "x", "tool": "y"}])
def test_stored_state_of_another_shape_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="pending state"):
        Pending.from_json(data)


# Words about the result. ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "result", "words"),
    [
        (
            ToolCall("add_task", {"title": "Buy milk"}),
            {"task_id": 8, "status": "created", "title": "Buy milk"},
            'Added task #8 "Buy milk".',
        ),
        (
            ToolCall("complete_task", {"task_id": 8}),
            {"task_id": 8, "status": "completed", "title": "Buy milk"},
            'Marked task #8 "Buy milk" as completed.',
        ),
        (
            ToolCall("delete_task", {"task_id": 8}),
            {"task_id": 8, "status": "deleted", "title": "Buy milk"},
            'Deleted task #8 "Buy milk".',
        ),
        (
            ToolCall("update_task", {"task_id": 8, "title": "Buy oat milk"}),
            {"task_id": 8, "status": "updated", "title": "Buy oat milk"},
            'Changed task #8 to "Buy oat milk".',
        ),
        (
            ToolCall("delete_task", {"task_id": 8}),
            "Task 8 not found",
            'There is no task #8. Say "show my tasks" to see the numbers. Nothing was changed.',
        ),
        (ToolCall("list_tasks", {"status": "pending"}), [], "You have no pending tasks."),
        (
            ToolCall("list_tasks", {"status": "all"}),
            [{"id": 2, "title": "Pay rent", "completed": False, "due_at": "2026-11-20T09:00:00Z"}],
            "You have 1 task:\n- [ ] #2 Pay rent (overdue since Fri 20 Nov 2026 09:00 UTC)",
        ),
    ],
)
def test_describe(call: ToolCall, result: object, words: str) -> None:
    assert describe(call, result, NOW) == words


@pytest.mark.parametrize(
    ("due_at", "zone", "words"),
    [
        ("2026-12-01T09:00:00Z", "Europe/Berlin", "due Tue 01 Dec 2026 10:00"),
        ("2026-12-01T09:00:00Z", "No/Such_Place", "due Tue 01 Dec 2026 09:00 UTC"),
        ("2026-12-01T09:00:00Z", None, "due Tue 01 Dec 2026 09:00 UTC"),
        # The page's whole days.
        ("2026-12-01T04:59:00Z", "America/New_York", "due Mon 30 Nov 2026"),
    ],
)
def test_due_dates_are_told_on_the_tasks_clock(due_at: str, zone: str | None, words: str) -> None:
    row = {"id": 2, "title": "Pay rent", "due_at": due_at, "time_zone": zone}
    told = describe(ToolCall("list_tasks", {"status": "all"}), [row], NOW)
    assert told.endswith(f"#2 Pay rent ({words})")


def test_a_title_is_no_markdown() -> None:
    title = (
        "Fix *2*3* nails in __init__.py and snake_case, [see](https://a.org/b_c_), `~~`\\\n# now"
    )
    shown = (
        r"Fix \*2\*3\* nails in \_\_init\_\_.py and snake_case, \[see](https://a.org/b_c_),"
        r" \`\~\~\`\\ # now"
    )
    listing = ToolCall("list_tasks", {"status": "all"})
    row = {"id": 2, "title": title}
    assert describe(listing, [row], NOW) == f"You have 1 task:\n- [ ] #2 {shown}"
    call = ToolCall("delete_task", {"task_id": 2})
    assert describe(call, {"task_id": 2, "title": title}, NOW) == f'Deleted task #2 "{shown}".'
    listed = (TaskView(1, "Buy *milk*"), TaskView(2, "Buy _bread_"))
    reply = say("delete the buy task", tasks=listed).reply or ""
    assert r"#1 Buy \*milk\*" in reply
    assert r"#2 Buy \_bread\_" in reply
    assert r'"zoo \*him\*"' in (say("delete the zoo *him* task").reply or "")


def test_a_prepared_process_compiles_nothing_for_a_sentence() -> None:
    code = (
        "import re\n"
        "from todo_backend.assistant.offline import interpret, prepare\n"
        "from datetime import datetime\n"
        "prepare()\n"
        "from todo_backend.assistant.offline import grammar\n"
        "before = grammar._compiled.cache_info().misses\n"
        "interpret('who would have thought that', tasks=(), now=datetime.now())\n"
        "assert grammar._compiled.cache_info().misses == before > 100\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_question_about_one_task_gets_its_answer() -> None:
    outcome = say("is milk on my list?")
    rows = [{"id": t.id, "title": t.title, "completed": t.completed} for t in TASKS]
    answer = describe(outcome.calls[0], rows, NOW, outcome.about)
    assert "Buy milk" in answer
    assert "Dentist" not in answer


# Properties. ------------------------------------------------------------------------------------

titles = st.text(min_size=1, max_size=60)
tasks = st.lists(
    st.builds(TaskView, id=st.integers(1, 30), title=titles, completed=st.booleans()),
    max_size=8,
    unique_by=lambda task: task.id,
)
sentences = st.text(max_size=80) | st.lists(
    st.sampled_from(
        sorted({word for rule in RULES for e in rule.examples for word in e.split()}) + ["'", '"']
    ),
    max_size=12,
).map(" ".join)
pendings = st.none() | st.builds(
    Pending,
    kind=st.sampled_from(["confirm", "choose", "title", "shown"]),
    tool=st.sampled_from(["add_task", "complete_task", "delete_task", "update_task"]),
    ids=st.lists(st.integers(1, 30), max_size=4, unique=True).map(tuple),
    arguments=st.just({"title": "x"}),
)


@given(sentence=sentences, known=tasks, pending=pendings)
def test_never_raises_and_never_touches_a_task_it_does_not_know(
    sentence: str, known: list[TaskView], pending: Pending | None
) -> None:
    outcome = interpret(sentence, tasks=known, now=NOW, pending=pending)
    assert bool(outcome.calls) is not bool(outcome.reply)
    allowed = {task.id for task in known} | set(pending.ids if pending else ())
    for call in outcome.calls:
        assert call.arguments.get("task_id") in allowed | {None}
    if outcome.pending is not None:
        assert Pending.from_json(json.loads(json.dumps(outcome.pending.to_json()))) == (
            outcome.pending
        )


@given(sentence=sentences)
def test_without_needed_tasks_nothing_is_deleted_by_title(sentence: str) -> None:
    if needs_tasks(sentence):
        assert interpret(sentence, tasks=None, now=NOW).calls == ()


@given(title=st.text(min_size=1, max_size=200).filter(lambda t: t.strip() and '"' not in t))
def test_a_quoted_title_stays_as_it_is(title: str) -> None:
    assert calls(say(f'Add a task "{title}"')) == [("add_task", {"title": title})]
    assert calls(say(f'Change task 4 to "{title}"')) == [
        ("update_task", {"task_id": 4, "title": title})
    ]


@given(
    words=st.lists(st.from_regex(r"[b-df-hj-np-tv-z]{3,8}", fullmatch=True), min_size=1, max_size=6)
)
def test_a_plain_title_keeps_its_words(words: list[str]) -> None:
    title = " ".join(words)
    ((name, arguments),) = calls(say(f"add a task to {title}"))
    assert name == "add_task"
    assert arguments["title"].lower() == title


@given(
    command=st.sampled_from([e for rule in RULES for e in rule.examples]), known=st.just(TASKS[:2])
)
def test_a_title_is_data(command: str, known: tuple[TaskView, ...]) -> None:
    quoted = command.replace('"', "")
    assert calls(say(f'add a task "{quoted}"')) == [("add_task", {"title": quoted})]
    listed = (*known, TaskView(30, command))
    outcome = interpret("show my tasks", tasks=listed, now=NOW)
    assert calls(outcome) == [("list_tasks", {"status": "all"})]


NAMING = (
    "delete the {0} task", "remove {0} from my list", "mark {0} as done", "complete the {0} task",
    "take {0} off my todo list", "delete task: {0}",
)  # fmt: skip
NOT_NAMING = (
    "delete {0}", "cancel my {0}", "I finished {0}", "{0} is done", "complete {0}",
    "I'm done with the {0}", "get rid of {0}",
)  # fmt: skip
# Few words, so that sentences and titles share some, one edit or one ending apart.
words = st.lists(
    st.sampled_from(
        ["store", "story", "plan", "plane", "note", "not", "car", "care", "2", "boston"]
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(" ".join)


@given(form=st.sampled_from(NAMING + NOT_NAMING), said=words, listed=st.lists(words, max_size=4))
def test_nothing_is_deleted_or_completed_without_its_words(
    form: str, said: str, listed: list[str]
) -> None:
    known = [TaskView(number + 100, title) for number, title in enumerate(listed)]
    outcome = interpret(form.format(said), tasks=known, now=NOW)
    for call in outcome.calls:
        if call.arguments.get("task_id", 0) < 100:
            # A number in the sentence.
            continue
        title = set(known[call.arguments["task_id"] - 100].title.split())
        assert set(said.split()) <= title
        if form in NOT_NAMING:
            assert set(said.split()) == title


ELSEWHERE = (
    "what is the {0} of {1}", "play {0} by {1}", "set an alarm for {0}", "turn the {0} to {1}",
    "book a {0} to {1}", "how do i {0} my {1}", "transfer {0} to my {1}", "call {0}",
    "add {0} to my {1} playlist", "put {0} on my shopping list", "delete my {0} reservation",
    "cancel the {0} on my calendar", "is the {0} in {1} open", "i want to {0} the {1}",
    "pay my {0} bill", "text {0} that {1}", "why was my {0} declined", "translate {0} into {1}",
)  # fmt: skip


@given(
    form=st.sampled_from(ELSEWHERE),
    words=st.lists(
        st.from_regex(r"[b-df-hj-np-tv-z]{4,9}", fullmatch=True), min_size=2, max_size=2
    ),
)
def test_sentences_about_other_things_change_nothing(form: str, words: list[str]) -> None:
    outcome = interpret(form.format(*words), tasks=TASKS, now=NOW)
    assert all(call.name == "list_tasks" for call in outcome.calls)
