"""Pods that the API server refuses: quota, limits, Pod Security, accounts, webhooks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import SETTINGS, value
from todo_operations.diagnosis.view import View, event_line

_QUOTA = re.compile(r"exceeded quota: (?P<quota>[\w.-]+), requested: (?P<asked>[^,]+)")
_QUOTA_NEEDS = re.compile(r"failed quota: (?P<quota>[\w.-]+): must specify (?P<what>.+)")
_LIMIT_RANGE = re.compile(r"(?:maximum|minimum) \S+ usage per (?:Container|Pod) is [^,]+")
_POD_SECURITY = re.compile(r"violates PodSecurity \\?\"(?P<level>[^\"\\]+)\\?\": (?P<why>.+)")
_ACCOUNT = re.compile(r"serviceaccount \\?\"(?P<name>[^\"\\]+)\\?\" not found")
_PRIORITY = re.compile(r"no PriorityClass with name (?P<name>\S+) was found")
_WEBHOOK = re.compile(r"admission webhook \\?\"(?P<name>[^\"\\]+)\\?\"")
_QUOTA_PATH = "resourceQuota.hard"


def refused(view: View) -> Iterator[Finding]:
    for owner, item in view.workloads.items():
        wanted = owner.kind == "Job" or view.is_short(owner)
        if not wanted or (owner.kind == "Job" and (item.get("status") or {}).get("active")):
            continue
        if (item.get("status") or {}).get("succeeded"):
            continue
        lines = [
            event_line(event)
            for creator in view.creators_of(owner)
            if not view.has_made_all(creator)
            for event in view.events(creator, "FailedCreate")
        ]
        lines += [
            Line(f"condition {condition['type']} of {owner}", str(condition.get("message", "")))
            for condition in (item.get("status") or {}).get("conditions") or []
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True"
        ]
        for line in reversed(lines):
            if found := _judge(view, owner, line):
                yield found
                break


def _judge(view: View, owner: Ref, line: Line) -> Finding | None:
    text = line.text
    if found := _QUOTA.search(text):
        return Finding(
            "quota-exceeded",
            owner,
            f"{owner} gets no pod: the quota {found['quota']} of {owner.namespace} has "
            f"no room for {found['asked'].strip()}.",
            f"{_quota(view, owner)}, or {value(view, owner, 'resources')}.",
            [line],
        )
    if found := _QUOTA_NEEDS.search(text):
        return Finding(
            "quota-exceeded",
            owner,
            f"{owner} gets no pod: the quota {found['quota']} wants every container to say its "
            f"{found['what'][:120]}.",
            f"{value(view, owner, 'resources')}.",
            [line],
        )
    if found := _LIMIT_RANGE.search(text):
        return Finding(
            "limit-range-exceeded",
            owner,
            f"{owner} gets no pod: a container asks for more than allowed: {found[0]}.",
            f"{value(view, owner, 'resources')}, or raise `limitRange.max` of `namespace`.",
            [line],
        )
    if found := _POD_SECURITY.search(text):
        return Finding(
            "pod-security-refused",
            owner,
            f"{owner} gets no pod: the namespace {owner.namespace} allows only "
            f"{found['level']} pods: {found['why'][:200]}.",
            f"{value(view, owner, 'securityContext')}.",
            [line],
        )
    if found := _ACCOUNT.search(text):
        return Finding(
            "service-account-missing",
            owner,
            f"{owner} gets no pod: its ServiceAccount {found['name']} does not exist.",
            f"make the account, or {value(view, owner, 'serviceAccountName')}.",
            [line],
        )
    if found := _PRIORITY.search(text):
        return Finding(
            "priority-class-missing",
            owner,
            f"{owner} gets no pod: its PriorityClass {found['name']} does not exist.",
            f"`make up TAGS=namespace` makes the platform's classes, or "
            f"{value(view, owner, 'priorityClassName')}.",
            [line],
        )
    if found := _WEBHOOK.search(text):
        return Finding(
            "admission-refused",
            owner,
            f"{owner} gets no pod: the admission webhook {found['name']} refuses it.",
            "see to the webhook's service, or meet what it asks for (its message is the evidence).",
            [line],
        )
    return None


def _quota(view: View, owner: Ref) -> str:
    if view.release_of(owner):
        return (
            f"raise `{_QUOTA_PATH}` in the values of the release namespace in {SETTINGS}, then "
            "`make up TAGS=namespace`"
        )
    return f"raise the quota of the namespace {owner.namespace}"


RULES = [refused]
