"""What a rule finds, and how findings explain each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "unknown"
# Lines of evidence that one finding shows.
_LINES = 10


@dataclass(frozen=True, order=True)
class Ref:
    """An object of the cluster; ``namespace`` is empty for those that are in none."""

    kind: str
    namespace: str
    name: str

    def __post_init__(self) -> None:
        if not all(isinstance(part, str) for part in (self.kind, self.namespace, self.name)):
            raise TypeError(f"no name of an object: {self.kind} {self.namespace} {self.name}")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else self.short

    @property
    def short(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, order=True)
class Line:
    """One line of evidence: where it was read, and what it says."""

    source: str
    text: str


@dataclass
class Finding:
    """A cause (``cause`` is its id), or with the cause "unknown" only what was seen.

    ``waits_for`` names the objects whose own findings would explain this one; when it names
    ``about`` itself, any other finding about the same object does. ``symptoms`` are the findings
    that this one explains.
    """

    cause: str
    about: Ref
    sentence: str
    remedy: str
    evidence: list[Line]
    severity: str = "error"
    confidence: str = "certain"
    waits_for: frozenset[Ref] = frozenset()
    symptoms: list[Finding] = field(default_factory=list)

    def as_json(self, numbers: Mapping[Line, int]) -> dict[str, Any]:
        """The finding as plain data; ``numbers`` are those by which its lines are cited."""
        return {
            "cause": self.cause,
            "about": str(self.about),
            "sentence": self.sentence,
            "remedy": self.remedy,
            "severity": self.severity,
            "confidence": self.confidence,
            "evidence": [
                {"number": numbers.get(line), "source": line.source, "text": line.text}
                for line in self.evidence
            ],
            "symptoms": [finding.as_json(numbers) for finding in self.symptoms],
        }


def roots(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that no other explains, worst first, with all others beneath them."""
    merged = _merged(findings)
    parents = {id(finding): _explanation(finding, merged) for finding in merged}
    top: list[Finding] = []
    for finding in merged:
        root = _root(finding, parents)
        if root is finding:
            top.append(finding)
        else:
            root.symptoms.append(finding)
    return sorted(top, key=_rank)


def _rank(finding: Finding) -> tuple[bool, bool, bool, int, Ref, str]:
    return (
        finding.severity != "error",
        finding.cause == UNKNOWN,
        finding.confidence != "certain",
        -len(finding.symptoms),
        finding.about,
        finding.cause,
    )


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each cause and object, with the evidence of all."""
    merged: dict[tuple[str, Ref], Finding] = {}
    for finding in findings:
        first = merged.setdefault((finding.cause, finding.about), finding)
        if first is not finding:
            first.evidence += finding.evidence
            first.waits_for |= finding.waits_for
            if "certain" in (first.confidence, finding.confidence):
                first.confidence = "certain"
        first.evidence = list(dict.fromkeys(first.evidence))[:_LINES]
    return sorted(merged.values(), key=_rank)


def _explanation(finding: Finding, others: list[Finding]) -> Finding | None:
    """The finding that explains this one best: a known cause first, its own object first."""
    candidates = [
        other
        for other in others
        if other is not finding
        and other.about in finding.waits_for
        and (other.cause != UNKNOWN or other.about != finding.about)
        # A warning is no reason for what does not work, unless it is about the same thing.
        and (other.severity == "error" or other.about == finding.about)
    ]
    # What itself only waits is the weaker explanation.
    return min(
        candidates,
        key=lambda other: (
            other.cause == UNKNOWN,
            bool(other.waits_for),
            other.about != finding.about,
            _rank(other),
        ),
        default=None,
    )


def _root(finding: Finding, parents: dict[int, Finding | None]) -> Finding:
    """The end of the chain of explanations; of a circle, its first by rank."""
    chain = [finding]
    while (parent := parents[id(chain[-1])]) is not None:
        if parent in chain:
            return min(chain[chain.index(parent) :], key=_rank)
        chain.append(parent)
    return chain[-1]
