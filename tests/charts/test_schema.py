"""Wrong values are refused before anything is rendered, with the value's name in the message."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from .conftest import CHARTS, ROOT, HelmProgram, Manifest

REFUSED: list[tuple[str, Manifest, str]] = [
    ("backend", {"replicas": "two"}, "replicas"),
    ("backend", {"replicas": 0}, "replicas"),
    ("backend", {"image": {"tag": "latest"}}, "tag"),
    ("backend", {"image": {"digest": "sha256:123"}}, "digest"),
    ("backend", {"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
    ("backend", {"cookieSecure": "yes"}, "cookieSecure"),
    ("backend", {"logLevel": "LOUD"}, "logLevel"),
    ("backend", {"publicOrigins": ["http://localhost:8080/path"]}, "publicOrigins"),
    ("backend", {"resources": {"limits": {"cpu": "lots"}}}, "cpu"),
    ("backend", {"resources": {"limits": {"memory": "512MB"}}}, "memory"),
    ("backend", {"assistant": {"engine": "magic"}}, "engine"),
    # Secrets have no place in values, not even inside an address.
    ("backend", {"database": {"password": "hunter2"}}, "password"),
    ("backend", {"assistant": {"openai": {"apiKey": "sk-1"}}}, "apiKey"),
    ("backend", {"assistant": {"openai": {"baseUrl": "https://u:p@models.example"}}}, "baseUrl"),
    ("backend", {"mcp": {"url": "http://user:secret@mcp-server:8000/mcp"}}, "url"),
    ("mcp-server", {"identity": {"privateKey": "-----BEGIN"}}, "privateKey"),
    ("mcp-server", {"allowedHosts": []}, "allowedHosts"),
    ("frontend", {"autoscaling": {"enabled": "true"}}, "enabled"),
    ("postgres", {"resources": {"limits": {"memory": "393216Ki"}}}, "memory"),
    ("postgres", {"settings": {"work_mem": 4096}}, "work_mem"),
    ("postgres", {"backup": {"keep": 0}}, "keep"),
    ("postgres", {"archive": {"timeoutSeconds": 0}}, "timeoutSeconds"),
    ("postgres", {"backup": {"schedule": "at night"}}, "schedule"),
    ("postgres", {"storage": {"size": "big"}}, "size"),
    ("ingress", {"host": ""}, "host"),
    ("ingress", {"test": {"port": 0}}, "port"),
    ("traefik", {"namespaces": []}, "namespaces"),
    ("traefik", {"hostPorts": {"http": 70000}}, "http"),
    ("namespace", {"resourceQuota": {"hard": {"pods": "many"}}}, "pods"),
]


@pytest.mark.parametrize("chart", CHARTS)
def test_unknown_key_is_refused(any_helm: HelmProgram, chart: str) -> None:
    done = any_helm.try_template(chart, {"unknownKey": 1})
    assert done.returncode != 0
    assert "unknownKey" in done.stderr


@pytest.mark.parametrize(("chart", "values", "named"), REFUSED)
def test_wrong_value_is_refused_by_name(
    helm: HelmProgram, chart: str, values: Manifest, named: str
) -> None:
    done = helm.try_template(chart, values)
    assert done.returncode != 0, f"{values} was accepted"
    assert "schema" in done.stderr
    assert named in done.stderr


def test_autoscaling_below_the_lower_bound_says_what_to_change(helm: HelmProgram) -> None:
    done = helm.try_template(
        "backend", {"replicas": 5, "autoscaling": {"enabled": True, "maxReplicas": 4}}
    )
    assert done.returncode != 0
    assert "raise maxReplicas or lower replicas" in done.stderr


def test_route_without_a_gateway_says_what_to_name(helm: HelmProgram) -> None:
    done = helm.try_template("ingress", {"httpRoute": {"enabled": True}})
    assert done.returncode != 0
    assert "httpRoute.parentRefs is empty" in done.stderr


def test_a_service_monitor_that_may_not_scrape_says_what_to_name(helm: HelmProgram) -> None:
    done = helm.try_template("backend", {"metrics": {"serviceMonitor": {"enabled": True}}})
    assert done.returncode != 0
    assert "needs metrics.namespace" in done.stderr


def _objects(schema: Any, path: str = "") -> list[tuple[str, Manifest]]:
    """Every part of a schema that describes an object."""
    found = []
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            found.append((path, schema))
        for key, child in schema.items():
            found += _objects(child, f"{path}/{key}")
    elif isinstance(schema, list):
        for position, child in enumerate(schema):
            found += _objects(child, f"{path}/{position}")
    return found


@pytest.mark.parametrize("chart", CHARTS)
def test_schema_is_closed_at_every_level(chart: str) -> None:
    schema = json.loads((ROOT / "charts" / chart / "values.schema.json").read_text("utf-8"))
    # What Helm itself puts there for the library and for parents.
    open_by_helm = {"/properties/common", "/properties/global"}
    for path, part in _objects(schema):
        if path not in open_by_helm:
            others = part.get("additionalProperties", True)
            # Closed, or a map whose values are held to a type.
            closed = others is False or (
                isinstance(others, dict) and {"type", "$ref"} & others.keys()
            )
            assert closed, f"{chart}: {path} lets unknown keys through"


@pytest.mark.parametrize("chart", CHARTS)
def test_schema_and_values_name_the_same_keys(chart: str) -> None:
    folder = ROOT / "charts" / chart
    schema = json.loads((folder / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((folder / "values.yaml").read_text("utf-8"))

    def compare(part: Manifest, value: Manifest, path: str) -> None:
        part = schema["definitions"].get(part.get("$ref", "").rpartition("/")[2], part)
        if "properties" not in part:
            return
        known = set(part["properties"]) - {"common", "global"}
        assert known == set(value), f"{chart}: {path}"
        for key in known:
            if isinstance(value[key], dict):
                compare(part["properties"][key], value[key], f"{path}.{key}")

    compare(schema, values, "values")
