"""The rules: each a pure function of the view that yields what it finds.

A rule names a cause only where the cluster says so; where it does not, the symptom (`health`)
stays "unknown" and shows the best evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from todo_operations.diagnosis.evidence import Evidence
from todo_operations.diagnosis.findings import Finding, roots
from todo_operations.diagnosis.rules import (
    autoscaling,
    certificates,
    containers,
    creation,
    dns,
    health,
    images,
    logs,
    nodes,
    policies,
    probes,
    references,
    releases,
    services,
    storage,
)
from todo_operations.diagnosis.view import Unread, View

RULES = [
    *images.RULES,
    *references.RULES,
    *containers.RULES,
    *probes.RULES,
    *logs.RULES,
    *creation.RULES,
    *nodes.RULES,
    *storage.RULES,
    *services.RULES,
    *policies.RULES,
    *dns.RULES,
    *certificates.RULES,
    *autoscaling.RULES,
    *releases.RULES,
    *health.RULES,
]


def diagnose(evidence: Evidence) -> tuple[list[Finding], list[str]]:
    """What is wrong by this evidence, root causes first, and which rules could not judge it.

    An object of a shape that a rule does not expect silences that rule, not the others.
    """
    view = View(evidence)
    findings: list[Finding] = []
    gaps: list[str] = []
    for rule in RULES:
        try:
            findings += rule(view)
        except Unread as error:
            gaps.append(f"the rule {_name(rule)} could not judge: {error}")
        except Exception as error:
            gaps.append(f"the rule {_name(rule)} could not judge: {error!r}")
    return roots(findings), gaps


def _name(rule: Callable[[View], Iterator[Finding]]) -> str:
    return f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}"
