"""`todo-operations diagnose`: what is wrong in the cluster, why, and what to do.

Reads only. Exit status: 0 nothing is wrong, 1 something is, 2 the cluster could not be asked.
"""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from pathlib import Path
from typing import Any

from todo_operations.cli import KUBECONFIG, OWN_INVENTORY, CommandError
from todo_operations.diagnosis.api import Api
from todo_operations.diagnosis.evidence import Evidence, collect, load, save
from todo_operations.diagnosis.findings import Finding, Line
from todo_operations.diagnosis.rules import diagnose
from todo_operations.diagnosis.view import View
from todo_operations.summary import summarize

NAMESPACES = ["todo", "ingress"]
_WIDTH = 100
# Seconds that gathering evidence may take; what is not answered by then is a gap.
_PATIENCE = 8
_MODEL_SETTINGS = ("OPENAI_BASE_URL", "OPENAI_API_KEY")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kubeconfig", type=Path, default=KUBECONFIG, help="default: the checkout's own cluster"
    )
    parser.add_argument(
        "--namespace",
        action="append",
        metavar="NAME",
        help=f"a namespace to look at, may be given again; default: {' and '.join(NAMESPACES)}",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the findings as JSON, too"
    )
    parser.add_argument(
        "--evidence", type=Path, metavar="FILE", help="write the evidence, without secrets, as JSON"
    )
    parser.add_argument(
        "--from",
        dest="recorded",
        type=Path,
        metavar="FILE",
        help="judge evidence written before, without a cluster",
    )
    parser.add_argument(
        "--no-model", action="store_true", help="ask no model, also where one is configured"
    )


def run(arguments: argparse.Namespace) -> int:
    evidence = _evidence(arguments)
    if arguments.evidence:
        save(evidence, arguments.evidence)
    findings, silent = diagnose(evidence)
    evidence["gaps"] += silent
    report = as_json(evidence, findings)
    text = as_text(evidence, findings)
    if findings and not arguments.no_model and any(map(os.environ.get, _MODEL_SETTINGS)):
        words, said = _summary(findings)
        report["summary"] = said
        text += f"\n\n{words}"
    if arguments.output:
        save(report, arguments.output)
    print(json.dumps(report, indent=2) if arguments.json else text)
    return 1 if findings else 0


def _evidence(arguments: argparse.Namespace) -> Evidence:
    if arguments.recorded:
        return load(arguments.recorded)
    api = Api(arguments.kubeconfig, patience=_PATIENCE)
    return collect(api, arguments.namespace or NAMESPACES)


def _summary(findings: list[Finding]) -> tuple[str, dict[str, Any]]:
    """What the configured model says, as text and for JSON; its failure changes no finding."""
    # Loaded only where it is used: the client library takes half a second.
    from todo_operations import model

    try:
        client = model.Model.from_environment()
        found = summarize(
            findings,
            numbered(findings),
            lambda messages: client.complete(messages, purpose="diagnose"),
        )
    except CommandError as error:
        return f"No summary: {error}", {"problem": str(error)}
    claims = [
        {"text": claim.text, "evidence": list(claim.cites), "guess": not claim.cites}
        for claim in found.claims
    ]
    return found.as_text(findings), {"order": list(found.order), "claims": claims}


def numbered(findings: list[Finding]) -> dict[Line, int]:
    """The number of each line of evidence, by which it is cited."""
    lines = dict.fromkeys(line for finding in findings for line in finding.evidence)
    return {line: number for number, line in enumerate(lines, start=1)}


def as_json(evidence: Evidence, findings: list[Finding]) -> dict[str, Any]:
    return {
        "healthy": not findings,
        "namespaces": evidence["asked"],
        "collected_at": evidence["collected_at"],
        "seconds": evidence["seconds"],
        "findings": [finding.as_json(numbered(findings)) for finding in findings],
        "gaps": evidence["gaps"],
    }


def as_text(evidence: Evidence, findings: list[Finding]) -> str:
    """The findings for people: cause, remedy, numbered evidence, what follows from it."""
    where = " and ".join(evidence["asked"])
    seconds = f"Kubernetes {evidence['kubernetes']}, asked in {evidence['seconds']:.1f} s"
    if findings:
        count = f"{len(findings)} cause" + ("s" if len(findings) > 1 else "")
        lines = [f"{count} found in {where} ({seconds})."]
    else:
        # What was not read may hide anything.
        what = f"what could be read of {where}" if evidence["gaps"] else where
        lines = [f"Nothing is wrong in {what} ({seconds})."]
    numbers = numbered(findings)
    for finding in findings:
        lines += ["", f"{finding.severity.upper()} {finding.cause} ({finding.confidence})"]
        lines += _wrapped("  cause:  ", finding.sentence) + _wrapped("  remedy: ", finding.remedy)
        for line in finding.evidence:
            lines += _wrapped(f"  [{numbers[line]}] ", f"{line.source}: {line.text}")
        lines += [f"  explains: {symptom.about} ({symptom.cause})" for symptom in finding.symptoms]
    named = any("`make " in finding.remedy for finding in findings)
    if named and not View(evidence).is_minikube:
        note = (
            f"On a cluster of your own `make` needs its inventory as well: ARGS='{OWN_INVENTORY}'."
        )
        lines += ["", note]
    lines += ["", *(f"Not read: {gap}" for gap in evidence["gaps"])] if evidence["gaps"] else []
    return "\n".join(lines)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False
    ) or [head]
