"""Word classes of the grammar.

A pattern names a class in angle brackets and capitals, ``<ADD>``; `compile_pattern` puts the class
in its place. A class may use the classes defined before it.
"""

from __future__ import annotations

import re

_CLASSES: dict[str, str] = {}


def _define(name: str, pattern: str) -> None:
    _CLASSES[name] = f"(?:{_expand(pattern)})"


def _expand(pattern: str) -> str:
    return re.sub(r"<([A-Z]+)>", lambda match: _CLASSES[match[1]], pattern)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern, its ``<CLASSES>`` filled in, blind to case.

    Raises KeyError for a class that does not exist.
    """
    return re.compile(_expand(pattern), re.IGNORECASE)


# Nouns. -----------------------------------------------------------------------------------------
_define("TODO", r"to[- ]?do'?s?|2do'?s?")
_define("TASK", r"task|chore|errand|reminder|to[- ]?do|assignment")
_define(
    "TASKS", r"tasks|chores|errands|reminders|to[- ]?do'?s|to[- ]?do items|task items|assignments"
)
_define("THINGS", r"things?|stuff|items?|jobs?|everything|anything|shit|crap|what|<TASKS>|<TASK>")
_define("DOING", r"do|remember|complete|finish|accomplish|handle|tackle|get done|take care of")
_define(
    "TOBEDONE",
    r"(?:for (?:me|us) )?(?:to <DOING>|(?:that )?i (?:still )?(?:have|need|want|wanted|must"
    r"|should|ought|'ve got)"
    r"(?: to)? <DOING>|left(?: to <DOING>)?)",
)
_define(
    "LISTNOUN",
    r"<TODO>(?: items?)? lists?|(?:task|chore|errand|job|reminder|housework|household|action"
    r"|assignment|agenda)"
    r"(?:s|'s|s')?(?: items?)? lists?|to[- ]list"
    r"|lists? of (?:(?!to\b)[\w'-]+ ){0,3}?"
    r"(?:(?:things|stuff|items|everything|shit|crap|jobs) <TOBEDONE>|<TASKS>|reminder|housework"
    r"|house work|jobs)"
    r"(?: <TOBEDONE>)?",
)
_define(
    "TODOTHINGS",
    r"(?:things?|stuff|items|jobs|everything|anything|something|all|much|what|more) (?:that )?"
    r"(?:i (?:still )?(?:have|need|want|must|should|ought|'ve got)(?: to)? <DOING>(?! to\b)"
    r"|(?:left )?to <DOING>(?= today| tomorrow|$))",
)
_define("DET", r"my|our|the|this|that|a|your|me")
_define(
    "NAMED",
    r"(?:<DET> )?(?:(?!(?:to|on|off|of|from|in|into|and|my|our|the|for)\b)[\w'-]+"
    r" ){0,3}?<LISTNOUN>",
)
# Our list, whatever it is called; "my shopping list" and "my playlist" are not ours.
_define(
    "LIST",
    r"(?:<DET> )?(?:(?!(?:to|on|off|of|from|in|into|and|my|our|the|for)\b)[\w'-]+ ){0,3}?<LISTNOUN>"
    r"|(?:my|our|the|this|that) (?:whole |entire |current |own )?"
    r"list(?! of\b| for\b(?! (?:me|us|today|tonight|tomorrow|this|next)\b))\b"
    r"|(?:my|our|the) (?:[\w'-]+ ){0,2}?(?:<TASKS>|<TODO>)\b|(?:to-do|todo)'?s?\b"
    r"|(?:the )?(?:things|stuff) (?:that )?i (?:still )?(?:have|need|want|ought) to <DOING>",
)
_define(
    "WHOLELIST",
    r"(?:(?:all|of|my|our|the|this|that|whole|entire|current|full|complete|existing|personal"
    r"|domestic|daily|old|own|please) )*(?:<LISTNOUN>|list(?! (?:of|for)\b)|<TODO>)",
)
# All tasks; "my work tasks" are some of them.
_define(
    "ALLTASKS",
    r"<NAMED>|(?:my|our|the|this|that) (?:whole |entire |current |own )?list(?! (?:of|for)\b)\b"
    r"|(?:(?:all|of|my|our|the|these|those|entire|whole|current|existing) )*(?:<TASKS>|<TODO>)\b",
)
_define(
    "FOREIGN",
    r"(?:shopping|grocery|groceries|guest|wish|contact|packing|mailing|buying|price|waiting|wait"
    r"|watch"
    r"|reading|play|christmas)[- ]?lists?|lists? (?:of|for) (?:shopping|groceries|food|songs)"
    r"|playlists?"
    r"|calendars?|schedule|cart|basket|contacts|accounts?|cards?|queue|reservations?|alarms?"
    r"|timers?"
    r"|itinerary|recipes?|insurance|albums?|mix|library|phone|device|settings?|balance|wallet"
    r"|order|bill|tab|favou?rites|bookmarks|phone ?book|address book",
)

# States. ----------------------------------------------------------------------------------------
_define(
    "DONE",
    r"completed?|done|finished|accomplished|closed|checked off|crossed off|ticked off|resolved",
)
_define(
    "OPEN",
    r"pending|open|left|remaining|outstanding|unfinished|incomplete|uncompleted|undone"
    r"|(?:not|never|yet|still to|\w+n't)(?: i| we)?(?: yet| been| be| to be)* <DONE>"
    r"|active|upcoming",
)
_define(
    "EVERYTHING",
    r"(?:just )?(?:(?:absolutely )?everything|all|it all|(?:them|those|these)(?: all)?"
    r"|all of (?:it|them|those|these)"
    r"|(?:every(?: single)?|each) (?:<DONE> |<OPEN> )?(?:<TASK>|item|thing|entry)"
    r"|(?:(?:all|each|of|the|my|our|these|those|entire|whole|current|existing) ){1,5}(?:<TASKS>"
    r"|items|things|stuff|ones(?= (?:that|which|i|we)\b))"
    r"|<TASKS>|what(?='s\b| (?:is|are|i|we)\b)"
    r"|(?:(?:all|of|the|my|our|these|those|already) ){0,5}(?:<DONE>|<OPEN>) (?:<TASKS>|items"
    r"|things|ones|stuff))"
    r"(?:(?: that| which)?(?: is| are|'s| has been| have been| (?:i|we)(?: have|'ve)?)?"
    r"(?: already| now)* (?:<DONE>|<OPEN>))?",
)

# What tasks are chosen by that is neither their state nor their title.
_define("EXCEPT", r"except|but|without|apart from|aside from|other than|besides|excluding")
_define(
    "CHOSENBY",
    r"overdue|past due|late|due|urgent|priority|priorities|tag|tags|tagged|old|older|oldest"
    r"|new|newer|newest|recent|created|sorted|<EXCEPT>",
)

# Verbs. -----------------------------------------------------------------------------------------
_define(
    "ADD",
    r"add|put(?: down| up)?|place|include|insert|append|(?:also )?list|write(?: down| in)?|jot(?:"
    r" down)?"
    r"|note(?: down)?|enter|log|record|stick|throw|pop|drop|slip|set|schedule|get|post|register"
    r"|create|make|save"
    r"|mark down|pencil in|type(?: in)?|toss|chuck|slap|tack|attach|squeeze|sneak|adding|putting"
    r"|placing|including|have|get",
)
_define(
    "MAKE",
    r"set(?: up)?|make|create|add|give|need|needs|want|have|like|get|put(?: in| up| down)?|schedule"
    r"|establish|leave|start|place|program|write|insert|enter|save|record|log|use|request|send"
    r"|text|build|generate|open(?: up)?|arrange|do with|appreciate|receive|turn on|making"
    r"|setting(?: up)?",
)
_define(
    "REMOVE",
    r"delete|remove|erase|drop|discard|trash|scrap|nix|scratch(?: off| out)?|strike(?: off| out)?"
    r"|eliminate"
    r"|cancel|ditch|dump|purge|clear(?: out| off| away| up)?|clean (?:out|off|up)|wipe(?: out|"
    r" off| away| clean)?"
    r"|get rid (?:of|off)|throw (?:out|away)|rub out|nuke|blank(?: out)?|empty|toss|destroy"
    r"|obliterate"
    r"|(?:take|pull|leave|knock) (?:off|out|away)|deleting|removing|erasing|clearing(?: out)?",
)
# Verbs that remove only together with "off" or "from".
_define(
    "TAKE",
    r"take|get|pull|move|knock|lose|kick|leave|keep|exclude|kill|bump|taking|getting|removing",
)
_define(
    "REMOVED",
    r"deleted|removed|erased|cleared(?: out| off)?|emptied|wiped(?: out| clean)?|reset|scrubbed"
    r"|scratched|cleaned (?:out|off)|taken (?:off|out)|purged|trashed",
)
_define("OFF", r"(?:down |away |up )?(?:off|from|out|of)(?: of| from| on| in){0,3}")
# Verbs that remove a thing even when no list is named.
_define(
    "DELETE",
    r"delete|remove|erase|drop|discard|trash|scrap|nix|scratch(?: off| out)?|strike(?: off| out)?"
    r"|eliminate|cancel|ditch|dump|purge|clear(?: out| off)?|get rid (?:of|off)|rub out|throw"
    r" (?:out|away)|toss",
)
_define("CHECKOFF", r"check|cross|tick|mark|knock|strike")
_define(
    "RENAME",
    r"change|update|rename|retitle|edit|modify|revise|reword|correct|alter|replace|set|switch|make",
)
_define(
    "DID",
    r"finished(?: up| off)?|completed|done|did|accomplished|took care of|taken care of|got done"
    r" with",
)
# What was done, in the past tense; titles have the base form.
_IRREGULAR_VERBS = """
    bring brought, build built, buy bought, catch caught, choose chose, cut cut, do did, draw drew,
    drive drove, drive driven, eat ate, eat eaten, feed fed, find found, fly flew, get got,
    give gave, give given, go went, hang hung, hold held, keep kept, lend lent, make made, meet met,
    pay paid, put put, read read, ride rode, run ran, sell sold, send sent, set set, sing sang,
    speak spoke, spend spent, sweep swept, swim swam, take took, take taken, teach taught,
    tell told, throw threw, throw thrown, wake woke, write wrote, write written
"""
IRREGULAR = {past: base for base, past in (pair.split() for pair in _IRREGULAR_VERBS.split(","))}
# "Feed the cat" and "shred the letter" are no past.
_define("PAST", r"(?!\w*eed\b|(?:shr|emb|w)ed\b)[a-z]+ed|" + "|".join(IRREGULAR))
_define(
    "ASK",
    r"(?:(?:at|on|by|for|in) )?(?:what|which)|wh?at'?s?|what're|which|when'?s?|where'?s?|how many"
    r"|how much|how'?s|how (?:is|are|does|do|long is)"
    r"|who|is|isn't|are|aren't|am i|was|were|(?:do|don't) (?:i|we|my|our|the|you)|does|doesn't"
    r"|did|didn't"
    r"|(?:have|haven't) (?:i|we|you)|has|hasn't|had|will (?!you)|would|should|any|anything",
)
_define(
    "READ",
    r"tell|read|show|list|display|give|view|see|look|hear|say|speak|repeat|recite|recall|iterate"
    r"|enumerate|check|go|walk|run|review|print|describe|inform|know|let me"
    r"|(?:let us|let's|lets)(?= (?:see|look|hear|check|go|read|review|have|take)\b)"
    r"|remind me (?:of|what|which|about (?:what|the|my|everything))|open|pull up|bring up|fetch"
    r"|find|search"
    r"|confirm|report|summari[sz]e|state|name|instruct|count|inspect|verify|load|present|relay"
    r"|provide"
    r"|explain|outline|get|access|reveal|spell out|refresh|double check|make sure|ensure|i forgot"
    r"|have a look",
)
# Chores that nobody would ask an assistant to do: "I need to ..." means the user will.
_define(
    "ERRAND",
    r"(?:do|fold|wash|finish|start) (?:(?:the|my|our|some|a load of) )?(?:[\w'-]+ )?(?:laundry"
    r"|dishes|homework|chores"
    r"|housework|ironing|gardening|yard ?work|taxes|cleaning|floors?|windows?)"
    r"|(?:buy|pick up|clean|wash|mop|sweep|vacuum|dust|feed|water|walk|mow|iron|bake|take out|fix"
    r"|repair|paint|study"
    r"|return|drop off|scrub|tidy|weed|rake|shovel|polish|organi[sz]e|declutter|mail|shop"
    r"|exercise|work out) ?",
)

# Numbers. ---------------------------------------------------------------------------------------
NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}
ORDINAL_WORDS = {
    word: number
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        1,
    )
} | {"last": -1, "final": -1, "latest": -1, "bottom": -1, "top": 1}
_define("NUMBER", r"\d{1,9}\b|(?:" + "|".join(NUMBER_WORDS) + r")\b")
_define(
    "ORDINAL", r"(?:" + "|".join(ORDINAL_WORDS) + r"|\d{1,3}(?:st|nd|rd|th)|second[- ]to[- ]last)\b"
)
