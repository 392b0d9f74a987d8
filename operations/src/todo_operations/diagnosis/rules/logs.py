"""What programs say before they fail.

A log is the program's own words, and anybody who can write to it can write anything: what is read
there alone is "likely". Only the logs of containers that do not work are read at all, and of them
only the last words: what was said long before the end, or before another failure, is no reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import SETTINGS, settings, value
from todo_operations.diagnosis.rules.storage import room
from todo_operations.diagnosis.view import View

# The last lines of a log, in which a failure is told; indented ones belong to the line before.
_LAST = 5
_LAST_WITH_INDENTED = 25
# Where a program begins to tell how it failed: what stands before is older.
_FAILURE = re.compile(r"^\s*(?:Traceback \(most recent call last\)|panic: |thread '.*' panicked)")
# Lines that are shown of those that say the same.
_SHOWN = 3


@dataclass(frozen=True)
class Pattern:
    """A way of failing: how programs say it, and what it means."""

    cause: str
    words: re.Pattern[str]
    sentence: str
    # Whether the cause may be the failure of something that the program needs.
    elsewhere: bool = False
    # The exit status that, with these words, makes it certain; with another it is not this cause.
    status: int | None = None


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


PATTERNS = [
    Pattern(
        "read-only-file-system",
        _words(r"read-only file system|\bEROFS\b|errno 30\b"),
        "writes to its root file system, which is read-only",
    ),
    Pattern(
        "disk-full",
        _words(r"no space left on device|\bENOSPC\b|errno 28\b"),
        "has no space left on a volume",
    ),
    Pattern(
        "database-password-wrong",
        _words(r"password authentication failed for user"),
        "is refused by the database, because its password is another one",
    ),
    Pattern(
        "database-missing",
        _words(r"(?:database|role) \\*\"[\w-]+\\*\" does not exist"),
        "asks for a database or a role that the server does not have",
    ),
    Pattern(
        "database-connections-used-up",
        _words(r"too many clients already|remaining connection slots are reserved"),
        "gets no connection, because the database has no more to give",
        elsewhere=True,
    ),
    Pattern(
        "port-taken",
        _words(r"address already in use|\bEADDRINUSE\b|errno 98\b"),
        "wants to listen on a port that is taken in its pod",
    ),
    Pattern(
        "certificate-not-trusted",
        _words(
            r"certificate verify failed|certificate has expired|x509: certificate"
            r"|self-signed certificate"
        ),
        "does not trust the certificate of what it calls",
        elsewhere=True,
    ),
    Pattern(
        "bad-configuration",
        # The project's programs name the variable, then end with status 2.
        re.compile(r"^TODO_[A-Z0-9_]+: \S"),
        "refuses its settings",
        status=2,
    ),
    Pattern(
        "bad-configuration",
        _words(
            r"validation errors? for \w+settings|unrecognized configuration parameter"
            r"|invalid value for parameter"
            r"|(?:invalid|unknown|bad) (?:configuration|config|setting)\b"
            r"|(?:unknown|unrecognized|unrecognised) (?:flag|option|argument|directive)"
            r"|environment variable \S+ (?:is )?(?:not set|missing|required|must)"
            r"|missing required (?:setting|environment|configuration|option|variable)"
            r"|could not parse (?:the )?config|error (?:parsing|loading|reading) config"
        ),
        "refuses its settings",
    ),
    Pattern(
        "permission-denied",
        _words(r"permission denied: ['\"/]|\bEACCES\b|errno 13\b|permissions? .*should be u=rwx"),
        "may not read or write a file that it needs",
    ),
    Pattern(
        "name-not-resolved",
        _words(
            r"name or service not known|temporary failure in name resolution"
            r"|\bENOTFOUND\b|\bEAI_AGAIN\b"
            r"|could not translate host name|no such host|getaddrinfo failed|name does not resolve"
        ),
        "cannot resolve a name that it needs",
        elsewhere=True,
    ),
    Pattern(
        "dependency-unreachable",
        _words(
            r"connection refused|\bECONNREFUSED\b|\bETIMEDOUT\b|connection timed out"
            r"|timeout expired|no route to host|\bEHOSTUNREACH\b|connection attempts? failed"
            r"|could not connect to server"
            r"|network is unreachable"
        ),
        "cannot reach what it needs",
        elsewhere=True,
    ),
]

_UNREACHED = _words(
    "|".join(
        pattern.words.pattern
        for pattern in PATTERNS
        if pattern.cause in ("name-not-resolved", "dependency-unreachable")
    )
    # A port that a Service does not have answers nothing at all; our own services say it so.
    + "|timed out|does not answer|no answer within"
)


def told_by_logs(view: View) -> Iterator[Finding]:
    for container in view.broken_containers():
        source, lines = view.log(container)
        last = last_words(lines)
        if found := _last_match(last, container.ended.get("exitCode")):
            pattern, line = found
            owner = container.owner
            said = [text for text in last if pattern.words.search(text)]
            yield Finding(
                pattern.cause,
                owner,
                f"{owner}: the container {container.name} {pattern.sentence}: {line.strip()[:200]}",
                _remedy(view, owner, pattern.cause),
                [
                    *(Line(source, text) for text in said[-_SHOWN:]),
                    container.state_line(),
                ],
                confidence="likely" if pattern.status is None else "certain",
                waits_for=view.dependencies(owner) | {owner} if pattern.elsewhere else frozenset(),
            )


def unreached(view: View, owner: Ref) -> list[Line]:
    """Where a workload says, in its log or of its readiness, that it does not reach something."""
    found = []
    for container in view.broken_containers():
        if container.owner == owner:
            source, lines = view.log(container)
            found += [Line(source, line) for line in last_words(lines)]
    for pod in view.pods_of(owner):
        found += view.readiness(pod)
    return [line for line in found if _UNREACHED.search(line.text)][-_SHOWN:]


def last_words(lines: list[str]) -> list[str]:
    """What a program said at its end, of its last failure only."""
    found: list[str] = []
    whole = 0
    for line in reversed(lines[-_LAST_WITH_INDENTED:]):
        if _FAILURE.match(line):
            break
        found.append(line)
        whole += not line[:1].isspace()
        if whole == _LAST:
            break
    return found[::-1]


def _last_match(lines: list[str], status: int | None) -> tuple[Pattern, str] | None:
    """The last line that says why, with what it says; settings come before everything else."""
    for line in reversed(lines):
        for pattern in PATTERNS:
            if pattern.status in (None, status) and pattern.words.search(line):
                return pattern, line
    return None


def _remedy(view: View, owner: Ref, cause: str) -> str:
    release = view.release_of(owner)
    if cause == "read-only-file-system":
        return f"write under a volume (an emptyDir), or {value(view, owner, 'volumes')}."
    if cause == "disk-full":
        return f"{room(view, owner)}."
    if cause == "database-password-wrong" and release:
        return (
            "`make up TAGS=secrets` gives the database the passwords of the Secret todo-database."
        )
    if cause == "database-missing" and release:
        return "`make up TAGS=postgres` makes the database and its roles."
    if cause == "database-connections-used-up":
        return (
            "run fewer pods, or set `maxConnections` in the values of the release postgres in "
            f"{SETTINGS}, then `make up TAGS=postgres`."
        )
    if cause == "certificate-not-trusted" and release:
        return "`make up TAGS=secrets` renews the platform's certificates."
    if cause == "name-not-resolved":
        return f"correct the host's name in the settings of {owner}; see that DNS works."
    if cause == "dependency-unreachable":
        return f"see to what {owner} calls, or correct the address in its settings."
    if release:
        return f"correct {settings(view, owner)}."
    return f"correct the settings of {owner}."


RULES = [told_by_logs]
