"""Helm releases that were left half-way, rollouts that were paused, migrations that failed."""

from __future__ import annotations

from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.view import View, ref

# Seconds that a Helm may be at work, in which a pending release is no fault; the role helm_release
# gives a release five minutes.
_AT_WORK = 420
_LOG_LINES = 4


def left_half_way(view: View) -> Iterator[Finding]:
    for release in view.evidence.get("releases") or []:
        name, status = release["name"], release["status"]
        about = Ref("Release", release["namespace"], name)
        age = view.age(release["modified_at"])
        line = Line(str(about), f"revision {release['revision']}, status {status}, {age:.0f} s ago")
        if status == "failed":
            yield Finding(
                "release-failed",
                about,
                f"{about}: its last upgrade failed.",
                f"see to what kept it from being ready, then `make up TAGS={name}`; "
                f"`make rollback RELEASE={name}` takes it back.",
                [line],
                waits_for=_parts(view, name, release["namespace"]),
            )
        elif status.startswith("pending-") or status == "uninstalling":
            if age < _AT_WORK:
                continue
            yield Finding(
                "release-stuck",
                about,
                f"{about} has been {status} for {age / 60:.0f} minutes: the Helm at work was "
                "killed.",
                f"`make up TAGS={name}` takes it back to its last good revision and releases it.",
                [line],
            )


def _parts(view: View, name: str, namespace: str) -> frozenset[Ref]:
    """The workloads of a release, and what they wait for."""
    own = {
        about
        for about, item in view.workloads.items()
        if about.namespace == namespace
        and (
            (item["metadata"].get("labels") or {}).get("app.kubernetes.io/instance") == name
            or (item["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name") == name
        )
    }
    return frozenset(own | {other for about in own for other in view.dependencies(about)})


def migration_failed(view: View) -> Iterator[Finding]:
    for about, job in view.workloads.items():
        labels = job["metadata"].get("labels") or {}
        is_migration = labels.get("app.kubernetes.io/component") == "migration" or (
            "migrat" in about.name
        )
        if about.kind != "Job" or not is_migration or not view.is_short(about):
            continue
        evidence = [
            Line(f"condition {item['type']} of {about}", str(item.get("message", "")))
            for item in (job.get("status") or {}).get("conditions") or []
            if item["type"] == "Failed" and item["status"] == "True"
        ]
        for pod in view.pods_of(about):
            for container in view.containers(pod):
                source, lines = view.log(container)
                evidence += [container.state_line()]
                evidence += [Line(source, line) for line in lines[-_LOG_LINES:]]
        yield Finding(
            "migration-failed",
            about,
            f"{about} could not bring the database to this version's shape, so the release waits.",
            "read the job's last lines in the evidence; nothing is left half done, and `make up` "
            "tries again. `make restore FILE=...` brings a backup back.",
            evidence or [Line(str(about), "failed")],
            # A database out of reach, a refused password or a wrong setting is the better cause.
            waits_for=view.dependencies(about) | {about},
        )


def paused(view: View) -> Iterator[Finding]:
    for item in view.items("deployments"):
        about = ref("Deployment", item)
        if item["spec"].get("paused") and view.is_short(about):
            yield Finding(
                "rollout-paused",
                about,
                f"{about} was paused in the middle of a rollout.",
                f"`kubectl rollout resume deployment/{about.name} -n {about.namespace}`.",
                [Line(str(about), "spec.paused is true")],
            )


RULES = [left_half_way, migration_failed, paused]
