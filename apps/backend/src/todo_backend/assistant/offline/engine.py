"""From a sentence to tool calls: the grammar's intent, resolved against the user's tasks."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from todo_backend.assistant.offline import wording
from todo_backend.assistant.offline.grammar import LONGEST, Intent, parse, title_of
from todo_backend.assistant.offline.references import (
    MOST_AT_ONCE,
    Fit,
    Reference,
    choose,
    match_title,
    read_reference,
)
from todo_backend.assistant.offline.sentence import peel, read
from todo_backend.assistant.offline.types import (
    About,
    Interpretation,
    Pending,
    TaskView,
    ToolCall,
    ToolName,
)

# The limits of app and tools; checked here to answer in words instead of with an error.
TITLE_MAX = 200
DESCRIPTION_MAX = 1000

_DOING: dict[ToolName, str] = {
    "complete_task": "complete",
    "delete_task": "delete",
    "update_task": "change",
    "add_task": "add",
    "list_tasks": "list",
}
# Rules that are too loose for a command where an answer is awaited.
_LOOSE = frozenset(
    {"add_plain", "offer_to_add", "list_mentioned", "complete_finish", "complete_told"}
)


@functools.lru_cache(maxsize=64)
def _intent(sentence: str) -> Intent:
    """Return what the sentence asks for; kept, as a turn asks before and after it has the tasks."""
    return parse(read(sentence))


def needs_tasks(sentence: str, pending: Pending | None = None) -> bool:
    """Return whether `interpret` needs the user's tasks for this sentence.

    When it does, call list_tasks(status=all) first and give its answer to `interpret`.
    """
    intent = _intent(sentence)
    if pending is not None and pending.kind == "choose" and not _is_command(intent):
        return intent.talk in (None, "yes")
    return any(_needs_tasks(each) for each in (intent, *intent.then))


def _needs_tasks(intent: Intent) -> bool:
    if intent.reference is None:
        return False
    # A question names the task.
    return (
        intent.everything is not None
        or intent.reference.needs_list
        or intent.ask
        or _in_bulk(intent)
    )


def interpret(
    sentence: str,
    *,
    tasks: Sequence[TaskView] | None,
    now: datetime,
    pending: Pending | None = None,
    cut: bool = False,
) -> Interpretation:
    """Return what the sentence asks for. Never raises; decides nothing that it had to guess.

    ``tasks`` are the user's tasks in the order the user sees them, None when they were not fetched
    (see `needs_tasks`); ``cut``: there may be older ones. ``now`` is the user's clock. ``pending``
    is what the last Interpretation or `follow_up` of this conversation left.
    """
    intent = _intent(sentence)
    if pending is not None and pending.kind != "shown":
        answer = _answer(intent, sentence, tasks or (), pending)
        if answer is not None:
            return answer
    shown = pending.ids if pending is not None and pending.kind == "shown" else ()
    if intent.then:
        return _in_turn((intent, *intent.then), tasks, shown, now, cut)
    if intent.talk is not None:
        return _say(wording.TALK[intent.talk], intent.reason)
    if intent.reason == "too_long":
        return _say(
            f"I can read at most {LONGEST} characters at once. Nothing was changed.", "too_long"
        )
    if intent.tool is None:
        return _say(wording.NOT_UNDERSTOOD, "not_understood")
    return _act(intent, intent.tool, tasks, shown, now, cut)


def follow_up(
    call: ToolCall, result: object, now: datetime | None = None, about: About | None = None
) -> Pending | None:
    """Return what to keep after a successful call, to give "the second one", "it" and the answer
    to `describe`'s offer to add what is not on the list a meaning.

    ``result``, ``now`` and ``about`` as for `describe`; None when there is nothing to refer to.
    """
    if isinstance(result, str) or call.name == "delete_task":
        return None
    if call.name == "list_tasks":
        tasks = wording.tasks_of(result)
        found = choose(tasks, about, now) if now is not None else None
        if title := wording.to_add(call, about, found):
            return Pending("confirm", "add_task", (), {"title": title})
        ids = tuple(task.id for task in (tasks if found is None else found)[: wording.SHOWN])
    else:
        number = result.get("task_id") if isinstance(result, dict) else None
        ids = (number,) if isinstance(number, int) else ()
    return Pending("shown", call.name, ids) if ids else None


def _say(reply: str, reason: str, pending: Pending | None = None) -> Interpretation:
    return Interpretation((), reply, pending, reason)


def _is_command(intent: Intent) -> bool:
    return bool(intent.then) or (intent.tool is not None and intent.reason not in _LOOSE)


# Answers to what the assistant asked. -----------------------------------------------------------


def _answer(
    intent: Intent, sentence: str, tasks: Sequence[TaskView], pending: Pending
) -> Interpretation | None:
    """Return what the sentence answers to the pending question; None when it is no answer."""
    if intent.talk == "no":
        return _say(wording.KEPT, "answered_no")
    if pending.kind == "title":
        return _title(intent, sentence, pending)
    if _is_command(intent) and not _repeats(intent, pending):
        if pending.kind == "confirm" and _YES_AND.match(sentence):
            return _say(
                f"One thing at a time, please. {wording.EXPECTED['confirm']}", "yes_and", pending
            )
        return None
    if pending.kind == "confirm":
        if intent.talk == "yes" or _repeats(intent, pending):
            return _calls(pending.tool, pending.ids, dict(pending.arguments), "answered_yes")
        return _again(intent, pending)
    return _choice(intent, sentence, tasks, pending) or _again(intent, pending)


_YES_AND = re.compile(
    r"\W*(?:yes|yep|yeah|sure|ok(?:ay)?|do it|go ahead)\b[,.;!]? *(?:and|then|also|but)\b",
    re.IGNORECASE,
)


def _repeats(intent: Intent, pending: Pending) -> bool:
    """Return whether it is the question in other words: "delete them all" after "delete these?"."""
    if intent.then or intent.ask or intent.tool != pending.tool or pending.kind != "confirm":
        return False
    if intent.tool == "add_task":
        return not intent.titles
    return intent.reference is not None and intent.reference.pronoun


def _again(intent: Intent, pending: Pending) -> Interpretation | None:
    """Keep the question over one sentence that is no answer to it; None at the second."""
    if pending.missed or intent.tool is not None or intent.talk not in _ASIDES:
        return None
    reply = "I did not understand that." if intent.talk in (None, "yes") else _TALKED[intent.talk]
    return _say(
        f"{reply} {wording.EXPECTED[pending.kind]}", "not_answered", replace(pending, missed=True)
    )


# What may be said between a question and its answer.
_ASIDES = frozenset({None, "yes", "greeting", "thanks", "help"})
_TALKED = {"greeting": "Hello!", "thanks": "You're welcome!", "help": wording.HELP}


def _title(intent: Intent, sentence: str, pending: Pending) -> Interpretation | None:
    """Take nearly everything as the title: "Cancel the gym" is a task to add, too."""
    if any(_names_a_task(each) for each in (intent, *intent.then)):
        return None
    said = read(sentence)
    if intent.tool == "add_task" and pending.tool == "add_task" and not intent.then:
        return _add(replace(intent, ask=False)) if intent.titles else None
    if intent.talk in ("undo", "reopen"):
        _, _, behind = said.text.partition(" ")
        reference = read_reference(read(behind))
        if not behind or reference.explicit or reference.pronoun:
            return None
    elif intent.talk not in _ASIDES | {"filter"}:
        return None
    if match := _CALLED.fullmatch(said.mask):
        said = said.part(*match.span("title"))
    title = title_of(said)
    if not title or (intent.talk in _ASIDES and intent.talk) or _NO_TITLE.fullmatch(said.mask):
        return _again(intent, pending)
    return _calls(
        pending.tool, pending.ids, {**pending.arguments, "title": title}, "answered_title"
    )


_CALLED = re.compile(
    r"(?:(?:call it(?! quits| a day)|name it|it(?:'s| is| should be) (?:called|named)|it should say"
    r"|the title is):? )?"
    r"(?P<title>.+?)(?:,? (?:please|pls))?[.!]*",
    re.IGNORECASE,
)


def _names_a_task(intent: Intent) -> bool:
    if intent.tool == "list_tasks":
        return _is_command(intent)
    explicit = intent.reference is not None and intent.reference.explicit
    return intent.everything is not None or (explicit and _is_command(intent))


_NO_TITLE = re.compile(
    r"(?:(?:what|huh|hm+|eh|er|um+|why|which(?: one)?|who|sorry|pardon|excuse me|how"
    r"|what do you mean|i (?:don't|do not) know|dunno|not sure)\b[ ,]*)*\W*",
    re.IGNORECASE,
)


def _choice(
    intent: Intent, sentence: str, tasks: Sequence[TaskView], pending: Pending
) -> Interpretation | None:
    offered = [task for task in tasks if task.id in pending.ids]
    offered.sort(key=lambda task: pending.ids.index(task.id))
    phrase = peel(read(sentence))
    if match := _HEDGED.fullmatch(phrase.mask):
        phrase = phrase.part(*match.span("choice"))
    if phrase.mask.lower().strip(" .!") in (
        "all",
        "both",
        "all of them",
        "both of them",
        "everything",
    ):
        return _chosen(offered, pending)
    reference = read_reference(phrase)
    if not reference.numbers:
        # "Last" is a place in an answer, if not elsewhere.
        placed = read_reference(read(f"the {phrase.text}"))
        reference = placed if placed.ordinals else reference
    if reference.numbers:
        chosen = [task for task in offered if task.id in reference.numbers]
        if len(chosen) != len(reference.numbers):
            chosen = []
    elif reference.ordinals:
        chosen = _at(offered, reference.ordinals)
    elif intent.talk == "yes":
        chosen = offered if len(offered) == 1 else []
    else:
        fit, chosen = match_title(reference.words, offered, quoted=True)
        if fit == "near" or len(chosen) != 1:
            chosen = []
    if chosen:
        return _chosen(chosen, pending)
    if reference.numbers or reference.ordinals:
        return _say(
            f"That is none of these:\n{wording.lines(offered)}\nWhich one should I "
            f"{_DOING[pending.tool]}?",
            "choice_unknown",
            pending,
        )
    return None


_HEDGED = re.compile(
    r"(?:(?:i (?:mean|think|guess|meant)|it's|that's|probably|maybe|number)[, ]+)*(?P<choice>.+?)"
    r"(?:,? (?:i (?:think|guess|believe|mean|suppose)|probably|maybe|then|of course|obviously))*",
    re.IGNORECASE,
)


def _chosen(tasks: Sequence[TaskView], pending: Pending) -> Interpretation:
    if pending.tool == "update_task":
        if len(tasks) > 1:
            return _say(wording.ONE_CHANGE, "answered_choice")
        if not pending.arguments:
            return _new_title(tasks[0].id, wording.named(tasks[0]), "answered_choice")
    ids = tuple(task.id for task in tasks)
    return _calls(pending.tool, ids, dict(pending.arguments), "answered_choice")


# New requests. ----------------------------------------------------------------------------------


# "Remind me to stretch and delete task 3": who deletes it?
_TO_DO = frozenset({"add_remind_me", "add_reminder", "add_not_forget", "add_errand"})


def _in_turn(
    intents: Sequence[Intent],
    tasks: Sequence[TaskView] | None,
    shown: tuple[int, ...],
    now: datetime,
    cut: bool,
) -> Interpretation:
    """Make the calls of several commands; none when one of them takes a question or fails."""
    calls: list[ToolCall] = []
    titled = [intent.reason in _TO_DO for intent in intents]
    doubtful = any(titled) and any(
        intent.reference is not None for intent in intents[titled.index(True) :]
    )
    for intent in intents:
        outcome = None if intent.tool is None else _act(intent, intent.tool, tasks, shown, now, cut)
        if doubtful or outcome is None or not outcome.calls or outcome.about is not None:
            return _say(wording.one_at_a_time([each.said for each in intents]), "one_at_a_time")
        calls.extend(outcome.calls)
    return Interpretation(tuple(calls), None, None, intents[0].reason)


def _act(
    intent: Intent,
    tool: ToolName,
    tasks: Sequence[TaskView] | None,
    shown: tuple[int, ...],
    now: datetime,
    cut: bool,
) -> Interpretation:
    if tool == "list_tasks":
        call = ToolCall("list_tasks", {"status": intent.status})
        return Interpretation((call,), None, None, intent.reason, intent.about)
    if tool == "add_task":
        return _add(intent)
    if intent.everything is not None:
        return _all(intent, tool, tasks or (), shown, now, cut)
    assert intent.reference is not None
    return _one(intent, tool, tasks, shown, cut)


def _add(intent: Intent) -> Interpretation:
    if not intent.titles:
        pending = Pending("title", "add_task")
        return _say("What should the new task be called?", intent.reason, pending)
    arguments = [{"title": title} for title in intent.titles]
    if intent.description is not None:
        arguments[0]["description"] = intent.description
    if intent.ask:
        pending = Pending("confirm", "add_task", (), arguments[0])
        return _say(
            f'Shall I add "{wording.literal(intent.titles[0])}" to your tasks? Say yes or no.',
            intent.reason,
            pending,
        )
    if refusal := next((r for a in arguments if (r := _too_long(a))), None):
        return _say(refusal, "too_long")
    calls = tuple(ToolCall("add_task", a) for a in arguments)
    return Interpretation(calls, None, None, intent.reason)


def _all(
    intent: Intent,
    tool: ToolName,
    tasks: Sequence[TaskView],
    shown: tuple[int, ...],
    now: datetime,
    cut: bool,
) -> Interpretation:
    """Ask about all tasks of a state, or those of them that are overdue, tagged and so on."""
    if intent.reference is not None and intent.reference.pronoun:
        # "Delete them all" means those of the list just shown.
        if not shown:
            return _which(tool, {}, tasks, intent.reason)
        tasks = [task for task in tasks if task.id in shown]
    asked = choose(tasks, intent.about, now)
    if asked is None:
        return _say(wording.TALK["filter"], intent.reason)
    kept = _kept(intent.but, tasks) if intent.but is not None else []
    if kept is None:
        return _say(wording.NOT_LEFT_OUT, "unknown_task")
    chosen = [
        task
        for task in asked
        if task not in kept
        and (intent.everything == "all" or task.completed is (intent.everything == "completed"))
    ]
    kind = "" if intent.everything == "all" else str(intent.everything)
    said = wording.count(len(chosen), kind, intent.about)
    if not chosen and kept:
        return _say(f"There is nothing else to {_DOING[tool]}. Nothing was changed.", intent.reason)
    if not chosen:
        return _say(f"You have {said}. Nothing was changed.", intent.reason)
    rest = f" I see only your newest {len(tasks)} tasks; older ones stay." if cut else ""
    if kept:
        names = ", ".join(map(wording.named, kept))
        rest = f" {names} {'stays' if len(kept) == 1 else 'stay'}.{rest}"
    return _are_you_sure(tool, chosen, intent.reason, said, rest)


def _kept(but: Reference, tasks: Sequence[TaskView]) -> list[TaskView] | None:
    """Return the tasks that "all but the milk and the rent" leaves out; None when one is unknown.

    Where the words fit several tasks, all of them.
    """
    if but.numbers:
        known = [task for task in tasks if task.id in but.numbers]
        return known if len(known) == len(but.numbers) else None
    if but.ordinals:
        return _at(tasks, but.ordinals) or None
    fit, found = match_title(but.words, tasks, quoted=but.quoted)
    if fit not in ("near", "none"):
        return found
    of_parts = [_kept(part, tasks) for part in but.parts]
    if not of_parts or None in of_parts:
        return None
    return list(dict.fromkeys(task for found in of_parts for task in found or ()))


def _are_you_sure(
    tool: ToolName, tasks: Sequence[TaskView], reason: str, said: str = "", rest: str = ""
) -> Interpretation:
    return _say(
        f"This would {_DOING[tool]} {said or wording.count(len(tasks))}:\n{wording.lines(tasks)}\n"
        f"Are you sure?{rest} Say yes or no.",
        reason,
        Pending("confirm", tool, tuple(task.id for task in tasks)),
    )


def _one(
    intent: Intent,
    tool: ToolName,
    tasks: Sequence[TaskView] | None,
    shown: tuple[int, ...],
    cut: bool,
) -> Interpretation:
    assert intent.reference is not None
    reference = intent.reference
    arguments = {}
    if tool == "update_task" and intent.titles:
        arguments["title"] = intent.titles[0]
    if intent.description is not None:
        arguments["description"] = intent.description
    if reference.bare and not cut:
        listed = tasks or ()
        if all(task.id not in reference.numbers for task in listed):
            fit, chosen = match_title(reference.words, listed, quoted=False)
            if fit in ("whole", "words"):
                return _settle(intent, tool, arguments, "near", chosen)
    if reference.numbers:
        return _numbered(intent, tool, reference.numbers, arguments, None if cut else tasks)
    tasks = tasks or ()
    listed = sorted(
        (task for task in tasks if task.id in shown), key=lambda task: shown.index(task.id)
    )
    # What was shown last may be the one task just added.
    enough = len(listed) >= max(map(abs, (reference.places, *reference.ordinals)))
    if reference.ordinals:
        chosen = _at(listed if enough else tasks, reference.ordinals)
        # Without a list just shown, which one is "the third" is a guess.
        return _ordered(intent, tool, arguments, chosen, is_guess=not listed or not enough)
    if reference.places:
        return _placed(tool, reference.places, listed if enough else tasks, intent.reason)
    if reference.pronoun or (not reference.words and reference.explicit):
        if len(listed) == 1 and reference.pronoun:
            return _settle(intent, tool, arguments, "words", listed)
        return _which(tool, arguments, listed or tasks, intent.reason)
    if intent.divisions:
        reference, arguments["title"], fit, chosen = _best_division(intent, tasks)
    else:
        fit, chosen = match_title(reference.words, tasks, quoted=reference.quoted)
    if reference.parts and fit in ("near", "none") and tool != "update_task":
        several = _several(intent, tool, reference.parts, tasks, cut)
        if several is not None:
            return several
    if not intent.sure and fit == "near":
        # Too little when nothing else says that a task is meant.
        fit = "none"
    if fit == "none":
        return _unknown(intent, tool, reference, len(tasks) if cut else None)
    if cut or (not intent.sure and fit == "words"):
        # "Cancel my flight to Boston" need not mean the task to book it, and an older task may fit
        # as well.
        fit = "near"
    return _settle(intent, tool, arguments, fit, chosen)


def _ordered(
    intent: Intent,
    tool: ToolName,
    arguments: dict[str, str],
    chosen: Sequence[TaskView],
    *,
    is_guess: bool,
) -> Interpretation:
    """Act on the tasks of "the first and the third", all of them or none."""
    assert intent.reference is not None
    if not chosen:
        words = wording.literal(intent.reference.words)
        return _say(f"There is no such task: {words}. Nothing was changed.", intent.reason)
    meant = [task for task in chosen if tool != "complete_task" or not task.completed]
    if len(meant) < 2:
        fit: Fit = "near" if is_guess else "words"
        return _settle(intent, tool, arguments, fit, meant or chosen)
    if tool == "update_task":
        return _say(wording.ONE_CHANGE, intent.reason)
    return _each(tool, meant, intent.reason, ask=is_guess or intent.ask or _in_bulk(intent))


def _placed(tool: ToolName, places: int, listed: Sequence[TaskView], reason: str) -> Interpretation:
    """Ask about the tasks of "the first two"; which those are is seen in the question."""
    if tool == "complete_task":
        listed = [task for task in listed if not task.completed]
    if tool == "update_task":
        return _say(wording.ONE_CHANGE, reason)
    if abs(places) > MOST_AT_ONCE:
        return _say(wording.TOO_MANY, reason)
    if abs(places) > len(listed):
        there = wording.count(len(listed), "pending" if tool == "complete_task" else "")
        return _say(f"There are not so many: I see {there}. Nothing was changed.", reason)
    return _are_you_sure(tool, listed[:places] if places > 0 else listed[places:], reason)


def _best_division(
    intent: Intent, tasks: Sequence[TaskView]
) -> tuple[Reference, str, Fit, list[TaskView]]:
    """Return the way to divide "change A to B" whose A fits a task best, and how it fits.

    "near" when another way fits other tasks: what is meant is then a guess.
    """
    assert intent.reference is not None
    ways = []
    for place, (reference, title) in enumerate(
        ((intent.reference, intent.titles[0]), *intent.divisions)
    ):
        fit, chosen = match_title(reference.words, tasks, quoted=reference.quoted)
        said = reference.words.casefold().strip()
        same = [task for task in chosen if task.title.casefold().strip() == said]
        fits = ("none", "near", "words", "whole", "exact").index(fit)
        # The title itself, else the longest words that fit, else the first place to divide at.
        key = (bool(same), fits, len(said) if fits > 1 else -place)
        ways.append((key, reference, title, fit, same or chosen))
    (titled, fits, _), reference, title, fit, chosen = max(ways, key=lambda way: way[0])
    for key, _, _, _, others in ways:
        if fits > 1 and key[0] >= titled and key[1] > 1 and others != chosen:
            fit = "near"
    return reference, title, fit, chosen


def _several(
    intent: Intent,
    tool: ToolName,
    parts: Sequence[Reference],
    tasks: Sequence[TaskView],
    cut: bool,
) -> Interpretation | None:
    """Act on the tasks of "laundry and the dentist task"; None when no part, or one, is a task."""
    sure = not intent.ask and not cut
    found: list[TaskView | None] = []
    for part in parts:
        fit: Fit = "whole"
        if part.numbers:
            chosen = [task for task in tasks if task.id in part.numbers]
        else:
            fit, chosen = match_title(part.words, tasks, quoted=part.quoted)
        if tool == "complete_task" and len(chosen) > 1:
            chosen = [task for task in chosen if not task.completed]
        found.append(chosen[0] if len(chosen) == 1 else None)
        sure = sure and (
            fit in ("exact", "whole") or (fit == "words" and (intent.sure or part.explicit))
        )
    known = {task.id: task for task in found if task is not None}
    if None in found and known:
        return _say(wording.one_at_a_time([part.words for part in parts]), "one_at_a_time")
    if len(known) < 2:
        return None
    return _each(tool, tuple(known.values()), intent.reason, ask=not sure)


def _each(tool: ToolName, tasks: Sequence[TaskView], reason: str, *, ask: bool) -> Interpretation:
    """Complete or delete each of the tasks, or ask whether to."""
    ids = tuple(task.id for task in tasks)
    if ask:
        return _shall_i(tool, ids, {}, ", ".join(map(wording.named, tasks)), reason)
    return _calls(tool, ids, {}, reason)


# Of so many numbers or places each is meant.
_FEW = 3


def _in_bulk(intent: Intent) -> bool:
    """Return whether it deletes what nobody may have looked at one by one: there is no undo."""
    reference = intent.reference
    if intent.tool != "delete_task" or reference is None:
        return False
    return reference.span or len(reference.numbers or reference.ordinals) > _FEW


def _numbered(
    intent: Intent,
    tool: ToolName,
    numbers: tuple[int, ...],
    arguments: dict[str, str],
    tasks: Sequence[TaskView] | None,
) -> Interpretation:
    if len(numbers) > MOST_AT_ONCE:
        return _say(wording.TOO_MANY, intent.reason)
    if tasks is not None:
        known = {task.id: task for task in tasks}
        if intent.reference is not None and intent.reference.span:
            # A user's numbers have gaps.
            numbers = tuple(number for number in numbers if number in known) or numbers
        unknown = [number for number in numbers if number not in known]
        if unknown:
            which = ", ".join(f"#{number}" for number in unknown)
            return _say(wording.no_task(which), "unknown_task")
        if _in_bulk(intent):
            return _are_you_sure(tool, [known[number] for number in numbers], intent.reason)
    if tool == "update_task" and len(numbers) > 1:
        return _say(wording.ONE_CHANGE, intent.reason)
    if tool == "update_task" and not arguments:
        return _new_title(numbers[0], f"task #{numbers[0]}", intent.reason)
    if intent.ask or _in_bulk(intent):
        names = {task.id: wording.named(task) for task in tasks or ()}
        which = ", ".join(names.get(number, f"#{number}") for number in numbers)
        return _shall_i(tool, numbers, arguments, which, intent.reason)
    return _calls(tool, numbers, arguments, intent.reason)


def _shall_i(
    tool: ToolName, ids: Sequence[int], arguments: dict[str, str], which: str, reason: str
) -> Interpretation:
    into = wording.into(arguments)
    return _say(
        f"Shall I {_DOING[tool]} {which}{into} now? Say yes or no.",
        reason,
        Pending("confirm", tool, tuple(ids), arguments),
    )


def _new_title(number: int, name: str, reason: str) -> Interpretation:
    pending = Pending("title", "update_task", (number,))
    return _say(f"What should {name} be called instead?", reason, pending)


def _settle(
    intent: Intent, tool: ToolName, arguments: dict[str, str], fit: Fit, chosen: Sequence[TaskView]
) -> Interpretation:
    """Act on the one task meant; ask when several are, or when it took a guess."""
    if tool == "complete_task":
        open_tasks = [task for task in chosen if not task.completed]
        if not open_tasks:
            names = ", ".join(wording.named(task) for task in chosen)
            return _say(f"Already completed: {names}. Nothing was changed.", intent.reason)
        done = {task.title.casefold() for task in chosen if task.completed}
        if done - {task.title.casefold() for task in open_tasks}:
            # The words fit a completed task of another title as well.
            fit = "near"
        chosen = open_tasks
    if len(chosen) > 1:
        return _which(tool, arguments, chosen, intent.reason)
    task = chosen[0]
    if intent.ask and fit != "near" and (tool != "update_task" or arguments):
        return _shall_i(tool, (task.id,), arguments, wording.named(task), intent.reason)
    if fit == "near":
        pending = Pending("confirm", tool, (task.id,), arguments)
        if tool == "update_task" and not arguments:
            pending = Pending("choose", tool, (task.id,))
        return _say(
            f"Do you mean {wording.named(task)}? Say yes and I {_DOING[tool]} "
            f"it{wording.into(arguments)}.",
            intent.reason,
            pending,
        )
    if tool == "update_task" and not arguments:
        return _new_title(task.id, wording.named(task), intent.reason)
    return _calls(tool, (task.id,), arguments, intent.reason)


def _which(
    tool: ToolName, arguments: dict[str, str], tasks: Sequence[TaskView], reason: str
) -> Interpretation:
    if not tasks:
        return _say("Your task list is empty. Nothing was changed.", reason)
    tasks = tasks[: wording.SHOWN]
    pending = Pending("choose", tool, tuple(task.id for task in tasks), arguments)
    return _say(
        f"Which task should I {_DOING[tool]}{wording.into(arguments)}? Say its number.\n"
        f"{wording.lines(tasks)}",
        reason,
        pending,
    )


def _unknown(
    intent: Intent, tool: ToolName, reference: Reference, among: int | None
) -> Interpretation:
    where = "" if among is None else f" among your newest {among}; say the number of an older one"
    words = wording.literal(reference.words)
    if intent.reason == "complete_told":
        return _say(wording.NOT_UNDERSTOOD, "not_understood")
    if intent.sure:
        return _say(f'I found no task "{words}"{where}. Nothing was changed.', "unknown_task")
    if intent.reason == "complete_finish":
        title = f"Finish {reference.words}"
        return _add(replace(Intent("add_task", intent.reason, titles=(title,)), ask=True))
    return _say(
        f'I found no task "{words}" to {_DOING[tool]}{where}. Nothing was changed. {wording.HELP}',
        "unknown_task",
    )


def _at(tasks: Sequence[TaskView], ordinals: Sequence[int]) -> list[TaskView]:
    """Return the tasks at these places, none where one of the places is not there."""
    positions = [ordinal - 1 if ordinal > 0 else len(tasks) + ordinal for ordinal in ordinals]
    if not all(0 <= position < len(tasks) for position in positions):
        return []
    return [tasks[position] for position in dict.fromkeys(positions)]


def _too_long(arguments: dict[str, str]) -> str | None:
    for name, most in (("title", TITLE_MAX), ("description", DESCRIPTION_MAX)):
        if len(arguments.get(name, "").strip()) > most:
            return (
                f"A task's {name} can have at most {most} characters; this one has "
                f"{len(arguments[name].strip())}. Nothing was changed."
            )
    return None


def _calls(
    tool: ToolName, ids: Sequence[int], arguments: dict[str, str], reason: str
) -> Interpretation:
    if refusal := _too_long(arguments):
        return _say(refusal, "too_long")
    if tool == "add_task":
        return Interpretation((ToolCall(tool, arguments),), None, None, reason)
    if not ids:
        return _say(wording.KEPT, reason)
    calls = tuple(ToolCall(tool, {"task_id": number, **arguments}) for number in ids)
    return Interpretation(calls, None, None, reason)
