"""Remedies are true: the commands, files and settings that they name exist."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from todo_operations.diagnosis.findings import Ref
from todo_operations.diagnosis.rules import diagnose, remedies
from todo_operations.diagnosis.view import View

from .cluster import NAMESPACE, deployment, event, evidence, pod, replicaset

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


def owned_by(release: str, **container: Any) -> dict[str, Any]:
    """A Deployment that Helm has made."""
    item = deployment("web", ready=0, **container)
    item["metadata"]["labels"] = {
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/instance": release,
    }
    return item


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
