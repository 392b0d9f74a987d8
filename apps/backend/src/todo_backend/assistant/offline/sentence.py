"""A sentence as the rules see it: one line, wrappers peeled off, quoted text out of reach."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Stands for quoted text in `Sentence.mask`, so that no rule can match inside quotes.
QUOTED = "\x00"

_QUOTE = re.compile(
    r"\"(?P<double>[^\"]+)\"|[“„](?P<curly>[^”“]+)[”“]|«(?P<angle>[^»]+)»"
    r"|(?<!\w)['‘](?=\S)(?P<single>[^\n]+?)(?<=\S)['’](?!\w)"
)

_SOFT_PREFIX = re.compile(
    r"""(?:
      (?:never\ ?mind|oops|no\ wait|great|perfect|cool|thanks)[,.!]+\ (?=\w)
    | (?:hey|hi|hello|ok|okay|alright|right|so|now|actually|well|um+|uh+|oh|yo|listen|please|pls|plz
        |kindly|just|also|and|then|quickly|maybe|yes|sure|assistant|ai)(?:\ there)?\b[,!.:]*
    | (?:can|could|would|will)\ (?:you|u|ya)\b(?:\ mind)?
    | (?:can|could|may|might|should|shall)\ (?:i|we)\b(?:\ (?:please\ )?(?:get|have)\ you\ to\b)?
    | (?:i'?d|i\ would|we'?d|we\ would)\ (?:like|love|prefer|want|need)\ (?:for\ )?you\ to\b
    | i'?d\ appreciate\ it\ if\ you\ (?:could|would)\b
    | if\ you\ (?:could|would|can)\b
    | (?:i|we)\ (?:want|need)\ (?:for\ )?you\ to\b
    | you\ (?:can|could|should|must|may|will|need\ to|have\ to|ought\ to)\b
    | (?:go\ ahead|hurry\ up)\ and\b | be\ sure\ to\b | make\ sure\ (?:to|you|that\ you)\b
    | (?:how|what)\ about\b | why\ (?:don'?t|not)(?:\ (?:you|we|i))?\b
    | i\ (?:was|am)\ (?:wondering\ (?:if|whether)|hoping(?:\ that)?)(?=\ you\b)
    | i(?:'ll|'m\ going\ to|\ will|\ am\ going\ to)\ need\ you\ to\b
    | (?:do\ you\ think|(?:is\ there\ )?any\ (?:way|chance)(?:\ that)?)(?=\ you\b)
    | (?:would|will|could)\ it\ be\ (?:possible|ok(?:ay)?|alright)\ (?:for\ you\ )?to\b
    | (?:it\ would\ be|that\ would\ be|i'?d\ be|i\ would\ be)\ \w+(?=\ if\ you\b)
    | are\ you\ able\ to\b | i\ (?:think|guess|believe)(?=\ (?:i|we)\b)
    | (?:i(?:'m|\ am)\ )?(?:asking|telling)\ you\ to\b | start\ by\b | (?:do\ you\ )?mind\b
    | (?:try|feel\ free|be\ so\ kind\ as)\ to\b | help\ me\b(?:\ (?:out\ and|to))?
    | do\ me\ a\ favou?r\ and
    | is\ it\ possible\ (?:for\ you\ )?to\b
    )\s*[,:]?\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_WANT_PREFIX = re.compile(
    r"(?:(?:i|we)(?:'d| would)? (?:really |also |just |now )?"
    r"(?:need|want|like|love|have|ought|wish|got) to|(?:i|we)(?:'ve)? gotta|(?:i|we) wanna"
    r"|(?:i|we) (?:must|should)|it'?s time to|let me|let'?s|time to) ",
    re.IGNORECASE,
)
_SOFT_SUFFIX = re.compile(
    r"(?:[,;]? *(?:\b(?:please|pls|plz|thanks|thank you|thx|cheers|would you|will you|can you"
    r"|(?:i|i'd|i would) (?:would )?appreciate (?:it|that)|if you (?:can|could|would|don'?t mind)"
    r"|(?:that|it)(?:'d| would) be (?:great|good|nice|lovely|awesome|perfect|wonderful|helpful)"
    r"|if possible|if (?:that|it)(?:'s| is) (?:ok(?:ay)?|possible|alright|fine))"
    r"|[.!?…]))+$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """``text`` as the user wrote it and ``mask``, of the same length, for the rules to match."""

    text: str
    mask: str

    def part(self, start: int, end: int) -> Sentence:
        """Return the part from ``start`` up to ``end``, without blanks and commas around it."""
        while start < end and self.mask[start] in " ,;":
            start += 1
        while end > start and self.mask[end - 1] in " ,;":
            end -= 1
        return Sentence(self.text[start:end], self.mask[start:end])

    @property
    def quotation(self) -> str | None:
        """The text between the quotation marks when the whole part is one quotation."""
        if len(self.text) > 2 and set(self.mask) == {QUOTED}:
            return self.text[1:-1]
        return None

    @property
    def quotations(self) -> tuple[str, ...]:
        """Every quotation in this part, in order, without the marks."""
        return tuple(
            self.text[m.start() + 1 : m.end() - 1] for m in re.finditer(QUOTED + "+", self.mask)
        )


def read(sentence: str) -> Sentence:
    """Return the sentence with blanks collapsed (not inside quotes) and quotations masked."""
    text: list[str] = []
    mask: list[str] = []
    position = 0
    for match in _QUOTE.finditer(sentence):
        _append_plain(sentence[position : match.start()], text, mask)
        text.append(match[0])
        mask.append(QUOTED * len(match[0]))
        position = match.end()
    _append_plain(sentence[position:], text, mask)
    whole = Sentence("".join(text), "".join(mask))
    return whole.part(0, len(whole.text))


# Lines that begin with a bullet or a number, and all lines below "add these:".
_ITEM = re.compile(r"\s*\n\s*(?:[-*•]|\d{1,2}[.)])\s+")
_LIST_BELOW = re.compile(r"[^\n]*:[ \t]*\n")


def _append_plain(plain: str, text: list[str], mask: list[str]) -> None:
    plain = _ITEM.sub("; ", plain)
    if _LIST_BELOW.match(plain):
        plain = re.sub(r"(?<=\S)\s*\n\s*(?=\S)", "; ", plain)
    collapsed = re.sub(r"\s+", " ", plain)
    text.append(collapsed)
    mask.append(collapsed.replace("’", "'").replace("‘", "'").replace(QUOTED, "\x01"))


def peel(sentence: Sentence) -> Sentence:
    """Return the sentence without "please", "can you", "thanks" and their like around it."""
    start, end = 0, len(sentence.mask)
    if match := _SOFT_SUFFIX.search(sentence.mask):
        end = match.start()
    while (match := _SOFT_PREFIX.match(sentence.mask, start, end)) and match.end() > start:
        start = match.end()
    # Nothing but courtesy: leave it whole, the rules for small talk read it.
    return sentence.part(start, end) if sentence.part(start, end).text else sentence


def peel_want(sentence: Sentence) -> Sentence | None:
    """Return what follows "I need to", "let's" and their like; None when it has no such start."""
    match = _WANT_PREFIX.match(sentence.mask)
    return peel(sentence.part(match.end(), len(sentence.mask))) if match else None


def capitalized(text: str) -> str:
    """Return the text with a capital first letter, where that is one letter as well."""
    first = text[:1].upper()
    return (first if len(first) == 1 else text[:1]) + text[1:]


def mend_command_word(sentence: Sentence, words: frozenset[str]) -> Sentence | None:
    """Return the sentence with its misspelt first word replaced by the one word it can mean.

    Words of five letters or more may have one edit (a letter more, less, other, or two swapped),
    words of four two letters swapped. None when there is nothing to mend.
    """
    match = re.match(r"[^\W\d_]{2,}", sentence.mask)
    if not match:
        return None
    word = match[0].lower()
    if word in words or word in _REAL_WORDS:
        return None
    near = [
        w
        for w in words
        if w[0] == word[0]
        and one_edit(w, word)
        and (len(w) > 4 or (len(w) == 4 and sorted(w) == sorted(word)))
    ]
    if word in _MISSPELT_ADD:
        near = ["add"]
    if len(near) != 1:
        return None
    return Sentence(near[0] + sentence.text[match.end() :], near[0] + sentence.mask[match.end() :])


_MISSPELT_ADD = frozenset({"ad", "addd", "aad"})
# One edit away from a command word, and nothing to mend.
_REAL_WORDS = frozenset(
    [
        "clean",
        "chance",
        "charge",
        "crate",
        "compete",
        "ease",
        "finnish",
        "rewind",
        "removed",
        "deleted",
        "changed",
        "created",
        "listed",
        "erased",
        "cleared",
        "marked",
        "shown",
        "completed",
        "finished",
    ]
)


def mend_nouns(sentence: Sentence) -> Sentence:
    """Return the sentence with "taks", "tsaks", "lsit" and their like spelt right where they can
    only be what the assistant keeps: behind "my", "a new", "show" and the like, or before a number.

    What else is so spelt belongs to a title and stays, as all in quotation marks does.
    """
    text, mask, end = "", "", 0
    for match in _MISSPELT_NOUN.finditer(sentence.mask):
        one = match["number"] or match["before"].lower() in _BEFORE_ONE
        mended = _MISSPELT[match["noun"].lower()][0 if one else 1]
        text += sentence.text[end : match.start("noun")] + mended
        mask += sentence.mask[end : match.start("noun")] + mended
        end = match.end("noun")
    return Sentence(text + sentence.text[end:], mask + sentence.mask[end:])


# What each stands for as one thing and as several: "taks" is a task with two letters swapped, or
# tasks without one.
_MISSPELT = {
    misspelt: nouns
    for nouns, all_misspelt in {
        ("task", "task"): "tsak tasl taskk taask atsk",
        ("task", "tasks"): "taks tassk tsk",
        ("tasks", "tasks"): "tsaks taskss takss tassks tasls taskks tsks taasks atsks",
        ("list", "list"): "lsit lisst listt liist lst ilst",
    }.items()
    for misspelt in all_misspelt.split()
}
_BEFORE_ONE = frozenset({"a", "an", "another", "this", "that", "new"})
_MISSPELT_NOUN = re.compile(
    r"(?:\b(?P<before>an?|another|new|my|our|all|of|any|these|those|this|that|to[- ]?do|todo|open"
    r"|pending|overdue|completed|finished|done|remaining|next|last|first|show|list|view|see|delete"
    r"|remove|complete|finish|mark|how many|what|which) )?"
    r"\b(?P<noun>" + "|".join(_MISSPELT) + r")\b(?P<number> (?:number |no\.? ?)?#?\d)?"
    r"(?(before)|(?(number)|(?!)))",
    re.IGNORECASE,
)


def one_edit(a: str, b: str) -> bool:
    """Return whether one inserted, dropped, replaced or swapped letter turns ``a`` into ``b``."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    i = 0
    while i < min(len(a), len(b)) and a[i] == b[i]:
        i += 1
    if len(a) == len(b):
        swapped = a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]
        return swapped or a[i + 1 :] == b[i + 1 :]
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[i + 1 :] == shorter[i:]
