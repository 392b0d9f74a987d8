"""What the inventory gives to the charts when one of its settings is changed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, HelmProgram
from .manifests import of_kind, one

SERVICES = ("postgres", "mcp-server", "backend", "frontend")
IMAGES = (*SERVICES, "agents", "kubernetes-mcp-server")


def asked(expression: str, tmp_path: Path, **settings: Any) -> Any:
    """An expression of the inventory, with settings as `make up ARGS='-e ...'` gives them."""
    target = tmp_path / "answer.json"
    given = {
        "images_references": {name: f"localhost/todo/{name}:0123456789ab" for name in IMAGES},
        "ansible_run_tags": ["all"],
        **settings,
    }
    subprocess.run(
        ["ansible", "localhost", "--module-name", "ansible.builtin.copy", "--args"]
        + [f"dest={target} content='{{{{ {expression} | to_json }}}}'"]
        + ["--extra-vars", json.dumps(given)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return json.loads(target.read_text())


def test_one_setting_takes_a_database_elsewhere(helm: HelmProgram, tmp_path: Path) -> None:
    expression = "{'selected': helm_release_selected, 'releases': helm_release_releases}"
    found = asked(expression, tmp_path, postgres_external_host="db.example.org")
    assert found["selected"] == [
        *("namespace", "mcp-server", "backend", "frontend", "traefik", "ingress")
    ]
    values = {release["name"]: release.get("values", {}) for release in found["releases"]}
    for name in ("mcp-server", "backend"):
        manifests = helm.template(name, values[name])
        data = one(manifests, "ConfigMap", name)["data"]
        assert data["TODO_DATABASE_HOST"] == "db.example.org"
        assert data["TODO_DATABASE_SSLMODE"] == "verify-full"
        # A certificate that the world vouches for.
        assert data["PGSSLROOTCERT"] == "system"
        policy = one(manifests, "NetworkPolicy", name)["spec"]
        assert {"ports": [{"protocol": "TCP", "port": 5432}]} in policy["egress"]
    (job,) = of_kind(helm.template("backend", values["backend"]), "Job")
    assert "db.example.org" in json.dumps(job)


def test_archiving_is_one_setting(helm: HelmProgram, tmp_path: Path) -> None:
    releases = asked("helm_release_releases", tmp_path, postgres_archive=True)
    values = {release["name"]: release.get("values", {}) for release in releases}["postgres"]
    assert one(helm.template("postgres", values), "CronJob", "postgres-recovery")


def test_every_server_has_a_priority_of_the_namespaces_own(
    helm: HelmProgram, tmp_path: Path
) -> None:
    releases = asked("helm_release_releases", tmp_path)
    namespaces = {release["name"]: release for release in releases}
    made = {
        item["metadata"]["name"] for item in of_kind(helm.template("namespace"), "PriorityClass")
    }
    for name in (*SERVICES, "traefik"):
        release = namespaces[name]
        assert release["values"]["priorityClassName"] in made
        # A pod of a class that is not there yet is refused.
        needs = set(release["needs"])
        assert "namespace" in needs.union(*(namespaces[need].get("needs", []) for need in needs))


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("", 443),
        ("https://models.example/v1", 443),
        ("http://models.example/v1", 80),
        ("http://192.168.49.1:11434/v1", 11434),
    ],
)
def test_the_network_policies_open_the_models_port(
    helm: HelmProgram, tmp_path: Path, address: str, port: int
) -> None:
    settings = {"assistant_engine": "openai", "assistant_openai_base_url": address}
    releases = asked("(helm_release_releases + kagent_releases)", tmp_path, **settings)
    values = {release["name"]: release.get("values", {}) for release in releases}
    for chart in ("backend", "agents"):
        policy = one(helm.template(chart, values[chart]), "NetworkPolicy", chart)
        anywhere = [rule["ports"] for rule in policy["spec"]["egress"] if "to" not in rule]
        assert anywhere == [[{"protocol": "TCP", "port": port}]], chart
