"""Secrets are taken out of every text before it is kept, shown or sent to anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"

# Names whose value is secret wherever it stands: NAME=value, "name": "value", --name value.
WORDS = (
    r"passw(?:or)?d|passphrase|pwd|secret|token(?!iz)|credential|authorization|cookie"
    r"|(?:api|access|private|signing|account|shared)[-_]?key|session[-_]?id"
)
# Short ones, which are a word of their own (db_pass, but not bypass), before "=" only: after a
# colon they begin many a sentence.
_SHORT = r"(?:(?<![a-z])|(?<=db)|(?<=pg))(?:pass|auth|key|sig|dsn)"
# The words that a variable's name is made of: API_KEY, apiKey. KEYCLOAK_HOST has no KEY.
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORD = re.compile(
    r"\w*(?:PASSW(?:OR)?D|PASSPHRASE|SECRET|CREDENTIAL)\w*"
    r"|\w*(?:TOKEN|COOKIE|(?:API|ACCESS|PRIVATE|SIGNING|ACCOUNT|SHARED)KEY)S?"
    r"|(?:DB|PG|REQUIRE)?PASS|PWD|KEYS?|(?:MASTER)?AUTH|AUTHORIZATION|DSN|SIG",
    re.IGNORECASE,
)
# What such a name holds when it is only the place of a secret, not the secret itself.
_PLACE = re.compile(r"(?:/[\w.@-]+)+/?|\d{1,5}|true|false|")

_VALUE = (
    r"""(?P<value>(?:bearer|basic)\s+[^\s"',;]+|\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'"""
    r"""|[^\s"',;&}\]]+)"""
)
# What programs say of a setting, in place of its value.
_COMPLAINTS = (
    r"field required|(?:input|string|value) should|value error"
    r"|(?:not set|missing|required)(?![\w-])"
)
# NAME=value, NAME: value, "name": "value" (also escaped inside JSON), --name value.
_NAMED = re.compile(
    rf"""(?P<before>[\w.-]*(?:{WORDS})[\w.-]*\\?["']?\s*[=:]\s*)(?!{_COMPLAINTS}){_VALUE}""",
    re.IGNORECASE,
)
_SHORT_NAMED = re.compile(rf"""(?P<before>[\w.-]*{_SHORT}\\?["']?\s?=\s?){_VALUE}""", re.IGNORECASE)
# auth: value, pass: value, where nothing but the value follows.
_SHORT_SAID = re.compile(
    r"""(?P<before>(?<![a-z])(?:[\w.-]*[_.-])?(?:pass|auth)\\?["']?:\s+)"""
    rf"""(?!{_COMPLAINTS}){_VALUE}(?=\s*(?:[,;}}\]]|$))""",
    re.IGNORECASE | re.MULTILINE,
)
# --name value; the last two are Redis's.
_OPTION = re.compile(
    rf"(?P<before>--[\w-]*(?:{WORDS}|requirepass|masterauth)[\w-]*\s+){_VALUE}", re.IGNORECASE
)
_PATTERNS = (
    # A private key, also one whose end is cut off and one in a single line of JSON.
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY.*?(?:END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
    # scheme://user:password@host
    (
        re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*):[^\s@\"']+@", re.IGNORECASE),
        rf"\g<scheme>:{MASK}@",
    ),
    (
        re.compile(r"\b(?P<kind>bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
        rf"\g<kind> {MASK}",
    ),
    # JSON web tokens, keys of well-known services.
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), MASK),
    (
        re.compile(
            r"\b(?:(?:sk|pk|rk|gh[pousr]|github_pat|glpat|xox[abposr]|hf|npm)[-_]|AKIA|ASIA|AIza)"
            r"[A-Za-z0-9_-]{12,}"
        ),
        MASK,
    ),
)
# Random text: long, and with capitals, small letters and digits. Names of Kubernetes objects and
# digests of images have no capitals.
_LONG = re.compile(r"[A-Za-z0-9_+=-]{24,}")


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret (TODO_DATABASE_PASSWORD, apiKey)."""
    return any(_SECRET_WORD.fullmatch(word) for word in _NAME_WORDS.findall(name))


def is_place(value: str) -> bool:
    """Whether a value only says where something is (a path) or how much of it (a number)."""
    return bool(_PLACE.fullmatch(value))


def mask(text: str, known: Iterable[str] = ()) -> str:
    """The text without secrets: those of a known shape, and the given values themselves."""
    for value in known:
        text = text.replace(value, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    for named in (_NAMED, _SHORT_NAMED, _SHORT_SAID, _OPTION):
        text = named.sub(_named, text)
    return _LONG.sub(_random, text)


def mask_all(value: Any, known: Iterable[str] = ()) -> Any:
    """The same for every string inside lists and mappings."""
    if isinstance(value, str):
        return mask(value, known)
    if isinstance(value, list):
        return [mask_all(item, known) for item in value]
    if isinstance(value, dict):
        return {key: mask_all(item, known) for key, item in value.items()}
    return value


def _named(found: re.Match[str]) -> str:
    value = found["value"]
    if is_place(value.strip("\"'\\")) or MASK in value:
        return found[0]
    quote = next((mark for mark in ('\\"', '"', "'") if value.startswith(mark)), "")
    return f"{found['before']}{quote}{MASK}{quote}"


def _random(found: re.Match[str]) -> str:
    text = found[0]
    kinds = (str.isupper, str.islower, str.isdigit)
    return MASK if all(any(kind(letter) for letter in text) for kind in kinds) else text
