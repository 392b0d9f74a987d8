"""The rules: which words mean which tool.

`RULES` is read from top to bottom and the first rule that matches the whole sentence wins, so a
rule may rely on those above it. Each rule has a name, the patterns that fire it (see
vocabulary.py for ``<CLASSES>``), what it builds, and sentences that fire it, which the tests run.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from todo_backend.assistant.offline.dates import find_date, parse_due
from todo_backend.assistant.offline.references import Reference, read_reference
from todo_backend.assistant.offline.sentence import (
    Sentence,
    capitalized,
    mend_command_word,
    mend_nouns,
    peel,
    peel_want,
)
from todo_backend.assistant.offline.types import About, ToolName
from todo_backend.assistant.offline.vocabulary import compile_pattern

Status: TypeAlias = Literal["all", "pending", "completed"]
Talk: TypeAlias = Literal[
    "greeting",
    "thanks",
    "goodbye",
    "help",
    "undo",
    "reopen",
    "yes",
    "no",
    "unsupported",
    "by_number",
    "filter",
]


@dataclass(frozen=True, slots=True)
class Intent:
    """What a sentence asks for, before the user's tasks are looked at.

    ``tool`` None with ``talk`` is small talk, without it nothing was understood. ``everything``
    selects all tasks of a status, without those that ``but`` means, and always asks first.
    ``sure`` False: the words only count when a title fits them. ``ask`` True: even then the user
    is asked first.
    """

    tool: ToolName | None
    reason: str = ""
    talk: Talk | None = None
    reference: Reference | None = None
    everything: Status | None = None
    but: Reference | None = None
    titles: tuple[str, ...] = ()
    description: str | None = None
    status: Status = "all"
    about: About | None = None
    sure: bool = True
    ask: bool = False
    # Other ways to divide "change A to B", for titles that hold the word "to" themselves.
    divisions: tuple[tuple[Reference, str], ...] = ()
    # The words it was read from, and what is asked for behind it: "..., and delete task 2".
    said: str = ""
    then: tuple[Intent, ...] = ()


Parts: TypeAlias = dict[str, Sentence]
Build: TypeAlias = Callable[[Parts], "Intent | None"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the grammar. A ``build`` that returns None lets the next rule try."""

    name: str
    patterns: tuple[str, ...]
    build: Build
    examples: tuple[str, ...]


# Builders. ----------------------------------------------------------------------------------------


def _talk(kind: Talk) -> Build:
    return lambda _parts: Intent(None, talk=kind)


def _list(status: Status) -> Build:
    def build(parts: Parts) -> Intent | None:
        words = parts.get("about")
        if words is not None and _ELSEWHERE.search(words.mask):
            return None
        about = About("words", _tidy(words)) if words else None
        return Intent("list_tasks", status=status, about=about)

    return build


def _list_by_words(parts: Parts) -> Intent:
    """A list whose status the sentence may name: "show my completed tasks"."""
    about = About("other") if _CHOSEN_BY.search(parts["all"].mask) else None
    return Intent("list_tasks", status=_status(parts["all"].mask, "all"), about=about)


def _about(parts: Parts) -> About:
    """What tasks are chosen by, of the groups of `_chosen_by`; overdue without any."""
    kinds: tuple[Literal["due", "tag", "words"], ...] = ("due", "tag", "words")
    for kind in kinds:
        if kind in parts:
            return About(kind, _tidy(parts[kind]))
    if "priority" in parts:
        return About("priority", _PRIORITIES[parts["priority"].mask.lower()])
    return About("overdue")


def _list_chosen(parts: Parts) -> Intent | None:
    """A list of the tasks that are overdue, due then, of a priority, tagged or about something."""
    about = _about(parts)
    default: Status = "pending" if about.kind in ("overdue", "due") else "all"
    return Intent("list_tasks", status=_status(parts["all"].mask, default), about=about)


def _all_but(parts: Parts) -> Intent | None:
    """ "Delete everything" and the like, with tasks that are to stay as they are."""
    intent = _first(parts["command"], ahead=False)
    if intent is None or intent.everything is None:
        return None
    return replace(intent, but=read_reference(parts["ref"]))


def _act_on_chosen(parts: Parts) -> Intent | None:
    """Complete or delete such tasks; it is always asked about, with the tasks named."""
    if _EXCEPT.search(parts["all"].mask):
        return None
    if "kind" in parts:
        # "Delete all work tasks", but not "all old tasks".
        if _NO_KIND.search(parts["kind"].mask):
            return None
        parts = parts | {"words": parts["kind"]}
    about = _about(parts)
    reference = Reference("everything", explicit=True)
    chosen = Intent(None, everything="all", reference=reference, about=about)
    if "remove" not in parts:
        # What is due or overdue is open in any case.
        status: Status = "all" if about.kind in ("overdue", "due") else "pending"
        return replace(chosen, tool="complete_task", everything=status)
    return replace(chosen, tool="delete_task", everything=_status(parts["all"].mask, "all"))


def _show_one(parts: Parts) -> Intent | None:
    numbers = read_reference(parts["ref"]).numbers
    if len(numbers) != 1:
        return None
    return Intent("list_tasks", about=About("number", str(numbers[0])))


def _status(mask: str, default: Status) -> Status:
    """Return the state of tasks that the words name; all when they name both."""
    is_open = _OPEN.search(mask) is not None
    if _DONE.search(_OPEN.sub(" ", mask)):
        return "all" if is_open else "completed"
    return "pending" if is_open else default


def _everything(tool: ToolName) -> Build:
    def build(parts: Parts) -> Intent:
        mask = parts["what"].mask if "what" in parts else ""
        if _CHOSEN_BY.search(parts["all"].mask.replace(mask, " ") if mask else ""):
            return Intent(None, talk="filter")
        status: Status = "pending" if tool == "complete_task" else _status(mask, "all")
        them = _THEM.search(mask) is not None
        reference = Reference("everything", explicit=True, pronoun=them)
        return Intent(tool, everything=status, reference=reference)

    return build


def _on(tool: ToolName, *, sure: bool | None = None, ask: bool = False) -> Build:
    """Build a call on the task that group ``ref`` means; ``sure`` None: by the reference's form."""

    def build(parts: Parts) -> Intent | None:
        if not parts["ref"].text:
            return None
        reference = read_reference(parts["ref"])
        if _SOME_OF.search(parts["all"].mask) or _HOW_MANY.fullmatch(parts["ref"].mask):
            # Two of my tasks, or "delete one": any, not task 2 or 1.
            reference = Reference(explicit=True)
        certain = reference.explicit if sure is None else sure and not reference.pronoun
        if not certain and _ELSEWHERE.search(parts["ref"].mask):
            return None
        return Intent(tool, reference=reference, sure=certain, ask=ask and not reference.explicit)

    return build


def _told(parts: Parts) -> Intent:
    """ "I called mom", or "the rent is paid", which says the same as "paid the rent"."""
    if "ref" in parts:
        reference = read_reference(parts["ref"])
    else:
        what = read_reference(parts["what"])
        reference = Reference(words=f"{parts['verb'].text} {what.words}")
    return Intent("complete_task", reference=reference, sure=False)


def _rename(parts: Parts) -> Intent | None:
    if "old" in parts:
        reference, title = read_reference(parts["old"]), title_of(parts["new"])
        if not title:
            return None
        if not _OF_TITLES.search(parts["all"].mask) and _is_property(parts["new"]):
            return Intent(None, talk="unsupported")
        return Intent("update_task", reference=reference, titles=(title,), sure=reference.explicit)
    whole = Sentence(parts["rest"].text, parts["rest"].mask)
    parted = [
        (whole.part(0, m.start()), whole.part(m.end(), len(whole.mask)))
        for m in itertools.islice(_BECOMES.finditer(whole.mask), _MOST_DIVISIONS)
        if m.start() and m.end() < len(whole.mask)
    ]
    divisions = [(read_reference(old), title) for old, new in parted if (title := title_of(new))]
    if not divisions:
        return None
    if not _OF_TITLES.search(parts["all"].mask) and any(_is_property(new) for _, new in parted):
        return Intent(None, talk="unsupported")
    reference, title = divisions[0]
    on_list = _ON_LIST.search(whole.mask) is not None
    if _LOOSE_VERB.match(parts["all"].mask) and not reference.numbers:
        return None
    return Intent(
        "update_task",
        reference=reference,
        titles=(title,),
        sure=reference.explicit or on_list,
        divisions=tuple(divisions[1:]),
    )


def _rename_to_what(parts: Parts) -> Intent | None:
    reference = read_reference(parts["ref"])
    return Intent("update_task", reference=reference) if reference.explicit else None


def _describe(parts: Parts) -> Intent:
    return Intent(
        "update_task",
        reference=read_reference(parts["ref"]),
        description=_verbatim(parts["note"]),
    )


def _bare_verb(parts: Parts) -> Intent:
    if "add" in parts:
        return Intent("add_task")
    tool: ToolName = "update_task"
    if "change" not in parts:
        tool = "delete_task" if "delete" in parts else "complete_task"
    return Intent(tool, reference=Reference(explicit=True))


def _make_it(parts: Parts) -> Intent | None:
    """ "Make task 1 buy oat milk" is likely a new title, and asked about."""
    if _is_property(parts["title"]):
        return Intent(None, talk="unsupported")
    title = title_of(parts["title"])
    reference = read_reference(parts["ref"])
    return Intent("update_task", reference=reference, titles=(title,), ask=True) if title else None


def _chosen_unsupported(parts: Parts) -> Intent | None:
    """Refuse "delete all overdue tasks": it must not become all tasks, or one of such a title."""
    chosen = (
        "kind" in parts
        or _CHOSEN_BY.search(parts["all"].mask)
        or _CHOSEN_BEHIND.match(parts["rest"].mask)
    )
    return Intent(None, talk="filter") if chosen else None


def _unsupported(parts: Parts) -> Intent | None:
    reference = read_reference(parts["ref"])
    return Intent(None, talk="unsupported") if reference.explicit else None


def _add(parts: Parts) -> Intent | None:
    """Add group ``title``, ``tail`` and ``lead`` kept behind it; a vague title is asked for."""
    title = parts.get("title")
    if title is None:
        return Intent("add_task")
    if inner := _ADD_TO_LIST.fullmatch(title.mask):
        title = title.part(*inner.span("title"))
    made = {**parts, "title": title}
    if (match := _WHEN_TO.match(title.mask)) and _is_date(match["when"]):
        # "For tomorrow to buy stamps": the date goes behind the words it belongs to.
        made |= {
            "title": title.part(match.end(), len(title.mask)),
            "tail": title.part(*match.span("when")),
        }
    text = title_of(made["title"])
    if not text:
        return Intent("add_task")
    parts = made
    for name in ("tail", "lead"):
        extra = parts.get(name)
        if extra is None or title.quotation is not None or _REMARK.match(extra.mask):
            continue
        if words := _tidy(extra):
            text = f"{text} {words}"
    note = parts.get("note")
    return Intent("add_task", titles=(text,), description=_verbatim(note) if note else None)


def _add_several(parts: Parts) -> Intent | None:
    whole = parts.get("items") or parts["title"]
    cuts = [0]
    for match in (_NEXT_LINE if "items" in parts else _NEXT).finditer(whole.mask):
        cuts.extend(match.span())
    cuts.append(len(whole.mask))
    titles = tuple(
        title
        for start, end in zip(cuts[::2], cuts[1::2], strict=True)
        if (title := title_of(whole.part(start, end)))
    )
    return Intent("add_task", titles=titles) if titles else None


# Behind "add milk to my list".
_REMARK = re.compile(
    r"(?:because|since|so that|i|i'm|i've|we|we're|it|it's|that's)\b", re.IGNORECASE
)
_NEXT = re.compile(r"(?:, ?(?:and )?|; ?| and )", re.IGNORECASE)
_NEXT_LINE = re.compile(r"; ")


def _add_reminder(parts: Parts) -> Intent | None:
    """Add what "remind me" is followed by; the words before it when nothing follows."""
    rest = parts.get("rest")
    if rest is None or not rest.text or _VAGUE.fullmatch(rest.mask):
        lead = parts.get("lead")
        if lead is None or not lead.text or find_date(lead.mask) is not None:
            return Intent("add_task")
        if match := _NOT_FORGET.match(lead.mask):
            lead = lead.part(match.end(), len(lead.mask))
        lead = peel_want(peel(lead)) or lead
        return _add({"title": lead})
    if _NOT_A_TASK.match(rest.mask) or (
        _THE_FACT.match(rest.mask) and find_date(rest.mask) is None
    ):
        return None
    if (match := _WHEN_TO.match(rest.mask)) and _is_date(match["when"]):
        # "remind me on friday to call": the date goes behind the words it belongs to.
        title = rest.part(match.end(), len(rest.mask))
        when = rest.part(*match.span("when"))
    elif match := _TO.match(rest.mask):
        title = rest.part(match.end(), len(rest.mask))
        when = None
    else:
        title, when = rest, None
    lead = parts.get("lead")
    if lead is not None and not _CONDITION.match(lead.mask):
        lead = None
    made: Parts = {"title": title}
    if when is not None:
        made["tail"] = when
    if lead is not None:
        made["lead"] = lead
    return _add(made)


def _is_date(words: str) -> bool:
    return find_date(words) is not None or _EVERY.fullmatch(words) is not None


def _add_plain(parts: Parts) -> Intent | None:
    title = parts["title"]
    if _ELSEWHERE.search(title.mask) or _ARITHMETIC.fullmatch(title.mask):
        return None
    if _TO_NUMBERED.search(title.mask):
        return Intent(None, talk="by_number")
    return _add(parts)


def _add_somehow(parts: Parts) -> Intent | None:
    about_list = _NO_ADDITION.search(parts["all"].mask) or _NO_TITLE.fullmatch(parts["title"].mask)
    return None if about_list else _add(parts)


def _add_errand(parts: Parts) -> Intent | None:
    return None if _ELSEWHERE.search(parts["title"].mask) else _add(parts)


def _offer(parts: Parts) -> Intent | None:
    """ "I need to ..." may be a wish of any kind: offered as a task, not added."""
    if "lacking" in parts:
        return Intent("add_task", titles=(f"Buy {parts['lacking'].text}",), sure=False, ask=True)
    title = title_of(parts["title"])
    if title and "lead" in parts:
        title = f"{title} {parts['lead'].text}"
    return Intent("add_task", titles=(title,), sure=False, ask=True) if title else None


# Titles. ------------------------------------------------------------------------------------------


def _verbatim(part: Sentence) -> str:
    quotation = part.quotation
    return part.text if quotation is None else quotation


def _tidy(part: Sentence) -> str:
    """Return the words without what only courtesy or grammar put around them."""
    mask = part.mask
    start = match.end() if (match := _BEFORE_TAIL.match(mask)) else 0
    end = match.start() if (match := _COURTESY.search(mask, start)) else len(mask)
    return _verbatim(part.part(start, end))


def title_of(part: Sentence) -> str:
    """Return the part as a task's title: quoted text verbatim, else with a capital first letter.

    Empty when the words name no task ("something", "a task").
    """
    if part.quotation is not None:
        return part.quotation
    while match := _BEFORE_TITLE.match(part.mask):
        part = part.part(match.end(), len(part.mask))
    if part.quotation is not None:
        return part.quotation
    if (match := _AFTER_TITLE.search(part.mask)) and match.start() > 0:
        part = part.part(0, match.start())
    if _VAGUE.fullmatch(part.mask) or not re.search(r"\w|[^\x00-\x7f]|\x00", part.mask):
        return ""
    return capitalized(part.text.rstrip(" ,.;:!"))


def _is_property(title: Sentence) -> bool:
    """Return whether the words say when, how often or how urgent, which no title does alone."""
    due = parse_due(title.mask, _ANY_DAY)
    return (due is not None and not due.rest) or _PROPERTY.fullmatch(title.mask) is not None


_ANY_DAY = datetime(2026, 1, 1)

_PROPERTY = re.compile(
    r"(?:be )?(?:(?:high(?:est)?|top|medium|normal|low(?:est)?|no)(?: priority)?|urgent|important"
    r"|recurring|repeat(?:ing|ed)?|daily|weekly|monthly|yearly)|every (?:other )?\w+",
    re.IGNORECASE,
)
_OF_TITLES = re.compile(
    r"^(?:rename|retitle|reword)\b|\b(?:title|name|text|wording)\b", re.IGNORECASE
)
# "Set" and "make" mean a task only together with its number.
_LOOSE_VERB = re.compile(r"(?:set|make)\b", re.IGNORECASE)
_MOST_DIVISIONS = 5
_ON_LIST = compile_pattern(r" (?:on|in|from) <LIST>$")
_OPEN = compile_pattern(
    r"\b(?:<OPEN>|left|have to do|need to do|to be done|still (?:have|need)|yet to|haven't|got to"
    r" do|should do)\b"
)
_DONE = compile_pattern(r"\b(?:<DONE>|accomplish|did i (?:do|finish|complete))\b")
_CHOSEN_BY = compile_pattern(r"\b<CHOSENBY>\b")
_PRIORITIES = {
    **{"high": "high", "top": "high", "highest": "high", "urgent": "high", "important": "high"},
    **{"medium": "medium", "normal": "medium", "low": "low", "lowest": "low", "no": "none"},
}
_EXCEPT = compile_pattern(r"\b<EXCEPT>\b")
_NO_KIND = compile_pattern(r"\b(?:<CHOSENBY>|<NUMBER>|rest|others?|remaining|more|same|such)\b")
_CHOSEN_BEHIND = re.compile(
    r"(?:about|containing|mentioning|matching|with|from (?:last|this|yesterday|today)|before|after"
    r"|since|(?:that|which) (?:contain|mention|have|has|start|begin|end)s?)\b",
    re.IGNORECASE,
)
_THEM = re.compile(r"\b(?:it|them|those|these)\b", re.IGNORECASE)
_SOME_OF = compile_pattern(
    r"\b(?:<NUMBER>|few|some|several|couple|any|most) of (?:my|our|the|these|those)\b"
)
_HOW_MANY = compile_pattern(r"(?!\d)<NUMBER>")
_TO = compile_pattern(
    r"(?:^|\b)(?:(?:that )?(?:i|we) (?:need|have|want|should|must|ought|am supposed)(?: to)?|to"
    r"|about|that says|saying|called|named|titled|that|of|regarding|for)\b"
    r"(?: the (?:fact that|task of))?(?= )|^[:,-](?= )"
)
_WHEN_TO = re.compile(
    r"(?P<when>(?!to\b|that\b|about\b|of\b).{3,30}?),? (?:to|that|about) (?=\S)", re.IGNORECASE
)
_EVERY = re.compile(
    r"(?:every|each) (?:(?:other|second|single|week)[ -]?)?(?:day|week|month|year|morning|evening"
    r"|night|hour|weekend|\w+day)s?(?: at .+)?|later(?: on| today)?|soon"
    r"|(?:on |by )?\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?",
    re.IGNORECASE,
)
_NOT_A_TASK = re.compile(
    r"(?:(?:of|about) )?(?:what|which|who|whose|where|how|why|whether|when|if)\b", re.IGNORECASE
)
# "Remind me my account number" asks for something known.
_THE_FACT = re.compile(
    r"(?:the|my|your|our|his|her)\b|(?:of|about) (?:the|my|your|our) (?:name|date|day|time|number"
    r"|address|balance|amount|price|rate|limit|score|status|reason|last)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"(?:at|on|in|by|before|after|when|whenever|if|once|as soon as|next|the next|this|every|each"
    r"|today|tonight|tomorrow|tommorow|until|while|during)\b",
    re.IGNORECASE,
)
_VAGUE = compile_pattern(
    r"(?:(?:to|of|about|for|that) )?"
    r"(?:(?:me|us|a|an|the|my|some|another|new|one|more|do|doing|just) )*"
    r"(?:something|anything|some things?|stuff|it|this|that|that thing|this thing|things?|things?"
    r"|<TASK>|<TASKS>|item|to)?(?: (?:new|else))?,?"
    r"(?: ?(?:to do|to my list|for me|later|again|soon|in a (?:bit|while|little while)|in awhile"
    r"|of this|of that|about (?:it|this|that)|for later|please|on my list)){0,3}"
)
_NOT_FORGET = re.compile(
    r"(?:(?:i|we) )?(?:must not|mustn't|can't|cannot|should not|shouldn't|don't want to|not|never)"
    r" forget(?: to| about| that)? ",
    re.IGNORECASE,
)
# What a new task is besides its title; it is set in the task list.
_KIND = r"(?:very )?(?:quick|urgent|important|(?:high|top|medium|normal|low)(?:est)?[- ]priority)"
_BEFORE_TITLE = compile_pattern(
    r"(?:(?:also|please|to|(?:i'm|i am) supposed to|that (?:i|we) (?:have|need|want|should"
    r"|must)(?: to)?|(?:i|we) (?:have|need|must)(?: to)?"
    r"|remember to|the following|down|in)(?: |: ?)"
    r"|(?:(?:a|an|another|one|the|my|this|new|"
    + _KIND
    + r") )*(?:<TASK>|item|entry|job)(?: (?:to|of|for|about"
    r"|that says|called|named|titled|saying)|:|,)? (?=\S)|[:,-] ?)(?=\S)"
)
_AFTER_TITLE = compile_pattern(
    r"(?:,? (?:and|by|so|then|please))*,? (?:put|putting|add|adding)(?: (?:it|that|this))? (?:to"
    r"|on|onto|in) <LIST>.*$"
    r"| (?:to|on|onto|in) (?:my|the) (?:<LISTNOUN>|list)(?: (?:for me|please|today))?$"
    r"|,? as an? (?:new )?(?:<TASK>|item)$| (?:on|onto|in) there$|,? (?:too|as well)$"
    r"|,? (?:with|as|at) (?:an? )?(?:high|top|medium|normal|low) priority$"
)
_BEFORE_TAIL = re.compile(
    r"(?:[,:;.]|please|that|which|thanks|and(?= please)|\s)+(?=\s|$)", re.IGNORECASE
)
_COURTESY = re.compile(
    r"[\s,]*\b(?:for (?:me|us)|please|thanks|thank you|right now|now|as well|too|ok(?:ay)?|i have"
    r" to (?:do|complete)|to (?:do|complete|accomplish))\s*$",
    re.IGNORECASE,
)
_ELSEWHERE = compile_pattern(
    r"\b(?:to|on|onto|in|into|from|off|of|out of|for|with|using) (?:my|our|the|this|that|his|her"
    r"|your|a|an)?"
    r"(?: ?[\w'\x00-]+){0,4}? ?\b(?:<FOREIGN>)\b|^(?:the |my |our |this |an? )?(?:[\w'-]+"
    r" ){0,2}<FOREIGN>\b"
)
# In a sentence that names our list in no known way: not wanted there, or all of it meant.
_NO_ADDITION = compile_pattern(r"\b(?:no|not|never|nothing|<REMOVED>|<DONE>)\b|n't\b")
_NO_TITLE = re.compile(
    r"(?:(?:me|us|is|are|be|it|them|this|that|all|of|the|my|in|up|everything|items|things|back|over"
    r"|welcome)\b ?)+",
    re.IGNORECASE,
)
_NUMBERED = r"(?:(?:the |my )?(?:<TASK>|item) (?:number |no\.? )?#?\d{1,9}|#\d{1,9})"
_TO_NUMBERED = compile_pattern(r" (?:to|onto|on|into|in|for|under) " + _NUMBERED + "$")
_ARITHMETIC = re.compile(
    r"[$€£]?\d[\d.,%]*(?: ?[+*/-]| \w+)?(?: (?:and|plus|to|with|on))? [$€£]?\d.*", re.IGNORECASE
)
_BECOMES = re.compile(
    r"(?:,? ?(?:=>|->|→)|:)? ?\b(?<!\bdue )(?:to say|to read|to be|so (?:that )?it (?:says|reads)"
    r"|to(?! do (?:list|item)s?\b)|into|with|as)\b:? ?|: |(?:=>|->|→) ?",
    re.IGNORECASE,
)
_ADD_TO_LIST = compile_pattern(r"(?:<ADD>) (?P<title>.+?) (?:to|on|onto|in|into) <LIST>")

# The grammar. -------------------------------------------------------------------------------------

_INTO = (
    r"(?:down |up |back )?(?:(?:to|on|onto|on to|in|into|for|(?:as )?part of|under|among)"
    r"(?: the (?:top|bottom|start|end) of)?)"
)
_WHEN = (
    r"(?: (?:today|tonight|tomorrow|now|next|later|this \w+|for (?:today|tomorrow|the day|the"
    r" week)|(?:on|by|before|until) (?:\w+day|tomorrow|tonight)))*"
)
_DESCRIPTION = (
    r"(?:,? with (?:the |a )?(?:description|notes?|details?)(?: of)?|[,;]? description"
    r"|[,;] notes?):? (?P<note>.+)"
)

_SHOW = (
    r"(?:(?:(?:show|list|see|display|give|read|view|find|get|tell|search(?: for)?)(?: me| us)?"
    r"(?: about)?|(?:what|which)(?:'s| is| are)?|how many|is|are(?: there)?|do i have|have i got)"
    r" )?(?:(?:all|any|only|just|of|the|my|our|me) )*"
)
_TASKS = (
    r"(?:(?:open|pending|completed|done|finished) )?(?:<TASKS>|<TASK>|items|things|ones|anything)"
)
_THAT_ARE = r"(?: do i have)?(?: (?:that|which))?(?:'s| is| are| have| has)?(?: set)?"
_MONTHS = r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_PRIORITY = (
    r"(?:(?P<priority>(?:high(?:est)?|top|medium|normal|low(?:est)?|no)(?=[ -]priority)|urgent"
    r"|important)(?:[ -]priority)?)"
)

_ON_SEVERAL = r"(?:(?P<remove><REMOVE>)|complete|finish|close|mark|(?:check|tick|cross)(?: off)?)"


def _chosen_by(start: str, tasks: str, end: str) -> tuple[str, ...]:
    """The patterns of tasks that are chosen by something: groups due, priority, tag and words."""
    that_are = tasks + r"(?: (?:on|in|from) <LIST>)?" + _THAT_ARE
    return (
        start + rf"(?:{that_are} )?(?:overdue|past due|late)(?: {tasks})?" + end,
        start + rf"(?:{that_are} )?due (?P<due>(?:(?:on|by|before|until|for|in) )?(?:today|tonight"
        rf"|tomorrow|this|next|the|soon|\w+day|\d+|{_MONTHS})\b.{{0,25}}?)" + end,
        start + rf"{_PRIORITY} {tasks}" + end,
        start + rf"{that_are}(?: with| of)?(?: an?| the)? {_PRIORITY}" + end,
        start + that_are + r" (?:tagged|labell?ed)(?: with| as)? (?P<tag>.{1,30}?)" + end,
        start + that_are + r" (?:with )?(?:the )?(?:tag|label) (?P<tag>.{1,30}?)" + end,
        start + that_are + r" (?:about|containing|contain|mentioning|mention|matching"
        r"|with(?= the words?\b))(?: the words?)? (?P<words>.+?)" + end,
    )


_SEVERAL = _ON_SEVERAL + r" (?:(?:off|out) )?(?:(?:all|any|every|only|just|of|the|my|our|those) )*"
_PLURAL = (
    r"(?:(?:open|pending|completed|done|finished) )?"
    r"(?:<TASKS>|items|things|ones|everything|anything|all)"
)
_DONE_AT_END = r"(?: (?:off|on|in|from) <LIST>)?(?: (?:as )?<DONE>)?"
_ALL_OF_A_KIND = (
    _ON_SEVERAL + r" (?:everything|all)(?: (?:off|out|from|of|on|in|about))*+ (?!<ALLTASKS>)"
    r"(?:(?:my|our|the|these|those) )?+(?!(?:<OPEN>|<DONE>)\b)(?P<kind>[\w'-]+(?: [\w'-]+)?)"
    r" (?:<TASKS>|ones)(?: (?:from|on|in) <LIST>)?(?: as)?(?: <DONE>)?"
)

# "Thanks, delete task 3" is not only thanks.
_NO_ORDER = (
    r"(?![^,;.!?]{0,20}[,;.!?] ?(?:(?:now|please|and|then|also|can you|could you) )*"
    r"(?:<DELETE>|<CHECKOFF>|complete|add|create|show|list|remind|rename|change)\b)"
)

_ALL_LISTED = r"(?P<what><EVERYTHING>|<WHOLELIST>)(?: (?:on|in|from) <ALLTASKS>)?"
_TAKE_IT_OFF = (
    r",? (?:so |and |now |then )*(?:please |you can )?"
    r"(?:(?:<CHECKOFF>|take|remove|scratch|delete|get) (?:that|it|this)(?: one)?(?: <TASK>)?"
    r" (?:off|from|out|as)\b.*|(?:remove|delete) (?:that|it|this))"
)
_I_HAVE = r"(?:(?:i|we)(?:'ve| have)? )?(?:(?:just|already|finally|also|now) )*"
_UNNEEDED = (
    r"(?:(?:does not|doesn't|do not|don't) (?:need(?: to)?|have to)"
    r"|(?:should|must|need)(?: not|n't))"
)

# Ahead of a list of items: "add", "add to my list", "new tasks", "todo".
_LISTING = (
    r"(?:(?:(?:<ADD>)|new)(?: (?:all|of|the|these|those|this|some|following|new|my|more|<NUMBER>))*"
    r"(?: (?:<TASKS>|<TASK>|items|things))?(?: (?:to|on|in|into|onto) (?:<LIST>|list))?"
    r"|(?:my |new )?(?:<TASKS>|<TODO>|<LISTNOUN>))"
)

RULES: tuple[Rule, ...] = (
    Rule(
        "add_items",
        (
            # One a line, or each in quotes.
            _LISTING + r"(?: ?[:,-])?; (?P<items>.+)",
            _LISTING + r":? (?P<title>\x00+(?:(?:,? and |, ?|; ?)\x00+)+)"
            r"(?: (?:to|on|in|into|onto) (?:<LIST>|list))?",
        ),
        _add_several,
        ("add to my list:; milk; bread", "add 'milk' and 'bread'"),
    ),
    Rule(
        "greeting",
        (
            r"(?:hi|hello|hey|hiya|howdy|yo|greetings)(?: (?:there|again|all|you|assistant|bot"
            r"|friend))*[,!. ]*",
            r"good (?:morning|afternoon|evening|day)\b" + _NO_ORDER + r".{0,20}",
            r"(?:hi|hello|hey)?[, ]*(?:how are you|what's up|how's it going|what's"
            r" happening)\b" + _NO_ORDER + r".{0,20}",
        ),
        _talk("greeting"),
        ("hello", "Good morning!", "hi there", "hey, how are you?"),
    ),
    Rule(
        "thanks",
        (
            r"(?:ok(?:ay)?|great|perfect|cool|nice|many)?[,! ]*(?:thanks?|thank you|thx|cheers"
            r"|ty)\b(?! to)" + _NO_ORDER + r".{0,40}",
            r"(?:great|perfect|awesome|excellent|cool|nice|good job|well done)[!.]*",
        ),
        _talk("thanks"),
        ("thanks", "thank you so much", "Great, thanks!"),
    ),
    Rule(
        "goodbye",
        (
            r"(?:good ?bye|bye(?: bye)?|see (?:you|ya)|later|good night|farewell)\b"
            + _NO_ORDER
            + r".{0,20}",
        ),
        _talk("goodbye"),
        ("bye", "see you later"),
    ),
    Rule(
        "yes",
        (
            r"(?:yes+|yep|yea|yeah|yup|ya|sure(?: thing)?|ok(?:ay)?|go for it|why not|you bet"
            r"|by all means|confirm(?:ed)?|do it|go ahead|correct"
            r"|affirmative|absolutely|exactly|precisely|indeed|right|that's (?:right|it|the one)"
            r"|(?:that|this) one"
            r"|of course|definitely|please do|y)(?:[,!. ]+(?:please|do it|do that|go ahead"
            r"|go for it|why not|it is|that's"
            r" (?:right|it|the one)|(?:that|this) one|exactly|right"
            r"|all of them|i'm sure|i am sure|sure|now"
            r"|(?:delete|remove|complete|finish|mark|add|change|rename)"
            r" (?:it|that|them|those|these|everything|all)(?: all| of (?:it|them|those|these)"
            r"| as done)*))*[!. ]*",
        ),
        _talk("yes"),
        ("yes", "Yes, please", "go ahead", "ok", "exactly", "that one", "yes, delete all of them"),
    ),
    Rule(
        "no",
        (
            r"(?:(?:yeah|ok(?:ay)?|yes|oh|hm+),? (?:but )?(?=no))?(?:no|nope|nah|n|stop|cancel"
            r"|abort"
            r"|never ?mind|forget it|leave it|not (?:now|yet|really|at all|today)|no way|wait|don't"
            r"|(?:of course|definitely|absolutely|certainly|better|please|rather) not)"
            r"(?:[,!. ]+(?:no|thanks|thank you|cancel|that|it|don't(?: do (?:it|that))?|please"
            r"|stop|never ?mind|leave (?:it|them)|keep (?:it|them)))*[!. ]*",
            r"(?:please )?(?:don't|do not|dont|never(?! mind))\b(?! (?:let me |you )?forget).*",
        ),
        _talk("no"),
        ("no", "cancel that", "never mind", "don't delete task 3", "no, thanks"),
    ),
    Rule(
        "undo",
        (
            r"(?:undo|revert|roll back|take back)(?: (?:that|it|this|the last (?:one|change"
            r"|action)|my last (?:change|action)|last))?",
            r"(?:restore|bring back|recover|undelete|get back) .+",
            r"(?:add|put) (?:it|that|them|this|those)(?: one| task)? back(?: again)?",
        ),
        _talk("undo"),
        ("undo", "undo that", "bring back the meeting task"),
    ),
    Rule(
        "help",
        (
            r"(?:is there (?:a|any) way|am i able) to (?:add|create|delete|remove|complete|change"
            r"|update|rename)\b.*|what(?:'s| is) an? (?:<LISTNOUN>|<TASK>)",
            r"help|help me|\?+|what (?:can|could|do) (?:you|i|we) (?:do|say|ask|type)\b(?!"
            r" (?:today|tomorrow|now)).*"
            r"|what are you|who are you|commands",
            r"how (?:do|does|can|could|would|should|to|did)\b(?! (?:my|the)"
            r" (?:\w+ ){0,3}?(?:list|day)\b).*(?:work|add|create|delete|remove|complete|finish"
            r"|change|update|rename|use|list|see|show)\b.*",
        ),
        _talk("help"),
        ("help", "what can you do?", "How do I delete a task?"),
    ),
    Rule(
        "reopen",
        (
            r"(?:mark|set|flag|change|make) .+? (?:as |to |is |to be )*(?:<OPEN>|not complete|in"
            r" progress|unchecked)",
            r"(?:mark|set|flag|change|make) .+? (?:as|back to) to[- ]?do",
            r"(?:reopen|re-open|uncomplete|un-complete|uncheck|untick|unmark|unfinish) .+",
            r"(?!(?:<REMOVE>|show|list|see|give|tell|display|read|only|just|what|which)\b).+"
            r" (?:is not|isn't|are not|aren't)(?: yet)? <DONE>(?: yet)?",
            r"i (?:haven't|have not|didn't) (?:<DID>|finish|do|complete) .+",
        ),
        _talk("reopen"),
        (
            "mark task 3 as not done",
            "reopen task 2",
            "mark task 1 as pending",
            "I haven't done the dishes",
        ),
    ),
    # Reading the list.
    Rule(
        "list_chosen",
        _chosen_by(_SHOW, _TASKS, r"(?: now| today| right now)?"),
        _list_chosen,
        (
            "what is overdue?",
            "show my overdue tasks",
            "which tasks are due this week",
            "what's due today",
            "list high priority tasks",
            "show tasks tagged home",
            "show tasks about milk",
        ),
    ),
    Rule(
        "list_one",
        (
            r"(?:show(?: me)?|give me|see|view|display|read(?: me)?|find|get|describe|list|open"
            r"|what(?:'s| is)|tell me about|look at) (?P<ref>(?:(?:the |my )?(?:<TASK>|item)"
            r" (?:number |no\.? )?|#)#?\d{1,9})",
            r"(?:is|was) (?P<ref>(?:<TASK>|item) #?\d{1,9})(?: already)? <DONE>(?: yet)?",
            r"(?:did|have) i (?:already )?(?:finish|do|<DONE>) (?P<ref>(?:<TASK>|item) #?\d{1,9})"
            r"(?: yet| already)?",
        ),
        _show_one,
        ("show task 3", "give me task 2", "is task 3 done?"),
    ),
    Rule(
        "list_completed",
        (
            r"(?:(?:show|tell)(?: me)? )?what(?: tasks| things| all| items| chores| else)?"
            r"(?: have i|'ve i| did i| i have| i've)(?: (?:already|just|so far|gotten|got))*"
            r" (?:<DONE>|finish|do|complete|get done|accomplish|crossed off|checked off)\b.*",
            r"what(?: tasks| things| items)?(?:'s| is| are|s) (?:already |been )?<DONE>.*",
            r"(?!complete$)(?:(?:show|list|see|display|give|tell)(?: me| us)?(?: all| only| just)*"
            r"(?: of)?(?: my| the)?)? ?(?:<DONE>)(?: <TASKS>| ones| items| things)?",
            r"(?:which(?: ones| of (?:them|these|those|my <TASKS>))?|how many(?: <TASKS>| things)?)"
            r"(?: are| is| have i| did i)(?: already)? (?:<DONE>|finish|do)",
            r"(?:(?:show|list|see|display|give|tell)(?: me| us)? )?(?:everything|all|(?:the"
            r" )?(?:things|stuff))(?: that| which)? (?:i|we)(?:'ve| have)?(?: already)? <DONE>",
            r"(?:(?:all|only|just|my|the) )*<TASKS>(?: (?:that|which)(?: are| have been)?| i)?"
            r"(?: already)? <DONE>",
        ),
        _list("completed"),
        (
            "What have I completed?",
            "what have i gotten done so far",
            "what did i finish",
            "what's done",
            "completed tasks",
            "show completed",
        ),
    ),
    Rule(
        "list_pending",
        (
            r"(?:(?:tell|show|give) me (?:a list of )?)?(?:what|which)(?: tasks| things| all| items"
            r"| chores| else)?(?:'s| is| are|s| i| we)?(?: still)? <OPEN>\b(?! (?:in|on|of)"
            r" (?!<LIST>)).{0,30}",
            r"(?:(?:show|list|see|display|give|tell|read)(?: me| us)? )?(?:(?:all|only|just|my"
            r"|the) )*(?:<TASKS>|everything|anything|items|things|stuff|ones)(?: (?:that|which))?"
            r"(?: are| have| is| i| we)*(?: still)? <OPEN>(?: yet)?",
            r"(?:tell me |show me |let me know |let me see |know |see |hear |i forgot |i forget "
            r"|i (?:don't|can't|cannot) (?:know|remember|recall) )?what(?:ever)?(?:'s| is| all|"
            r" else| tasks| things| items| chores| stuff| jobs| errands)*"
            r"(?: do i| did i| i| should i| must i| have i| am i| we| do we| can i| is there|"
            r" there is| there's)*(?: still)?"
            r"(?: have| had| need| got| left| supposed| ought| yet| gotta| remains| should| must|"
            r" needs| is| next)*(?: to)? (?:<DOING>|work on|be (?:done|doing|working on"
            r"|remembering))" + _WHEN + r"(?:,? (?:according to|on|per|from|off) <LIST>)?" + _WHEN,
            r"(?:tell me |show me |see |know |hear )?what(?:'s| is| are| do i have| have i"
            r" got)?(?: left| planned| on my plate| on deck| on (?:the|my) agenda| on (?:for"
            r"|the) (?:today|tomorrow))" + _WHEN,
            r"what(?:'s| is| are)(?: the| my)? (?:plans?|agenda|workload)(?: for)?(?: the day"
            r"| today| tomorrow)?",
            r"what (?:are )?(?:the )?things (?:that )?i have" + _WHEN,
            r"(?:instruct|tell|remind) me (?:on |of |about )?what(?: all| else)? (?:to do|i"
            r" (?:have|had|need|needed|was (?:going|supposed|meaning)) to do)" + _WHEN,
            r"what(?:'ve i got| have i got| do i have)(?: left)?" + _WHEN,
            r"(?:what am i|am i) (?:forgetting|missing|behind(?: on)?)(?: anything| something)?",
            r"how many(?: <TASKS>| things| items)?(?: are| do i have)?(?: still)? <OPEN>" + _WHEN,
            r"how (?:many|much)(?: things| tasks| chores| stuff| more)? (?:do|have) i (?:still"
            r" )?(?:have|got)(?: left)? to <DOING>" + _WHEN,
            r"(?:is there|was there|do i have|have i got)(?: still)? (?:anything|something|any"
            r" <TASKS>|much|more|a lot)(?: else| left| more)*(?: that| which)?(?: i)?(?: still)?"
            r"(?: need| have| got| left| supposed| should| must)*(?: to)? (?:do|be done|finish"
            r"|complete)" + _WHEN,
            r"do i (?:still )?(?:need|have) to do (?:anything|something)(?: else| more)?" + _WHEN,
            r"(?:(?:tell|show|give) me |what(?:'s| is| will be) |which is )(?:my |the |our )?next"
            r" (?:<TASK>|thing|item)(?: (?:to do|on <LIST>|i (?:have|need) to do))?" + _WHEN,
            r"(?:(?:show|list|see|display|give|tell)(?: me| us)?(?: all| only| just)*(?: of)?(?:"
            r" my| the)?)? ?(?:<OPEN>)(?: <TASKS>| ones| items| things| stuff)?",
            r"which(?: ones| of (?:them|these|those|my <TASKS>))?(?: are| is)?(?: still)? <OPEN>"
            r"(?: yet)?",
            r"what(?:'s| is| comes) next(?: on <LIST>| for me| to do)?",
            r"am i (?:all )?(?:done|finished)(?: (?:for|with) .*)?|anything (?:left|else)"
            r"(?: for me| to do| today)*",
        ),
        _list("pending"),
        (
            "What's pending?",
            "what do i have to do today",
            "what's left to do",
            "pending tasks",
            "show pending",
        ),
    ),
    Rule(
        "list_remembered",
        (
            r"(?!remind me to\b|add\b|put\b|set\b|make\b|(?:i )?(?:need|have|want) to remember\b)"
            r"(?=.*\b(?:did|want(?:ed)?|trying|tried|told|asked|supposed|meant|have|need(?:ed)?"
            r"|going|on my list|list)\b)"
            r"(?:.*\b(?:what|things?|somethings?|which|everything|stuff)\b.*\b(?:remember|recall"
            r"|forget|bear in mind|keep in mind|be reminded)\b.*"
            r"|.*\bremember what\b.*"
            r"|(?:.*\b)?(?:what|which|anything|something)\b.*\bremind (?:me|us)\b(?: (?:of|about"
            r"|to do|to))?"
            + _WHEN
            + r"|did (?:i|we) (?:ask|tell|want|get) you to remind (?:me|us)\b.*|(?:i know )?(?:i"
            r"|we) (?:had )?wanted to remember\b.*\b(?:what|something)\b.*"
            r"|did (?:i|we) (?:want|need|ask) to be reminded\b.*)",
            r"(?:was|were|am|are) (?:i|we) supposed to remember (?:something|anything)" + _WHEN,
            r"what (?:are|were|will) you (?:be )?(?:(?:going|supposed) to )?remind(?:ing)?"
            r" (?:me|us)(?: of| about| to do)?" + _WHEN,
        ),
        _list("all"),
        (
            "what did i want to remember",
            "what are you reminding me of tomorrow",
            "list the things i wanted to remember",
            "i wanted to remember what again",
        ),
    ),
    Rule(
        "check_off_on_list",
        (
            r"i(?:'ve| have)?(?: just| already| finally)* (?:<DID>) (?P<ref>.+?)" + _TAKE_IT_OFF,
            _I_HAVE + r"(?P<ref>(?!changed my mind)(?:<PAST>) .+?)" + _TAKE_IT_OFF,
            r"(?P<ref>.+?)(?: is| are| has been|'s)(?: now| already| all)* (?:<DONE>)"
            + _TAKE_IT_OFF,
            r"(?:<CHECKOFF>) (?P<ref>.+?) (?:off|out)(?: of| from| on| in)* <LIST>.*",
            r"(?:<CHECKOFF>) (?:off|out) (?P<ref>.+?) (?:<OFF>|on|in) <LIST>.*",
            r"(?:i|we)(?:'ve| have)?(?: just| already| finally)* (?:<DID>) (?P<ref>.+?)"
            r" (?:(?:that|which) (?:was|is) )?(?:on|from|in|off) <LIST>.*",
            r"(?P<ref>.+?) (?:on|in|from|off) <LIST>(?: is| are| has been| have been| was|"
            r" were)(?: now| already| all)* <DONE>.*",
        ),
        _on("complete_task", sure=True),
        (
            "can you check washing the dishes off on my to do list",
            "cross off volunteering from my todo list",
            "i already did the laundry, remove it",
        ),
    ),
    Rule(
        "list_is_on_it",
        (
            r"(?:(?:check|see|know|look|tell me|let me know|confirm|verify|find out|make sure"
            r"|remind me)(?: to see| and see)? (?:if|whether|that) )?"
            r"(?:is|are|was|were|will|does|do i have|did i(?: already| ever)? (?:put|add|include"
            r"|remember to (?:add|put))|have i(?: already| ever)? (?:put|added)|i have|i put"
            r"|i added)"
            r"(?: the| an?)?(?: <TASK>| item)? (?P<about>.+?)(?: already| currently| be| is|"
            r" listed| still| now| are){0,4} (?:on|in|to|from|part of) <LIST>.*",
            r"(?!see that\b)(?:check|see|look|tell me|let me know|confirm|verify|find out|remind me"
            r"|know)(?: to see| and see)?(?: if| whether| that)*(?: or not)?"
            r" (?P<about>(?!(?:what|which|anything|everything)\b).+?)(?: is| are|"
            r" was)(?: already| still| currently)? (?:on|in|part of) <LIST>.*",
            r"(?:did i(?: already| ever)? add|have i(?: already| ever)? added)"
            r" (?P<about>(?!(?:\d+|it|this|that|all|any|some|everything|anything)\b)[^,;.]{2,60}?)"
            r"(?: yet| already)*",
            r"(?:check|search|look (?:at|in|through)) <LIST> (?:for|to see if) (?P<about>.+?)(?:"
            r" is (?:on it|listed|there))?",
            r"(?:do|does) <LIST> (?:have|include|contain|mention|list|say) (?P<about>.+?)(?:"
            r" (?:on|in) it)?",
            r"(?:find|search(?: for)?|look (?:for|up)) (?:(?:my|the|all|any) )*<TASKS> (?:about"
            r"|for|with|containing|named|called|matching) (?P<about>.+)",
            r"(?:is|are) (?P<about>(?!(?:it|this|that|everything|they|there|you|these|those)\b)"
            r"[^,;.]{2,60}?)(?: already| all)* <DONE>(?: yet| already)*",
            r"(?:(?:check|see|know|look|tell me|let me know)(?: to see| and see)? (?:if|whether)"
            r" )?(?:is there|there is|there's|i have|do i have|did i (?:set|make|create|add"
            r"|request|put|ask for)(?: up)?|have i (?:set|made|created)(?: up)?) (?:a|an|any|the)"
            r" (?:<TASK>|item)s?(?: set(?: up)?)?(?: (?:to|for|about|that says))? (?P<about>.+)",
        ),
        _list("all"),
        (
            "is vacuuming on my list of things to do",
            "did i already put mopping on my list",
            "have i added the oil change yet",
            "check my reminders for mop the floor",
            "does my errand list have goodwill on it",
            "is the laundry done?",
            "is there a reminder set to clean the gutters",
        ),
    ),
    Rule(
        "list_asked",
        (
            r"(?:also )?list (?:out |off |for me |me )?(?:each|every|all|the|my|our|everything"
            r"|any|what)\b.*(?:<LIST>|<TASKS>)\b.*",
            r"(?!(?:when|if) (?:i|we|it|the|my)\b)(?:<ASK>)\b.*\b(?:<LIST>|<TASKS>"
            r"|<TODOTHINGS>)\b.*",
            r"(?:what|which|when(?:'s| is| are| was| did| do)|show|read|tell me (?!to\b)|list|is"
            r"|does|do i|did i|have i|hear|see|check|repeat|review)\b.*\breminders?\b.*",
            r"(?:fill|catch|update|brief|take|bring|get) me(?: in| up)?(?: to speed)? (?:on|to|with"
            r"|about) <LIST>.*",
            r"what (?:needs?|has|remains)(?: still)?(?: to)?(?: be| get)?(?: done| doing|"
            r" finishing| attention)?" + _WHEN,
            r"remind (?:me|us) (?:of|about) (?:what|everything|all|each|the|my)\b.*\b(?:<LIST>"
            r"|<TASKS>)\b.*",
            r"(?:i|we)(?:'d| would)? (?:need|want|like) (?:to have )?<LIST>(?: (?:read|shown"
            r"|displayed|repeated|told|listed)\b.*)?",
        ),
        _list_by_words,
        (
            "can you list each item on my reminder list",
            "what's on my list",
            "how many chores are on my todo list",
            "remind me of the tasks on my to do list",
            "I need my todo list read",
            "catch me up on my to do list",
        ),
    ),
    # Removing. A delete of everything only ever asks.
    Rule(
        "all_but",
        (
            r"(?P<command>"
            + _ON_SEVERAL
            + r" .+?),? <EXCEPT>(?: for| not)? (?P<ref>.+?)"
            + _DONE_AT_END,
        ),
        _all_but,
        (
            "delete everything except task 3",
            "clear my list except for milk",
            "mark all but the dentist task as done",
            "complete everything due today apart from milk and rent",
        ),
    ),
    Rule(
        "act_on_chosen",
        (*_chosen_by(_SEVERAL, _PLURAL, _DONE_AT_END), _ALL_OF_A_KIND),
        _act_on_chosen,
        (
            "delete overdue tasks",
            "complete everything due today",
            "mark all high priority tasks as done",
            "delete my tasks tagged home",
            "delete all tasks about milk",
            "remove all shopping tasks",
        ),
    ),
    Rule(
        "chosen_unsupported",
        (
            _ON_SEVERAL
            + r" (?:(?:off|out|all|every(?: single)?|each|any|only|just|the|my|of|those|<OPEN>"
            r"|<DONE>|high|medium|low|<CHOSENBY>)[ -])*(?:everything|anything|all|<TASKS>|items"
            r"|things|ones|<LISTNOUN>|list)\b(?! (?:<TASK>|item)\b)(?P<rest>.*)",
            _ALL_OF_A_KIND,
            _ON_SEVERAL + r" (?:all )?(?:of )?(?:the |my |our )?(?P<kind>rest|others|other (?:ones"
            r"|<TASKS>)|remaining ones)(?: (?:of|on|from|in) .+)?(?: as)?(?: <DONE>)?",
        ),
        _chosen_unsupported,
        (
            "delete all old tasks",
            "delete the rest",
        ),
    ),
    Rule(
        "delete_everything",
        (
            r"(?:<REMOVE>) (?:off |out )?(?P<what><EVERYTHING>)(?: that's| that is| i have)?(?:"
            r" (?:off|out|away))? (?:<OFF>|on|in) <ALLTASKS>.*",
            r"(?:<DELETE>|wipe(?: out)?|nuke|destroy|empty) (?P<what>(?!that )<EVERYTHING>|<DONE>)",
            r"(?:<REMOVE>|reset|scrub) (?P<what><WHOLELIST>)(?: (?:off|out|completely|entirely"
            r"|clean|away|for me|of (?:everything|all items|all tasks)))?",
            r"(?:make|leave|set) <LIST> (?:blank|empty|clear|clean)|start <LIST> (?:over|fresh"
            r"|from scratch)|start (?:over|fresh|from scratch) (?:with|on) <LIST>",
            r"(?:can|could|may|should|have) " + _ALL_LISTED + r" (?:(?:be|get) )?<REMOVED>",
            _ALL_LISTED + r" (?:(?:needs?|has|have|ought) to|should|must|can|could) (?:be|get)"
            r" <REMOVED>",
            r"(?:(?:i|we)(?:'d| would)? (?:need|want|like)|make) " + _ALL_LISTED + r" (?:to be )?"
            r"(?:<REMOVED>|empty|blank|clear|gone|go away|disappear|vanish)",
            r"(?:i|we) (?:don't|do not|no longer) (?:need|want) (?P<what><WHOLELIST>)(?: any ?more"
            r"| any longer)?,? (?:so |and |please |you can )*(?:<REMOVE>) it",
            r"(?:<TAKE>) (?P<what><EVERYTHING>) <OFF> <LIST>.*",
        ),
        _everything("delete_task"),
        (
            "Delete everything",
            "clear my list",
            "erase all items on my todo list",
            "delete all completed tasks",
            "wipe my todo list please",
        ),
    ),
    Rule(
        "delete_from_list",
        (
            r"(?:i(?: no longer| don't| do not| dont) (?:need|have|want|wish) to|(?:there(?:'s| is)"
            r" )?no need (?:to|for)|i changed my mind about) (?P<ref>.+?)(?: any ?more| any"
            r" longer)?[,;.]? (?:so |and |please |you can |can you )*(?:<TAKE>|<REMOVE>)"
            r" (?:it|that|this) (?:off|of|from|out)\b.*",
            r"(?:<REMOVE>)(?: off| out)? (?P<ref>.+?) <OFF> <LIST>.*",
            r"(?:delete|remove|erase|eliminate|cancel|scratch|get rid of|deleting|removing|erasing)"
            r"(?: off| out)? (?P<ref>.+?) (?:on|in) <LIST>.*",
            r"(?:<TAKE>) (?P<ref>.+?) <OFF> <LIST>.*",
            r"(?:on|from|off|in|off of|out of) <LIST>,? (?:please |can you |could you |i want to "
            r"|i need to )*(?:<REMOVE>|<TAKE>) (?P<ref>.+?)(?: off| out)?",
            r"(?:<RENAME>|fix) <LIST> (?:to|by|and|so) (?:<REMOVE>|removing|deleting|erasing"
            r"|taking off|not (?:have|include)) (?P<ref>.+)",
            r"(?P<ref>.+?) (?:is|are) (?:no longer|not) (?:needed|wanted|necessary) (?:on|in)"
            r" <LIST>.*",
            r"(?P<ref>.+?) " + _UNNEEDED + r" be (?:on|in) <LIST>.*",
            r"<LIST> " + _UNNEEDED + r" (?:have |include |contain )?(?P<ref>.+?)(?: (?:on|in) it)?",
            r"(?:there(?:'s| is)|(?:i|we)(?:'ve| have)(?: got)?) no (?:more )?(?:need|reason|use)"
            r" (?:for|to) (?P<ref>.+?) (?:on|in|to be on) <LIST>.*",
            r"make (?P<ref>.+?) (?:go away|disappear|vanish) from <LIST>.*",
            r"(?P<ref>.+?) (?:can|should|needs to|need to|has to|must|ought to) (?:come|go|be"
            r" (?:taken|removed|deleted|erased|scratched|cleared)) (?:off|from|out)(?: of)?"
            r" <LIST>.*",
            r"i (?:don't|do not|no longer|dont) (?:need|want)(?: to)? (?P<ref>.+?) (?:on|in|to be"
            r" on) <LIST>.*",
            r"(?:i(?: no longer| don't| do not| dont) (?:need|have|want)(?: to)?|i changed my mind"
            r" about|forget(?: about)?) (?P<ref>.+?)(?: any ?more| any longer)?[,;.]? (?:so |and "
            r"|please |you can |can you )*(?:<REMOVE>) (?:it|that|this)(?: please)?",
            r"(?:i(?: would|'d)? (?:need|want|like)|have|get) (?P<ref>.+?) (?:to be )?(?:<REMOVED>"
            r"|taken|off)(?: off)?(?: of| from)? <LIST>.*",
        ),
        _on("delete_task", sure=True),
        (
            "take doing the dishes off my todo list",
            "you can remove vacuuming off the todo list",
            "from my task list, delete mowing the lawn",
            "laundry can come off my to do list",
            "i changed my mind about the gym, remove it",
        ),
    ),
    Rule(
        "delete_task",
        (
            # "Drop it in my list" puts it there.
            r"(?:<DELETE>) (?!.+ (?:on|onto|in|into|to) (?:<LIST>|list$))(?P<ref>.+)",
            r"(?:i|we)(?:'d| would)? (?:need|want|like) (?P<ref>.+?) (?:to be )?(?:deleted|removed"
            r"|erased|gone)",
        ),
        _on("delete_task"),
        (
            "Delete the meeting task",
            "remove task 3",
            "delete #3",
            "cancel my reminder to call bob",
            "delete the third one",
            "delete dentist",
        ),
    ),
    # Completing.
    Rule(
        "complete_everything",
        (
            r"(?:mark|set|(?:check|tick|cross)(?: off)?|complete|finish) (?P<what><EVERYTHING>"
            r"|<WHOLELIST>)(?: (?:off|on <LIST>))?(?: (?:as |to )?(?:be )?<DONE>)?",
            r"(?P<what>everything|all(?: of)?(?: my| the)? <TASKS>|all)(?: is| are|'s)(?: now"
            r"| all)* <DONE>",
            r"(?:i|we)(?:'ve| have)?(?: just| already| finally)* (?:<DID>) (?P<what>everything"
            r"|all (?:of )?(?:it|them|my <TASKS>))",
            r"(?:i'm|i am|im|i've|i have)(?: all| now| just| already)* (?:done|finished|completed"
            r"|did|done)(?: with)? (?P<what>everything|(?:all )?<LIST>|all (?:of )?my <TASKS>).*",
        ),
        _everything("complete_task"),
        ("mark all tasks as done", "complete everything", "everything is done"),
    ),
    Rule(
        "complete_marked",
        (
            r"(?:mark|flag|tick)(?: off)? (?P<ref>.+?)(?: (?:on|in|from|off) <LIST>)?(?: off)?"
            r" (?:as |to |is |to be |being )*(?:all |now |already )?<DONE>(?: (?:on|in|from|off)"
            r" <LIST>)?",
            r"mark (?:as )?<DONE>:? (?P<ref>.+)",
            r"(?:<CHECKOFF>) off (?P<ref>.+)",
        ),
        _on("complete_task", sure=True),
        (
            "Mark task 3 as complete",
            "mark buy milk done",
            "mark as done: the report",
            "check off #4",
        ),
    ),
    Rule(
        "complete_task",
        (
            r"(?:complete|close(?: out| off)?|resolve|accomplish) (?P<ref>.+)",
            r"tick (?P<ref>(?:<TASK> |item )?#?\d{1,9})",
            r"(?:<CHECKOFF>) out (?P<ref>.+)",
            r"(?:<CHECKOFF>) (?P<ref>.+?) (?:off|out)",
            r"(?:i|we)(?:'ve| have)?(?: just| already| finally| now)* (?:<DID>)(?: with)?"
            r" (?P<ref>.+?)(?: already| now| finally)?",
            _I_HAVE + r"got (?P<ref>.+?)(?: all)? <DONE>",
            r"did (?P<ref>(?:the|my|our) [\w'-]+)",
            r"(?:i'm|i am|im|we're)(?: all| now| already| finally| just)* (?:done|finished"
            r"|through)(?: with)? (?P<ref>.+)",
            r"(?:(?:all|just|finally|now|got) )*(?:done|finished)(?: with|:) (?P<ref>.+)",
            r"(?P<ref>.+?)(?: is| are| has been| have been| was|'s)(?: now| already| all|"
            r" finally)* <DONE>(?: now| already)?",
            r"(?P<ref>(?:<TASK>|item)? ?(?:#|number )?<NUMBER>) <DONE>",
            r"(?:i|we)(?:'d| would)? (?:need|want|like) (?P<ref>.+?) (?:to be )?(?:marked|checked"
            r"|ticked|crossed)(?: off)?(?: as)?(?: <DONE>)?",
            # Without "I have" or "is", as one types in haste.
            r"(?:finished(?: up| off)?|completed|accomplished|took care of) (?P<ref>.+)",
            r"done (?:with )?(?P<ref>(?:<TASK>s? )?#?\d.*)",
            r"(?:set|check|label|put|make|change|update|log|record|note|count|report|consider)"
            r" (?P<ref>(?!if |whether |that |when |to see |and ).+?) (?:as |to |to be )?<DONE>",
        ),
        _on("complete_task"),
        (
            "complete task 2",
            "I finished the laundry",
            "task 3 is done",
            "cross out laundry",
            "i'm done with the report",
            "3 done",
            "done 3",
            "finished the laundry",
            "log task 3 as done",
        ),
    ),
    Rule(
        "complete_finish",
        (r"finish(?: off| up)? (?P<ref>.+)",),
        _on("complete_task", ask=True),
        ("finish task 3", "finish the march report"),
    ),
    # Changing.
    Rule(
        "update_unsupported",
        (
            r"(?:set|change|update|add|move|make) (?:the |a )?(?:priority|due ?date|deadline"
            r"|tags?|date|time|recurrence)(?: (?:of|for|on|to))? (?P<ref>.+?)(?: (?:to|as|for)"
            r" .+)?",
            r"(?:postpone|reschedule|snooze|delay|push(?: back)?|prioriti[sz]e|tag|move)"
            r" (?P<ref>.+?)(?: (?:to|until|till|by|for|as) .+)?",
            r"(?:<RENAME>|mark|flag) (?P<ref>.+?)(?: (?:to|as|to be|into))?(?: an?)?"
            r" (?:(?:high|highest|top|medium|normal|low|lowest|no) priority|urgent"
            r"|recurring|repeating|daily|weekly|monthly)",
        ),
        _unsupported,
        (
            "set the due date of task 3 to friday",
            "postpone task 2 until monday",
            "change task 3 to high priority",
        ),
    ),
    Rule(
        "update_description",
        (
            r"(?:change|update|set|edit|make|replace) (?:the |a )?(?:description|notes?|details?)"
            r" (?:of|for|on|in) (?P<ref>.+?)(?: (?:to|as|with)|:) (?P<note>.+)",
            r"add (?:the |a |an )?(?:description|notes?|details?) (?:to|for|on) (?P<ref>.+?)(?:"
            r" (?:saying|that says|to)|:|,) (?P<note>.+)",
            r"add (?:the |a |an )?(?:description|notes?|details?) (?:to|for|on)"
            r" (?P<ref>(?:the |my )?(?:<TASK>|item) (?:number |no\.? )?#?\d{1,9}|#\d{1,9})"
            r" (?P<note>.+)",
            r"add (?:the |a |an )?(?:description|notes?|details?):? (?P<note>\x00+) (?:to|for|on)"
            r" (?P<ref>.+)",
        ),
        _describe,
        (
            "change the description of task 1 to 'two litres'",
            "add a note to task 2: bring the receipt",
        ),
    ),
    Rule(
        "update_title",
        (
            r"(?:<RENAME>) (?P<old>.+?)(?:'s|s') (?:title|name|text|wording) (?:to|into|as)"
            r" (?P<new>.+)",
            r"(?:<RENAME>) (?P<old>" + _NUMBERED + r")"
            r"(?: (?:title|name|text|wording) (?:to|into|as)| from .+? to) (?P<new>.+)",
            r"(?:<RENAME>)(?! <LIST>)(?: (?:the )?(?:title|name|text|wording)(?: (?:of|for"
            r"|on))?)? (?P<rest>.+)",
            r"(?:rename|retitle|reword) (?P<old>" + _NUMBERED + r") (?P<new>.+)",
            r"(?:<RENAME>) (?P<old>" + _NUMBERED + r") (?P<new>\x00+)",
            r"swap (?P<old>.+?) (?:for|with) (?P<new>.+)",
            r"(?P<old>" + _NUMBERED + r"|(?:the |my ).+ (?:<TASK>|item)) should (?:be|say|read)"
            r"(?: called| named)? (?!(?:<REMOVED>|<DONE>|<OPEN>|<CHOSENBY>|<PAST>|on|at"
            r"|by)\b)(?P<new>.+?)(?: instead)?",
            r"instead of (?P<old>.+?),? (?:put|write|it should (?:be|say)|make it) (?P<new>.+)",
        ),
        _rename,
        (
            "Change task 1 to 'Call mom tonight'",
            "rename buy milk to buy oat milk",
            "edit #4: call dad",
            "update the title of task 2 to Pay rent",
            "change task 1's title to Pay rent",
            "task 1 should be call dad",
        ),
    ),
    Rule(
        "update_to_what",
        (
            r"(?:change|update|rename|edit|modify|reword) (?!<LIST>)(?:(?:the )?(?:title|name"
            r"|text) of )?(?P<ref>.+)",
        ),
        _rename_to_what,
        ("change task 1", "rename the meeting task"),
    ),
    # What is said of a task by its number makes no task of that title.
    Rule(
        "update_made",
        (
            r"(?P<ref>" + _NUMBERED + r"): (?!(?:<DONE>|<OPEN>)$)(?P<title>.+)",
            r"make (?P<ref>" + _NUMBERED + r") (?!(?:<CHOSENBY>|<OPEN>|high|medium|low|top|no"
            r"|important|daily|weekly|monthly|yearly"
            r"|recurr|repeat|every|on|for|at|by|in|to|as|a|an|the|first|last|today|tomorrow|tonight"
            r"|next)\b)(?P<title>.+)",
        ),
        _make_it,
        ("make task 1 buy oat milk",),
    ),
    Rule(
        "unsupported_by_number",
        (
            r"(?:add|create|make|new|set(?: up)?|insert|put|enter|start|begin|stop|pause|i (?:need"
            r"|have|want)|give|need|save|log|record|write|track|want|have|include|note|do|assign"
            r"|share|flag|mark|pin|star|hide|archive|skip|copy|duplicate)(?: me| in| down| up)?"
            r" (?P<ref>(?:the |my )?(?:task|to-?do|chore|errand|item) (?:number |no\.? )?"
            r"(?:#?\d{1,9}|<NUMBER>$)|#\d{1,9})\b(?! ?(?:am|pm|o'clock)\b).*",
        ),
        _talk("by_number"),
        (
            "make task 2 due friday",
            "put task 3 on hold",
            "start task 3",
            "add task 3",
            "I need task 2 done",
        ),
    ),
    # Adding.
    Rule(
        "add_reminder",
        (
            r"(?:(?:<MAKE>|i need|i want|i'd like|i would like|i could use|please) )*(?:for"
            r" )?(?:me |myself |us )?(?:(?:a|an|another|one|my|the) )?(?:new |quick |daily "
            r"|weekly )*reminder"
            r"(?: (?:for|to) (?:me|myself|us)\b(?= to\b| that\b| about\b| for\b| on\b|$))?(?:"
            r" (?:be )?(?:set(?: up)?|made|created|added))?(?: (?:to|so i|that says) remind"
            r" me)?(?: in)?(?P<rest>[,: ].+)?",
        ),
        _add_reminder,
        (
            "set a reminder to call my mom",
            "create a reminder that says pay rent",
            "create a reminder for me to send flowers",
            "make a reminder, pay taxes on monday",
            "i need a reminder set for signing up",
            "set a reminder",
        ),
    ),
    Rule(
        "add_remind_me",
        (
            r"(?P<lead>.*?)(?:,? (?:so |and |but |then |please |can you |could you )*)?\bremind"
            r" (?:me|us)\b(?P<rest>.*)",
            r"(?:.*\b)?(?:be|get) (?:reminded|notified|alerted)\b(?P<rest>(?: to\b.*)?)",
            r"(?P<rest>)(?:i|we)(?:'d| would) like to be reminded",
            r"(?:notify|alert|nudge|ping|prompt|give me a (?:nudge|heads[- ]?up|ping)) (?:me"
            r" )?(?P<rest>to\b.+)",
            r"(?:(?:i|we) )?(?:need|want|could use) reminding(?P<rest> .+)?",
            r"(?:tell me (?:when (?:it's|it is) time )?|let me know when (?:it's|it is) time"
            r" )(?P<rest>to\b.+)",
        ),
        _add_reminder,
        (
            "remind me to take out the trash",
            "at 4 tomorrow afternoon, remind me to start the oven",
            "i need to take out the trash please remind me",
            "i need to be reminded to pray",
            "remind me later",
        ),
    ),
    Rule(
        "add_not_forget",
        (
            r"(?:please )?(?:.*\b)?(?:don'?t|do not|never) let me forget\b(?: (?:to|about"
            r"|that))?(?P<title> .+)?",
            r"(?:(?:don'?t|do not|never|(?:i|we) (?:must not|mustn't|can't|cannot|shouldn't"
            r"|should not|don't want to|better not)) forget)(?: (?:to|about|that))? (?P<title>.+)",
            r"(?:make sure (?:that )?)?(?:(?:i|we)(?: (?:really |just |also )?(?:need|have|want"
            r"|ought|got) to| must| should| gotta|'ve got to)? )?(?:remember|not forget) to"
            r" (?P<title>.+)",
            r"(?:please )?(?:make|take|write|leave|create|add) (?:me )?(?:a )?(?:mental )?note"
            r" (?:to (?:self|myself)\b:? ?)?(?:to |of |that |about |: ?)?(?P<title>.+)",
            r"(?:please )?note(?: down)? (?:that|to(?! (?:my)?self\b)) (?P<title>.+)",
            r"make sure (?:that )?(?:i|we) (?:don't forget|do not forget)(?: (?:to|about|that))?"
            r" (?P<title>.+)",
            r"make sure (?:that )?(?:i|we) (?!am\b|have (?:a|an|the)\b)(?P<title>.+)",
            r"(?:(?:i|we) )?(?:can't|cannot|better not|don't allow me to|do not allow me to|keep"
            r" me from|help me not|not)(?: to)? forget(?:ting)?(?: (?:to|about|that))?"
            r" (?P<title>.+)",
            r"note to (?:my)?self[:,]? (?:to )?(?P<title>.+)",
            r"(?:write|note|record|log|put|remember|keep in mind) (?:down )?that (?:i|we)"
            r" (?:need|have|want) to"
            r" (?P<title>.+)",
        ),
        _add,
        (
            "I need to remember to pay bills",
            "don't let me forget to check the steak",
            "make a note to call bob",
            "remember that i need to buy stamps",
            "don't forget the milk",
        ),
    ),
    Rule(
        "add_several",
        (
            r"(?:add|create|make|new)(?: (?:the|these|some|following|new|my|more|<NUMBER>))*"
            r" (?:tasks|to-?dos|items|chores|errands|reminders|things)(?: (?:to|on) <LIST>)?"
            r"(?:: ?|, )(?P<title>.+)",
            r"(?:<ADD>) (?:(?:all|of|the|these|those|this|following|two|three|four|five|\d+) )*"
            r"(?:these|those|the following|following)(?: (?:tasks|items|things|to-?dos))?"
            r"(?: (?:to|on|in|into|onto) <LIST>)?: ?(?P<title>.+)",
        ),
        _add_several,
        ("add tasks: buy milk, call mom and walk the dog", "add these to my list: milk, bread"),
    ),
    Rule(
        "add_task",
        (
            r"(?:add|create|make|new|set up|insert|put|enter|start|i need|i have|give me|need"
            r"|save|log|record|write|track|want|have|include|schedule|set|assign)"
            r"(?: me| in| down| up)?(?: (?:a|an|another|one|the|my))?(?: (?:new|" + _KIND + r"))*"
            r" (?:task|to-?do|to do(?= (?:to|for|called|named|item))|todo|chore|errand|item)(?:"
            r" item| entry)?(?: for me)?(?: (?:to|onto|on|for) <LIST>)?(?:(?: (?:to|for|called"
            r"|named|titled|of|about|that says|saying|which is|with (?:the |a )?(?:title"
            r"|name)(?: of)?))|[:,]| -)? (?P<title>.+?)(?:" + _DESCRIPTION + r")?",
            r"(?:(?:add|create|make|schedule|set up|set|give me) )?(?:an? )?(?:new )?"
            r"(?P<tail>daily|weekly|monthly|yearly) (?:<TASK>|item)(?: (?:to|for|called)|[:,])"
            r" (?P<title>.+)",
            r"(?:(?:add|new|another) )*(?:task|to[- ]?do(?: list(?= item))?"
            r"|(?<=new )item)(?: item)?"
            r"(?: (?:for|on|to) <LIST>)?(?: ?[:,-]| (?:called|named)) ?(?P<title>.+?)(?:"
            + _DESCRIPTION
            + r")?",
            r"(?:task to|todo) (?!list|items?\b|#?\d)(?P<title>.+?)(?:" + _DESCRIPTION + r")?",
            r"(?:add|create|make|new|insert|start)(?: (?:a|an|another|one|some))?(?: new)?"
            r" (?:task|to-?do|todo|chore|item)s?(?: (?:to|on|for) <LIST>)?(?P<title>)",
            r"(?:create|make|start|begin|set up|write|build|prepare|give me|need|want)(?: me|"
            r" up)? (?:a|an|another) (?:[\w'-]+ ){0,2}(?:<LISTNOUN>)(?: for me)?(?P<title>)",
            r"(?:create|make|start|write|build|prepare)(?: me)? (?:a|an|another) (?:[\w'-]+"
            r" ){0,2}(?:<LISTNOUN>) (?:with|for|to|including|containing|and add|that (?:has"
            r"|includes)):? (?P<title>.+)",
        ),
        _add,
        (
            "Add a task to buy groceries",
            "create a task called 'Ship it' with description 'before noon'",
            "new task: water the plants",
            "todo: call the bank",
            "add a task",
        ),
    ),
    Rule(
        "add_to_list",
        (
            r"(?:<ADD>)(?: (?:(?:one more|another|a|one|a new) (?:thing|item|<TASK>)|something"
            r"(?: else| new)?))? (?:to|on|in|onto|into) (?:<LIST>|list(?=:))(?:[,:]| -)?"
            r" ?(?:the following:? |please )?(?P<title>.+)",
            r"(?:i(?:'ve)?(?: have| got)*|here(?:'s| is)|there(?:'s| is)) (?:one more|another|an?"
            r"|one|a new) (?:thing|item|<TASK>) for <LIST>[,:]? (?P<title>.+)",
            r"move (?P<title>.+?) (?:to|onto|into) <LIST>",
            r"(?:(?:on|to|in|into|onto|for) <LIST>|<LISTNOUN>)[,:]? (?:please |can you |could you "
            r"|i need (?:you )?to |i want (?:you )?to |i'd like (?:you )?to "
            r"|you can )*(?:<ADD>)(?: to| for"
            r"| of|:)? (?P<title>.+)",
            r"(?:on|to|in|into|onto) <LIST>,? (?:i|we)(?: need|'d like| want| would like)"
            r" (?P<title>.+?) (?:to be )?(?:added|put|included|placed|listed)",
            r"(?:add|put|place|insert|append|include|write) (?P<title>.+?)(?<! my)(?<! the)"
            r"(?<! our) (?:to|on|onto) list",
            r"(?!make sure)(?!.*[,;.] (?:put|add|place|write) (?:it|that|this|them)\b)"
            r"(?:<ADD>) (?!(?:<EVERYTHING>|the items|the things|what(?:'s| is)?)"
            r" (?:on|in) )(?P<title>.+?)(?: (?:added|put|placed|written))? "
            + _INTO
            + r" <LIST>(?:,? (?:and|but) (?:don't|do not)\b(?! (?:let me )?forget).*|(?P<tail>.*))",
            r"(?:i|we)(?:'d| would)? (?:need|want|like|have) (?P<title>.+?) (?:to be )?(?:added"
            r"|put|placed|included|listed|written|on)(?: down)? (?:on |to |onto |in |into"
            r" )?<LIST>(?P<tail>.*)",
            r"(?!.*(?:\b(?:not?|never)\b|n't\b))"
            r"(?:i (?:need|have|want|gotta)(?: to)? )?(?P<title>.+?),? (?:(?:needs?|has|should|must"
            r"|ought|have)(?: to)? (?:go|be(?: (?:added|put|placed|included|listed|written))?)(?:"
            r" down)?|goes|belongs) (?:on|to|onto|in|into) <LIST>(?P<tail>.*)",
            r"(?P<title>.+?) (?:isn't|is not|aren't|are not)(?: yet)? (?:on|in) <LIST>(?: yet)?"
            r"[,.;]? (?:so |and |please |can you )*(?:add|put) (?:it|that|them)(?: there| on)?",
            r"(?:i (?:need|have|want|gotta|must|should)(?: to)? )?(?P<title>.+?)"
            r"(?:[,.;]? (?:so |and |please |can you |could you )*(?:put|add|place|stick|throw|write"
            r"|include) (?:it|that|this|them)(?: down)?|, (?:put|add)) (?:to|on|onto|in)"
            r" (?:<LIST>|list\b)(?P<tail>.*)",
            r"(?:<RENAME>|fix|amend|expand|extend) <LIST> (?:to (?:also )?(?:add|include|have"
            r"|contain|say)|with|by (?:adding|including|putting)|and (?:add|include|put)|adding"
            r"|so (?:that )?it (?:has|includes)) (?P<title>.+?)(?: (?:on|in|to) it)?",
            r"(?:make sure|ensure|see(?: to it)? that|be sure)(?: that)? (?P<title>.+?)"
            r" (?:is|are|gets?|goes) (?:put |added |placed )?(?:on|to|onto|in) <LIST>(?P<tail>.*)",
            r"(?:<LIST>) (?:also )?(?:needs?|is missing|lacks|should (?:have|include|say|contain)"
            r"|must (?:have|include)|has to (?:have|include)) (?!to (?:be|get)\b)(?P<title>.+?)"
            r"(?: (?:on|in|(?:to be )?(?:added|put|included)(?: to| on| in)?) it"
            r"| (?:to be )?(?:added|included))?",
        ),
        _add,
        (
            "add laundry to my list",
            "add buy stamps to list",
            "put wash the counters down on my list of pending tasks",
            "to my domestic task list please add paint kitchen",
            "add to my list of things to do: wash the dog",
            "on my to do list, i need cleaning added",
            "i need laundry to be put on my list of things to do",
            "cleaning needs to go on my list of things to do",
            "i need to do dishes put it on my to do list",
            "my to do list should have laundry on it",
            "update my to do list with mowing the lawn",
        ),
    ),
    Rule(
        "list_question",
        (
            # Atomic: a later <READ> could match no more, and trying each takes squared time.
            r"(?>(?:.*? )??(?:<READ>)\b).*\b(?:<LIST>|<TASKS>|<TODOTHINGS>)\b.*",
            r"(?:(?:all|any|my|the|every|current|complete|full|show|of|on) )*(?:<LIST>|<TASKS>)"
            + _WHEN
            + r"(?:,? (?:is|are) what)?(?:,? what(?:'s| is| are| were| was) (?:it|they|them|in"
            r" (?:it|them)|on it|there))?",
            r"(?:.*\b)?(?:all|list) of my list.*|the lists? of my .*|<TASKS> of my list.*",
            r"(?:list|show|view|see|display|read|give)(?: me)? (?:everything|it all|all(?: of (?:it"
            r"|them))?|(?:the |my )?list|(?:th)?em(?: all)?)",
            r"(?:what(?: all| else)?(?:'s| is)|show me (?:what(?:'s| is)|everything)) on (?:it"
            r"|there)",
            r"list",
        ),
        _list_by_words,
        (
            "Show me all my tasks",
            "read me my list of things to do",
            "my list of reminders is what",
            "the tasks for today, what are they",
            "todo list please",
        ),
    ),
    Rule(
        "bare_verb",
        (
            r"(?P<add>add|new|create)(?: another)?(?: one)?|(?P<change>change|rename|edit|update)"
            r"|(?P<complete>complete|finish|mark)|(?P<delete>delete|remove|erase)",
        ),
        _bare_verb,
        ("add", "delete", "complete", "rename", "add another"),
    ),
    Rule(
        "add_plain",
        (
            r"(?:add|new|insert|jot(?: down)?|(?:write|put|note|mark) down|pencil in):?"
            r" (?P<title>.+?)(?:" + _DESCRIPTION + r")?",
            r"(?:track|note|log|record|save|remember) (?:this|the following)(?: down)?[:,]"
            r" (?P<title>.+)",
            r"(?:put|stick|slap|chuck|throw|drop|toss|get) (?P<title>.+) (?:on|onto|in) there",
            r"(?:another|one more)(?: one| thing| task)?: ?(?P<title>.+)",
            r"(?:put|write|note|jot) (?P<title>.+) down",
        ),
        _add_plain,
        ("add buy milk", 'add "Read War & Peace"', "another one: buy stamps", "put milk down"),
    ),
    Rule(
        "add_errand",
        (
            r"(?:(?:i|we) (?:(?:really |just |also |still )*(?:need|have|got|ought) to|must"
            r"|should|gotta|'ve got to)) (?P<title>(?:<ERRAND>)\b.*)",
        ),
        _add_errand,
        ("i need to do laundry later today", "I have to buy milk"),
    ),
    # What the user did may be no task: it counts when a title says the same.
    Rule(
        "complete_told",
        (
            r"(?:(?:i|we)(?:'ve| have)?|just|already|finally)(?: (?:just|already|finally|also"
            r"|now))* (?P<ref>(?!ran out\b)(?:<PAST>) .+?)(?: already| now| too)*",
            r"(?!(?:put|cut|set|read|did)\b)(?P<ref>(?:<PAST>) .+)",
            r"(?!(?:<ASK>|<ADD>|<READ>|if|when|i|we|you|it|that"
            r"|this)\b)(?P<what>[\w'-]+(?: [\w'-]+){0,4})"
            r" (?:is|are|was|were|has been|have been|got)(?: now| already| all| finally)*"
            r" (?P<verb><PAST>)(?: already| now| too)*",
        ),
        _told,
        ("I called mom", "bought milk", "the rent is paid", "finally paid the rent"),
    ),
    Rule(
        "complete_in_short",
        (
            r"(?P<ref>(?!(?:<ASK>|<ADD>|<READ>|<REMOVE>|<RENAME>|<MAKE>|i|we|to|you|all|well|not"
            r"|almost|nearly)\b)[\w'-]+(?: [\w'-]+){0,5}?)(?: ?[:,-])? <DONE>",
        ),
        _on("complete_task"),
        ("laundry done", "laundry: done"),
    ),
    # What is left when nothing above fits, but our list or a reminder is named.
    Rule(
        "add_reminder_somehow",
        (
            r"(?!(?:<ASK>|<REMOVE>|<TAKE>|<READ>)\b)(?:[\w'-]+ ){0,6}?(?:a|an|another|some)"
            r" (?:[\w'-]+ ){0,2}?reminder\b(?P<rest>.*)",
            r"(?P<lead>(?:when|whenever|if|once|after|before|as soon as|(?:the )?next time|at|on"
            r"|in|by|every|tomorrow|tonight)\b.+?),? (?:please |can you |could you )*(?:<MAKE>)"
            r" (?:me )?(?:a|an|another) (?:[\w'-]+ )?reminder\b(?P<rest>.*)",
        ),
        _add_reminder,
        ("pop up a little reminder to stretch",),
    ),
    Rule(
        "delete_from_list_somehow",
        (r"(?!(?:<ASK>|<READ>|<ADD>|i|we)\b)[\w'-]+ (?P<ref>.+?) <OFF> <NAMED>.*",),
        _on("delete_task", sure=True),
        ("yank laundry off my to do list",),
    ),
    Rule(
        "add_to_list_somehow",
        (
            r"(?!(?:<ASK>|<READ>|<REMOVE>|<TAKE>|<CHECKOFF>|i|we|not|it|this|that)\b)[\w'-]+"
            r" (?P<title>.+?) (?:down |up |over )?(?:to|on|onto|in|into) <NAMED>(?P<tail>.*)",
            r"(?!(?:<TAKE>|<READ>)\b)(?P<title>[\w'-]+(?: [\w'-]+)?) (?:to|onto) <LIST>",
        ),
        _add_somehow,
        ("slot laundry into my to do list", "laundry to my to do list"),
    ),
    # The last words on a list: a sentence that names ours, in no way known, is a wish to see it.
    Rule(
        "list_mentioned",
        (r".*\b(?:my|the|our) (?:[\w'-]+ ){0,3}?<LISTNOUN>\b.*",),
        _list_by_words,
        ("not sure about the to do list",),
    ),
    Rule(
        "offer_to_add",
        (
            r"(?:(?P<lead>today|tonight|tomorrow|(?:on |next |this )\w+(?: morning| evening)?),? )?"
            r"(?:(?:i|we) (?:(?:really |just |also |still )*(?:need|have|got|ought) to|must"
            r"|should|gotta|'ve got to)|gotta) (?!know|find|see|ask|talk|speak|understand|learn"
            r"|hear|get help|say|tell|check|look)(?P<title>.+)",
            r"(?:(?:also|and|oh|then|next|another)[, ]+)*"
            r"(?P<title>(?!walk (?:me|us)\b)(?:<ERRAND>)\b.+)",
            r"(?:i|we)(?:'m|'re| am| are|(?:'ve| have)? r[au]n)(?: all)? out of"
            r" (?!(?:order|office|town|time|luck|here|it)\b)(?P<lacking>(?:[\w'-]+ ?){1,4})",
        ),
        _offer,
        (
            "i have to renew my passport",
            "tomorrow I need to call Carl",
            "also pick up the cake",
            "we're out of dish soap",
        ),
    ),
)

# Once a process; by `prepare` in a server, as needed by the command.
_compiled = functools.cache(compile_pattern)
# Rules that only count when no clause of the sentence says more.
_WEAK = frozenset(
    {"list_mentioned", "offer_to_add", "complete_finish", "complete_told"}
) | frozenset(rule.name for rule in RULES if rule.name.endswith("_somehow"))
# Tried first, and on the whole sentence: "yes, please" is an answer, not a wrapper, and the items
# of a list are no commands.
_AHEAD = frozenset(rule.name for rule in RULES[:7])
_COMMAND_WORDS = frozenset(
    [
        "delete",
        "remove",
        "erase",
        "cancel",
        "clear",
        "complete",
        "finish",
        "change",
        "update",
        "rename",
        "create",
        "remind",
        "show",
        "list",
        "mark",
        "check",
        "display",
        "modify",
        "cross",
        "add",
        "put",
    ]
)


def prepare() -> None:
    """Compile every pattern, a third of a second that no sentence then has to wait for."""
    for rule in RULES:
        for pattern in rule.patterns:
            _compiled(pattern)


# A title and a description of the greatest length, and the words around them.
LONGEST = 1500


def parse(sentence: Sentence) -> Intent:
    """Return what the sentence asks for; an Intent without tool and talk when no rule fires."""
    if len(sentence.mask) > LONGEST:
        return Intent(None, reason="too_long")
    sentence = mend_nouns(sentence)
    core = peel(sentence)
    for whole in (sentence, core):
        if intent := _first(whole, ahead=True):
            return intent
    intent = _in_turn(core) or _request(core)
    asked = sentence.mask.endswith("?") and not _REQUEST.search(sentence.mask)
    if asked or _HESITANT.search(sentence.mask) or _LATER.match(core.mask):
        first, *others = (_asking(each) for each in (intent, *intent.then))
        return replace(first, then=tuple(others))
    return intent


def _request(core: Sentence) -> Intent:
    intent = _command(core)
    if intent is not None and intent.reason not in _WEAK:
        return intent
    return _clause(core) or intent or Intent(None)


def _asking(intent: Intent) -> Intent:
    return replace(intent, ask=True) if intent.tool in _ON_A_TASK else intent


_ON_A_TASK = frozenset({"complete_task", "delete_task", "update_task"})
# Who says so wants nothing done yet, or only asks what may be done; "if you could" is politeness.
_HESITANT = re.compile(
    r"\b(?:if(?! (?:you (?:can|could|would|will|may|want|like|please|don'?t mind)\b|possible\b"
    r"|(?:that|it)(?:'s| is| isn't| would be)? (?:ok(?:ay)?|possible|alright|fine)\b))"
    r"|unless|(?<!at )once|when|whenever|until|till|as soon as(?! possible)|in case|provided"
    r"|assuming|suppos(?:e|ing)"
    r"|maybe|perhaps|i (?:think|guess|believe) (?:i|we))\b"
    r"|\b(?:can|could|may|might|should|shall) (?:i|we)\b(?! (?:please )?(?:get|have) you\b)"
    r"|\b(?:i|we) (?:should|must|could)\b|\bhelp me finish\b"
    r"|\b(?:is|would) it (?:be )?(?:possible|ok(?:ay)?|alright|safe)(?: for (?:me|us))? to\b",
    re.IGNORECASE,
)
# What makes a command of words that end in a question mark.
_REQUEST = re.compile(r"\b(?:you|u|ya|please|pls|plz|mind)\b", re.IGNORECASE)
_LATER = re.compile(
    r"(?:after|before(?! i forget)|by|tomorrow|tonight|later|soon|eventually|someday|every|each"
    r"|(?:at|from) (?:\d|noon|midnight)|on \w+day|next (?!(?:task|item|one)\b)\w+"
    r"|in (?:\d+|an?|the|one|two|three|a few) \w+|this (?:evening|afternoon|weekend))\b",
    re.IGNORECASE,
)


def _command(core: Sentence) -> Intent | None:
    """Return what the sentence asks for as one command, with or without a word on when behind."""
    for tail in (_AT_ONCE.search(core.mask), _NOT_YET.search(core.mask)):
        head = _plain_command(core.part(0, tail.start())) if tail and tail.start() else None
        # In a title, the same words belong to the task.
        if head is None or head.tool not in _ON_A_TASK or _titled(head):
            continue
        if head.sure or (head.reference is not None and head.reference.pronoun):
            return head if tail is not None and tail.re is _AT_ONCE else replace(head, ask=True)
    return _plain_command(core)


def _titled(intent: Intent) -> bool:
    return bool(intent.titles) or intent.description is not None


_AT_ONCE = re.compile(
    r"(?:,? ?(?:\b(?:(?:right |just )?now|right away|straight away|immediately|at once|asap"
    r"|as soon as possible"
    r"|for (?:me|us|good|ever)|forever|permanently|completely|already|again|as well|too|then|today"
    r"|earlier|yesterday|(?:this|yesterday) (?:morning|afternoon|evening)"
    r"|last (?:night|week|\w+day)|i (?:think|guess|believe))"
    r"|[:;]-?[)(DP]|[.!?]))+$",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r",? (?:if|unless|once|when|whenever|until|till|after|before|as soon as|in case|provided"
    r"|tomorrow|tonight|later|soon|next \w+|on \w+day|at \d|in \d+ \w+|in an? \w+)\b.*$",
    re.IGNORECASE,
)


def _plain_command(core: Sentence) -> Intent | None:
    # "I need to add ..." is a command; "I need to cancel my gym" is not, so only sure ones count.
    wanted = peel_want(core)
    if wanted is not None:
        intent = _first(wanted, ahead=False)
        if intent is not None and intent.sure and intent.reason not in _WEAK:
            return intent
    intent = _first(core, ahead=False)
    if intent is not None and intent.reason not in _WEAK:
        return intent
    mended = mend_command_word(core, _COMMAND_WORDS)
    return (_first(mended, ahead=False) if mended else None) or intent


def _in_turn(core: Sentence) -> Intent | None:
    """Return the commands of "mark task 1 as done and delete task 2" as a first and what follows.

    None when the sentence is one command, or a remark and a command.
    """
    if len(core.mask) > _LONGEST_WITH_CLAUSES:
        return None
    joints = _joints(core)
    named = next((j.end() for j in joints if _LIST_NAMED.search(core.mask, 0, j.start())), None)
    if named is not None:
        core = _with_list_for_it(core, named)
        joints = _joints(core)
    intents: list[Intent] = []
    start = 0
    for number, joint in enumerate(joints):
        left = core.part(start, joint.start())
        following = joints[number + 1].start() if number + 1 < len(joints) else len(core.mask)
        first, second = _part(left), _part(core.part(joint.end(), following))
        ended = joint[0].lstrip()[0] in ".!?;"
        if first is not None and first.reason == "complete_told":
            first = None
        if first is None and ended:
            # A remark.
            start = joint.end()
        ended = ended or _LIST_NAMED_LAST.search(left.mask) is not None
        if first is None or second is None or not _separate(first, second, ended):
            continue
        if _is_one(core, first, second):
            continue
        intents.append(first)
        start = joint.end()
    if not intents:
        return None
    last = _part(core.part(start, len(core.mask)))
    if last is None:
        return None
    first, *others = (*intents, last)
    return replace(first, then=tuple(others))


def _joints(core: Sentence) -> list[re.Match[str]]:
    return [
        joint
        for joint in itertools.islice(_JOINT.finditer(core.mask), _MOST_CLAUSES)
        if _ORDER.match(core.mask, joint.end())
    ]


def _with_list_for_it(core: Sentence, start: int) -> Sentence:
    """Return the sentence with "my list" for the "it" of "put milk on it" behind ``start``."""
    text, mask, end = "", "", 0
    for match in _ON_IT.finditer(core.mask, start):
        text += core.text[end : match.end("on")] + " my list"
        mask += core.mask[end : match.end("on")] + " my list"
        end = match.end()
    return Sentence(text + core.text[end:], mask + core.mask[end:])


_LIST_NAMED = compile_pattern(r"\b<LIST>")
_LIST_NAMED_LAST = compile_pattern(r"\b(?:<LIST>)(?: (?:please|too|as well|now))?$")
_ON_IT = re.compile(
    r"\b(?P<on>on|onto|to|in|into|off of|off|from)"
    r"(?: it\b|(?<=off)(?=$|[,.;!?]| (?:and|then|but)\b))",
    re.IGNORECASE,
)


def _is_one(core: Sentence, first: Intent, second: Intent) -> bool:
    """Return whether the two clauses are one command after all."""
    if any(part.tool == "list_tasks" and not _READING.match(part.said) for part in (first, second)):
        # "On my list, add milk".
        return True
    if second.reference is None or not second.reference.pronoun:
        return False
    # "I did the dishes, so take that off my list".
    whole = _command(core)
    return (
        whole is not None
        and whole.reference is not None
        and whole.sure
        and second.said not in whole.reference.words
    )


def _part(clause: Sentence) -> Intent | None:
    """Return what one clause among several asks for, even if only asked about or refused."""
    clause = peel(clause)
    if not clause.text:
        return None
    intent = _first(clause, ahead=True)
    if intent is None:
        intent = _command(clause)
    if intent is None or (intent.tool is None and intent.talk not in _REFUSED):
        return None
    return replace(intent, said=clause.text)


def _separate(first: Intent, second: Intent, ended: bool) -> bool:
    """Return whether the second is a command of its own, not the end of the first one's words.

    ``ended``: the first ends like a sentence.
    """
    if second.reason in _WEAK or second.tool is None:
        return second.talk is not None
    if second.tool == "list_tasks":
        return True
    if second.tool == "add_task":
        return bool(second.titles) and first.description is None
    if second.reference is not None and second.reference.pronoun:
        return True
    if not second.sure:
        # "Complete laundry and delete milk"; in a title it would only be more words.
        return first.description is None and (ended or not first.titles)
    # "Add clean the fridge and throw out everything": words of a title, unless they name a task.
    return not _titled(first) or _NAMES_TASK.search(second.said) is not None


_JOINT = re.compile(
    r" ?[.!?;]+ |,? (?:and|then|(?<!\ball )(?<!everything )but|so|also|plus|&)"
    r"(?: (?:then|also|now|after that))* |, ",
    re.IGNORECASE,
)
# What a command begins with; the other clauses need not be read to see that they are none.
_ORDER = compile_pattern(
    r"(?:(?:please|also|then|just|now|can you|could you|i (?:want|need) (?:you )?to) )*"
    r"(?:<DELETE>|<REMOVE>|<TAKE>|<CHECKOFF>|<RENAME>|complete|finish|close|add|create|new|put"
    r"|insert|remind|show|list|read|display|tell me|give me|what(?:'s| is| are| have)|postpone"
    r"|reopen|task \d|(?:i|we)(?:'ve| have)?(?: just| already| also)* <DID>)\b"
)
_READING = compile_pattern(
    r"(?:show|list|read|display|tell|give|see|view|what|which|how many|my|all"
    r"|<TASKS>|<OPEN>|<DONE>)\b"
)
_NAMES_TASK = compile_pattern(r"\b(?:<TASK>|<TASKS>|<ORDINAL> one|<LIST>)\b|#\d|\b(?:it|them)\b")
_REFUSED = frozenset({"unsupported", "by_number", "filter", "reopen", "undo"})


def _clause(core: Sentence) -> Intent | None:
    """Return what one clause surely asks for: "I am off today, so clear my list"."""
    if len(core.mask) > _LONGEST_WITH_CLAUSES or _ELSEWHERE.search(core.mask):
        return None
    for cut in itertools.islice(_CLAUSE.finditer(core.mask), _MOST_CLAUSES):
        parts = [core.part(cut.end(), len(core.mask))]
        if cut["end"]:
            parts.append(core.part(0, cut.start()))
        for part in parts:
            intent = _command(peel(part)) if part.text else None
            if intent is not None and intent.tool and intent.sure and intent.reason not in _WEAK:
                return intent
    return None


_CLAUSE = re.compile(r"(?P<end>[.!?;]) |, | (?:so|and|but|then) ", re.IGNORECASE)
_MOST_CLAUSES = 8
# A longer message is a text, not a command with a remark.
_LONGEST_WITH_CLAUSES = 300


def _first(sentence: Sentence, *, ahead: bool) -> Intent | None:
    for rule in RULES:
        if (rule.name in _AHEAD) is not ahead:
            continue
        for pattern in rule.patterns:
            if (match := _compiled(pattern).fullmatch(sentence.mask)) is None:
                continue
            parts: Parts = {
                name: sentence.part(*match.span(name))
                for name, value in match.groupdict().items()
                if value is not None
            }
            parts["all"] = sentence
            if (intent := rule.build(parts)) is not None:
                return replace(intent, reason=rule.name)
    return None
