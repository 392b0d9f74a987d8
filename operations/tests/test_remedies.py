"""Remedies are true: the commands, files and settings that they name exist."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from todo_operations import chart_values
from todo_operations.diagnosis.findings import Ref
from todo_operations.diagnosis.rules import diagnose, remedies
from todo_operations.diagnosis.view import View

from .cluster import (
    NAMESPACE,
    crashed,
    deployment,
    event,
    evidence,
    metadata,
    pod,
    replicaset,
)

ROOT = Path(__file__).resolve().parents[2]
CHARTS = sorted(path.parent.name for path in ROOT.glob("charts/*/values.schema.json"))
SOURCES = sorted((ROOT / "operations" / "src").rglob("*.py"))


def named(pattern: str) -> set[str]:
    text = "\n".join(path.read_text() for path in SOURCES)
    # A text that goes on in the next line of the source.
    return set(re.findall(pattern, re.sub(r'"\s*\n\s*f?"', "", text)))


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {
        name for names in re.findall(r"^([a-z][\w -]*?):", makefile, re.M) for name in names.split()
    }
    assert named(r"`make ([a-z-]+)") <= targets


@pytest.mark.parametrize("path", sorted(named(r"inventory/[\w/]+\.yml")))
def test_files_exist(path: str) -> None:
    assert (ROOT / path).is_file()


def test_tags_exist() -> None:
    known = (ROOT / "site.yml").read_text() + (
        ROOT / "inventory/group_vars/all/releases.yml"
    ).read_text()
    for tag in named(r"make up TAGS=([a-z-]+)"):
        assert re.search(rf"\b{tag}\b", known), tag


@pytest.mark.parametrize(
    "setting",
    sorted(named(r"`((?:platform|ingress|secrets|minikube)_\w+)`")),
)
def test_settings_exist(setting: str) -> None:
    text = "".join(path.read_text() for path in ROOT.glob("inventory/group_vars/all/*.yml"))
    text += "".join(path.read_text() for path in ROOT.glob("roles/*/defaults/main.yml"))
    assert re.search(rf"^{setting}:", text, re.M)


def value_paths() -> set[str]:
    """What the rules call values: the last argument of each call of `value`."""
    found = set()
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                not isinstance(call, ast.Call)
                or not isinstance(call.func, ast.Name)
                or call.func.id != "value"
            ):
                continue
            text = ast.unparse(call.args[-1]).removeprefix("f").strip("'\"")
            for kind in ("readinessProbe", "livenessProbe", "startupProbe"):
                found.add(text.replace("{kind}", kind))
    # Of the sum of a text and a variable.
    found.discard("resources.requests.' + found['what']")
    return found | {"resources.requests.cpu", "resources.requests.memory"}


def labelled(item: dict[str, Any], release: str) -> dict[str, Any]:
    """The same object as one that Helm has made."""
    labels = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": release}
    item["metadata"]["labels"] = labels
    return item


def owned_by(release: str, **container: Any) -> dict[str, Any]:
    """A Deployment that Helm has made."""
    return labelled(deployment("web", ready=0, **container), release)


def advice(release: str, path: str) -> str:
    view = View(evidence(deployments=[owned_by(release)]))
    return remedies.value(view, Ref("Deployment", NAMESPACE, "web"), path)


def test_the_paths_of_values_are_found() -> None:
    assert {"image.tag", "startupProbe.httpGet.path", "livenessProbe"} <= value_paths()
    assert all(re.fullmatch(r"[\w.-]+", path) for path in value_paths()), value_paths()


@pytest.mark.parametrize("chart", CHARTS)
def test_only_values_that_a_chart_has_are_named(chart: str) -> None:
    """What the chart's schema refuses was changed in the object itself."""
    schema = json.loads((ROOT / "charts" / chart / "values.schema.json").read_text())
    for path in value_paths():
        values: Any = {}
        for key in reversed(path.split(".")):
            values = {key: values}
        errors = Draft7Validator(schema).iter_errors(values)
        refused = any(error.validator == "additionalProperties" for error in errors)
        said = advice(chart, path)
        assert (f"set `{path}`" in said) is not refused, said
        assert ("was changed by hand" in said) is refused, said


def test_the_agents_have_a_tag_and_a_file_of_their_own() -> None:
    assert advice("agents", "resources") == (
        "set `resources` in the values of the release agents in "
        "inventory/group_vars/all/agents.yml, then `make up TAGS=kagent`"
    )


def test_what_is_of_no_chart_of_ours_is_changed_itself() -> None:
    said = f"change resources of Deployment {NAMESPACE}/web and apply it again"
    assert advice("somebodys-shop", "resources") == said


def test_a_probe_that_was_edited_in_a_release_is_put_back() -> None:
    probe = {"httpGet": {"path": "/nowhere", "port": 8000}}
    answer = "Readiness probe failed: HTTP probe failed with statuscode: 404"
    found = evidence(
        deployments=[owned_by("backend", readinessProbe=probe)],
        replicasets=[replicaset("web")],
        pods=[pod("web", container={"readinessProbe": probe})],
        events=[event("Pod", "web-1", "Unhealthy", answer, uid="uid-of-web")],
    )
    ((finding,), _) = diagnose(found)
    assert finding.cause == "probe-path-wrong"
    assert finding.remedy == (
        "`make up TAGS=backend` puts readinessProbe.httpGet.path back where it was changed by hand "
        "(the chart has no value for it)."
    )


def database(
    claims: dict[str, str], *, measured: list[str], expandable: bool = False, release: str = ""
) -> dict[str, Any]:
    """A StatefulSet whose pod has these volumes, of which some are full; claims by volume."""
    volumes: list[dict[str, Any]] = [
        {"name": name, "persistentVolumeClaim": {"claimName": claim}}
        for name, claim in claims.items()
    ]
    item = pod("postgres", spec={"volumes": volumes}, **crashed())
    item["metadata"] |= {
        "name": "postgres-0",
        "ownerReferences": [{"kind": "StatefulSet", "name": "postgres", "controller": True}],
    }
    storage_class = {
        "metadata": {"name": "fast"},
        "provisioner": "example.com/fast",
        "allowVolumeExpansion": expandable,
    }
    figures = [
        {"name": name, "used_bytes": 99 * 2**20, "capacity_bytes": 99 * 2**20} for name in measured
    ]
    place = {"namespace": NAMESPACE, "pod": "postgres-0", "containers": [], "volumes": figures}
    node = {"name": "node", "capacity_bytes": 2**40, "available_bytes": 2**39, "pods": [place]}
    return evidence(
        statefulsets=[labelled(deployment("postgres", ready=0), release)],
        pods=[item],
        storageclasses=[storage_class],
        volumeclaims=[
            # What a StatefulSet makes of its template is none of the release's objects.
            labelled(
                {
                    "metadata": metadata(claim),
                    "spec": {"storageClassName": "fast"},
                    "status": {"phase": "Bound"},
                },
                release if claim.startswith("postgres-") else "",
            )
            for claim in claims.values()
        ],
        measured=[node] if measured else [],
        logs=[
            {
                "namespace": NAMESPACE,
                "pod": "postgres-0",
                "container": "main",
                "previous": False,
                "lines": ["FATAL: No space left on device"],
            }
        ],
    )


DATA = {"data": "data-postgres-0"}
BACKUPS = {"backups": "postgres-backup"}
ARCHIVE = {"archive": "postgres-archive"}
VALUES = "in the values of the release postgres in inventory/group_vars/all/releases.yml"
PATCH = "'{spec: {resources: {requests: {storage: SIZE}}}}'"
NEW_VOLUME = (
    "remove data that nobody needs, or take a larger volume: `make backup`, set `storage.size` of "
    "the release postgres in inventory/group_vars/all/releases.yml, `kubectl -n shop delete "
    "statefulset/postgres pvc/data-postgres-0`, `make up TAGS=postgres`, then "
    "`make restore FILE=...`"
)
LOWER_BACKUPS = (
    f"lower `backup.keep` {VALUES}, then `make up TAGS=postgres`; `make backup` makes room at once"
)
LOWER_ARCHIVE = f"lower `archive.keep` {VALUES}, then `make up TAGS=postgres`"


@pytest.mark.parametrize(
    ("claims", "full", "expandable", "release", "remedy"),
    [
        (DATA, ["data"], False, "postgres", NEW_VOLUME),
        (
            DATA,
            ["data"],
            True,
            "postgres",
            "remove what nobody needs from the volume data, or expand its claim: `kubectl -n shop "
            f"patch pvc data-postgres-0 --patch {PATCH}`",
        ),
        (BACKUPS, ["backups"], False, "postgres", LOWER_BACKUPS),
        (
            BACKUPS,
            ["backups"],
            True,
            "postgres",
            LOWER_BACKUPS.replace("`backup.keep`", "`backup.keep`, or raise `backup.size`,"),
        ),
        (ARCHIVE, ["archive"], False, "postgres", LOWER_ARCHIVE),
        (
            DATA | BACKUPS | ARCHIVE,
            ["backups", "archive"],
            False,
            "postgres",
            f"{LOWER_BACKUPS}; {LOWER_ARCHIVE}",
        ),
        # Nobody has measured it.
        (DATA, [], False, "postgres", NEW_VOLUME),
        (
            DATA,
            ["data"],
            False,
            "",
            "remove what nobody needs from the volume data, or move it to a larger one",
        ),
        (BACKUPS, ["backups"], False, "somebodys", "remove what nobody needs from the volume "),
    ],
)
def test_a_full_volume_gets_room_by_whose_it_is(
    claims: dict[str, str], full: list[str], expandable: bool, release: str, remedy: str
) -> None:
    found = database(claims, measured=full, expandable=expandable, release=release)
    ((finding,), gaps) = diagnose(found)
    assert (finding.cause, gaps) == ("disk-full", [])
    assert finding.remedy.startswith(remedy), finding.remedy
    assert "storage.size" not in finding.remedy.replace(NEW_VOLUME, "")


def test_what_is_kept_of_backups_and_of_the_archive_are_values() -> None:
    for path in ("backup.keep", "backup.size", "archive.keep", "archive.size", "storage.size"):
        assert chart_values.has_value("postgres", path)
    assert not chart_values.has_value("postgres", "backup.kept")


def test_no_volume_is_full_now_but_its_pod_says_so() -> None:
    """A volume on the node's own disk has the node's figures."""
    found = database(DATA, measured=["data"], release="postgres")
    found["nodes"][0]["capacity_bytes"] = 99 * 2**20
    ((finding,), _) = diagnose(found)
    assert "make room on the disk of its node" in finding.remedy
