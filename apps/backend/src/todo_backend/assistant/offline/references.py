"""Which task a phrase means: by number, by place in the list, by its title; which a choice does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from todo_backend.assistant.offline.dates import due_days
from todo_backend.assistant.offline.sentence import Sentence, one_edit
from todo_backend.assistant.offline.types import About, TaskView
from todo_backend.assistant.offline.vocabulary import (
    IRREGULAR,
    NUMBER_WORDS,
    ORDINAL_WORDS,
    compile_pattern,
)

# More tasks than this in one sentence are refused rather than changed.
MOST_AT_ONCE = 50

_NUMBERS = compile_pattern(
    r"(?:the )?(?:my )?(?:(?:<TASK>|item|entry)s? )?(?:(?:with )?(?:the )?(?:number|num|nr|no|id"
    r"|ids)s?[.:]? ?)?"
    r"(?P<numbers>#?<NUMBER>(?:(?:,? and |,? ?& ?|, ?| plus | to | through | thru | ?[-–] ?)"
    r"(?:(?:<TASK>|item|entry)s? )?(?:(?:number|no\.?) )?#?<NUMBER>)*"
    r"|#?\d{1,9}(?: #?\d{1,9})+)"
)
_SPAN = compile_pattern(r"#?(<NUMBER>)(?: to | through | thru | ?[-–] ?)#?(<NUMBER>)")
# "The third one", "the first and the last task".
_ORDINALS = compile_pattern(
    r"(?:the |my )?(?:very )?(?P<ordinals><ORDINAL>"
    r"(?P<more>(?: (?:one|<TASK>|item|entry|thing))?(?:,? and |,? ?& ?|, ?| plus )(?:the |my )?"
    r"(?:very )?<ORDINAL>)*)(?: (?P<noun>ones?|<TASK>|<TASKS>|items?|entry|entries|things?))?"
    r"(?: (?:on|in|from|of|off)(?: of)? (?:<LIST>|it|them|these|those))?"
)
_EACH_ORDINAL = compile_pattern("<ORDINAL>")
# "The first two", "my last 3 tasks".
_PLACES = compile_pattern(
    r"(?:the |my )?(?P<end>first|top|last|bottom|final) (?P<count><NUMBER>)"
    r"(?: (?:<TASKS>|items|entries|things|ones))?"
    r"(?: (?:on|in|from|of|off)(?: of)? (?:<LIST>|it|them|these|those))?"
)
_PRONOUN = re.compile(
    r"(?:it|that|this|them|those|these|the same|that thing|this thing|the one"
    r"|(?:that|this) (?:one|task|item|reminder|to[- ]?do|chore))",
    re.IGNORECASE,
)
_NOUN_FIRST = compile_pattern(
    r"(?:(?:the|my|that|this|our|a) )?(?:<TASK>|item)"
    r"(?: (?:to|for|about|called|named|titled|with|of|on|saying|that says|that is called|i have"
    r" (?:to|for)"
    r"|i set (?:to|for|about))(?: the (?:title|name))?|[:,]| -)? (?P<words>.+)"
)
_NOUN_LAST = compile_pattern(
    r"(?:(?:the|my|that|this|our) )?(?P<words>.+?) (?:<TASK>|item|one|entry)"
)
# "2 tasks" may be any two.
_NOUN_ONLY = compile_pattern(
    r"(?:(?:the|my|that|this|our|a|an|some|any|another|one|of|few|couple|several|more|other|first"
    r"|last|next|top|bottom|newest|oldest|<NUMBER>) )*(?:new )?(?:<TASK>|<TASKS>|items?|things?"
    r"|entry|entries|ones)"
)
_ARTICLE = re.compile(r"(?:the|my|that|this|our) (?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """A phrase taken apart. ``explicit``: its form alone says that it means a task.

    ``ordinals``: places in the list, counted from 1, from its end where negative.
    ``places``: how many from the top of the list, from its end where negative.
    ``bare``: it is digits alone, which may be a word of a title as well: "1984".
    ``parts`` are those of "laundry and the dentist task", for when no title holds all its words.
    """

    words: str = ""
    numbers: tuple[int, ...] = ()
    ordinals: tuple[int, ...] = ()
    places: int = 0
    pronoun: bool = False
    quoted: bool = False
    explicit: bool = False
    bare: bool = False
    parts: tuple[Reference, ...] = ()

    @property
    def needs_list(self) -> bool:
        """Whether the user's tasks must be known to resolve it."""
        return self.bare or not self.numbers

    @property
    def span(self) -> bool:
        """Whether it says only the first and the last of some numbers."""
        return bool(self.numbers) and _SPAN.search(self.words) is not None


# Each part is compared with every title.
_MOST_PARTS = 10
# "The milk and the rent tasks".
_PLURAL_LAST = compile_pattern(r" (?:<TASKS>|items)$")
_AND = re.compile(r",? (?:and|plus|&) |, ?", re.IGNORECASE)


def read_reference(phrase: Sentence) -> Reference:
    """Return the phrase as a reference; words that are no number are taken as a title."""
    whole = phrase
    if plural := _PLURAL_LAST.search(phrase.mask):
        phrase = phrase.part(0, plural.start())
    cuts = [0, *(at for match in _AND.finditer(phrase.mask) for at in match.span())]
    ends = [*cuts[1:], len(phrase.mask)]
    parts = [phrase.part(start, end) for start, end in zip(cuts[::2], ends[::2], strict=True)]
    reference = _read_one(whole)
    if (
        reference.numbers
        or reference.ordinals
        or not 1 < len(parts) <= _MOST_PARTS
        or not all(p.text for p in parts)
    ):
        return reference
    read = [_read_one(part) for part in parts]
    if plural:
        read = [replace(part, explicit=True) for part in read]
    return replace(reference, parts=tuple(read))


def _read_one(phrase: Sentence) -> Reference:
    mask = phrase.mask
    if match := _NUMBERS.fullmatch(mask):
        numbers = _numbers(match["numbers"])
        return Reference(phrase.text, numbers, explicit=True, bare=mask.isdecimal())
    if (match := _ORDINALS.fullmatch(mask)) and (
        match["noun"] or match["more"] or mask.lower().startswith("the")
    ):
        ordinals = map(_ordinal, _EACH_ORDINAL.findall(match["ordinals"]))
        return Reference(phrase.text, ordinals=tuple(dict.fromkeys(ordinals)), explicit=True)
    if match := _PLACES.fullmatch(mask):
        count = _number(match["count"])
        places = count if match["end"].lower() in ("first", "top") else -count
        if count == 1:
            return Reference(words=phrase.text, ordinals=(places,), explicit=True)
        return Reference(words=phrase.text, places=places, explicit=True)
    if _PRONOUN.fullmatch(mask):
        return Reference(words=phrase.text, pronoun=True)
    if _NOUN_ONLY.fullmatch(mask):
        return Reference(explicit=True)
    explicit = False
    for pattern in (_NOUN_FIRST, _NOUN_LAST):
        if match := pattern.fullmatch(mask):
            phrase, explicit = phrase.part(*match.span("words")), True
            break
    quotation = phrase.quotation
    if quotation is None and len(phrase.quotations) == 1 and explicit:
        quotation = phrase.quotations[0]
    if quotation is not None:
        return Reference(words=quotation, quoted=True, explicit=explicit)
    if match := _ARTICLE.match(phrase.mask):
        phrase = phrase.part(match.end(), len(phrase.mask))
    return Reference(words=phrase.text, explicit=explicit)


def _numbers(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    spans = list(_SPAN.finditer(text))
    for span in spans:
        first, last = _number(span[1]), _number(span[2])
        # An absurd span stays two numbers too many, and is refused as such.
        numbers.extend(range(first, min(last, first + MOST_AT_ONCE) + 1))
    rest = _SPAN.sub(" ", text)
    numbers.extend(_number(word) for word in re.findall(r"\w+", rest) if _is_number(word))
    return tuple(dict.fromkeys(numbers))


def _is_number(word: str) -> bool:
    return (word.isdecimal()) or word.lower() in NUMBER_WORDS


def _number(word: str) -> int:
    return int(word) if word.isdecimal() else NUMBER_WORDS[word.lower()]


def _ordinal(word: str) -> int:
    word = word.lower()
    if word.startswith("second") and word.endswith("last"):
        return -2
    return ORDINAL_WORDS[word] if word in ORDINAL_WORDS else int(word[:-2])


# How well titles fit: "exact" the quoted title itself, "whole" every word said is in the title and
# every word of the title was said, "words" only the former, "near" only when letters are mended or
# a word is left out.
Fit: TypeAlias = Literal["exact", "whole", "words", "near", "none"]

_EMPTY_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "my",
        "our",
        "your",
        "this",
        "that",
        "to",
        "of",
        "for",
        "on",
        "in",
        "at",
        "with",
        "and",
        "some",
        "about",
        "task",
        "tasks",
        "item",
        "reminder",
        "todo",
        "chore",
        "one",
        "please",
        "do",
        "doing",
        "get",
        "i",
        "have",
    ]
)


def match_title(
    words: str, tasks: Sequence[TaskView], *, quoted: bool
) -> tuple[Fit, list[TaskView]]:
    """Return how well the best titles fit ``words``, and the tasks that have them."""
    folded = words.casefold().strip()
    exact = [task for task in tasks if task.title.casefold().strip() == folded]
    if quoted and exact:
        return "exact", exact
    wanted = _content(words)
    if not wanted:
        return ("whole", exact) if exact else ("none", [])
    # Each word said with its other plain forms: "calling" is "call".
    said = [_forms(word) for word in wanted]
    every = frozenset().union(*said)
    contents = [(task, _content(task.title)) for task in tasks]
    fitting = [(task, content) for task, content in contents if all(f & content for f in said)]
    if fitting:
        fit: Fit = "whole" if all(content <= every for _, content in fitting) else "words"
        return fit, [task for task, _ in fitting]
    # Titles share most of their words: each is compared once.
    known = frozenset().union(*(content for _, content in contents))
    alike = [{c for c in known if _like(w, c)} for w in wanted]
    mended = [task for task, content in contents if all(content & near for near in alike)]
    if mended:
        return "near", mended
    overlap = [
        task
        for task, content in contents
        if 0 < sum(bool(forms & content) for forms in said) * 2 >= len(wanted)
    ]
    return ("near", overlap) if overlap else ("none", [])


def _content(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+", text.casefold().replace("'", "").replace("’", ""))
    return frozenset([word for word in words if word not in _EMPTY_WORDS] or words)


def _forms(word: str) -> frozenset[str]:
    """Return the word, its plain inflections, and the words it is a plain inflection of."""
    candidates = {word[:-1], word[:-2], word[:-3], word[:-4], word[:-3] + "e", word[:-3] + "y"}
    bases = {base for base in candidates if word in _inflections(base)}
    if word in IRREGULAR:
        bases.add(IRREGULAR[word])
    return frozenset({word, *_inflections(word), *bases})


_ONE_SYLLABLE = re.compile(r"[^aeiouy]*[aeiou][^aeiouywx]")


def _inflections(word: str) -> set[str]:
    """Return the word with -s, -es, -ed and -ing as they are regularly put.

    Strictly: "planes" and "staring" are no forms of "plan" and "star".
    """
    if len(word) < 3 or not re.search(r"[aeiouy]", word):
        return set()
    if word[-1] == "y" and word[-2] not in "aeiou":
        return {word[:-1] + "ies", word[:-1] + "ied", word + "ing"}
    plural = word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")
    if word[-1] == "e":
        return {plural, word + "d", word[:-1] + "ing"}
    stem = word + word[-1] if _ONE_SYLLABLE.fullmatch(word) else word
    return {plural, stem + "ed", stem + "ing"}


def _stem(word: str) -> str:
    """Return the word without the endings that "washes the dish" and "washing dishes" differ in."""
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.rstrip("ey") if len(word) > 3 else word


def _like(a: str, b: str) -> bool:
    return _stem(a) == _stem(b) or (
        min(len(a), len(b)) >= 4 and (one_edit(a, b) or a.startswith(b) or b.startswith(a))
    )


def choose(tasks: Sequence[TaskView], about: About | None, now: datetime) -> list[TaskView] | None:
    """Return the tasks that are asked for, all without ``about``; None: they cannot be told.

    Days are those of each task's time zone, without one of the clock ``now``.
    """
    if about is None:
        return list(tasks)
    value = about.value.casefold()
    if about.kind == "words":
        fit, found = match_title(about.value, tasks, quoted=False)
        numbers = {task.id for task in tasks if _has_tag(task, value)}
        if fit != "none" and not (fit == "near" and numbers):
            numbers |= {task.id for task in found}
        return [task for task in tasks if task.id in numbers]
    if about.kind == "number":
        return [task for task in tasks if str(task.id) == about.value]
    if about.kind == "priority":
        return [task for task in tasks if task.priority == about.value]
    if about.kind == "tag":
        return [task for task in tasks if _has_tag(task, value)]
    due = [(task, at) for task in tasks if (at := _open_due(task, now)) is not None]
    if about.kind == "overdue":
        return [task for task, at in due if at < now]
    days = due_days(about.value, now) if about.kind == "due" else None
    if days is None:
        return None
    return [task for task, at in due if days[0] <= at.date() <= days[1]]


def _has_tag(task: TaskView, tag: str) -> bool:
    return tag in [each.casefold() for each in task.tags]


def _open_due(task: TaskView, now: datetime) -> datetime | None:
    """Return when an open task is due, on the clock of its time zone or of ``now``."""
    if task.due_at is None or task.completed:
        return None
    if task.due_at.tzinfo is None or now.tzinfo is None:
        return task.due_at.replace(tzinfo=now.tzinfo)
    return task.due_at.astimezone(zone(task.time_zone) or now.tzinfo)


def zone(name: str) -> ZoneInfo | None:
    """Return the time zone of this name, None where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
