"""Values for one of the platform's charts: drafted, validated by the chart's schema, rendered.

What is drafted is added to the values that the release has now, so that the proofs and the
difference show just what it would change.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from todo_operations import inventory
from todo_operations.cli import CHECKOUT, CommandError, bring_up

Json = dict[str, Any]
CHARTS = CHECKOUT / "charts"
# Charts that are released beside the application: the setting of their namespace, and its default.
_BESIDE = {"traefik": ("ingress_namespace", "ingress"), "agents": ("kagent_namespace", "agents")}
EXAMPLE = "values of backend replicas=2"
# How variables begin that lead Helm to another cluster, user or store of releases (`helm env`).
_ELSEWHERE = ("HELM_DRIVER", "HELM_KUBE", "HELM_NAMESPACE")
SECONDS = 120
INSTRUCTIONS = """\
You write values for the Helm chart {chart}. Answer with one YAML mapping alone, no explanations,
and only with the values that the request changes. These are all its values with their defaults:

{values}"""
_REQUEST = re.compile(r"\bvalues (?:of|for) (?:the )?(?:chart )?(?P<chart>[a-z][-a-z0-9]*)\b", re.I)
_SETTING = re.compile(r"(?P<path>[A-Za-z][\w.-]*)=(?P<value>\S+)")


@cache
def _schema(chart: str) -> Json:
    schema: Json = json.loads((CHARTS / chart / "values.schema.json").read_text(encoding="utf-8"))
    return schema


def is_chart(name: str) -> bool:
    """Whether the project has a chart of this name; the library common has no values of its own."""
    return (CHARTS / name / "values.schema.json").is_file()


def has_value(chart: str, path: str) -> bool:
    """Whether a chart has a value of this path (resources.limits.memory), by its schema."""
    whole = _schema(chart)

    def has(part: Json, keys: list[str]) -> bool:
        if reference := part.get("$ref"):
            part = whole["definitions"][reference.rpartition("/")[2]]
        if not keys:
            return True
        below = part.get("properties", {}).get(keys[0], part.get("additionalProperties"))
        return (isinstance(below, dict) and has(below, keys[1:])) or any(
            has(other, keys) for other in part.get("allOf") or []
        )

    return has(whole, path.split("."))


def chart_of(request: str) -> str:
    """The chart whose values are wanted; empty when manifests are. Raises CommandError for a chart
    that is not there."""
    found = _REQUEST.search(request)
    if not found:
        return ""
    if not is_chart(found["chart"]):
        charts = sorted(path.parent.name for path in CHARTS.glob("*/values.schema.json"))
        raise CommandError(f"there is no chart {found['chart']}; there are {', '.join(charts)}")
    return found["chart"]


def instructions(chart: str) -> str:
    values = (CHARTS / chart / "values.yaml").read_text(encoding="utf-8")
    return INSTRUCTIONS.format(chart=chart, values=values)


def fill(request: str) -> Json:
    """The values that the request spells out: `path.to.value=text`. Raises CommandError."""
    values: Json = {}
    for found in _SETTING.finditer(request):
        *way, last = found["path"].split(".")
        part = values
        for key in way:
            part = part.setdefault(key, {})
            if not isinstance(part, dict):
                raise CommandError(f"{found['path']}: {key} is set to a plain value as well")
        try:
            part[last] = yaml.safe_load(found["value"])
        except yaml.YAMLError as error:
            raise CommandError(f"{found[0]} cannot be read as YAML") from error
    if not values:
        raise CommandError(f"the request sets no value: add PATH=VALUE, as in `{EXAMPLE}`")
    return values


def home(chart: str, namespace: str) -> str:
    """Where a chart is released: in the application's namespace, or in one of its own."""
    if chart not in _BESIDE:
        return namespace
    name, default = _BESIDE[chart]
    return str(inventory.setting(name) or default)


def place(chart: str) -> tuple[str, str]:
    """The inventory's setting for values of a chart's release, and the tag that releases it."""
    if chart == "agents":
        return "kagent_release_values", "kagent"
    return "helm_release_values", chart


def present(chart: str, arguments: argparse.Namespace) -> Json:
    """The values of the release that the chart has in the namespace now; none where there is none.
    Raises CommandError when the cluster does not answer, or the release is somebody else's."""
    found = _chart_released_as(chart, arguments)
    if not found:
        return {}
    if not _is_ours(found, chart):
        raise CommandError(
            f"the release {chart} in {arguments.namespace} is of the chart {found}, not of this "
            "project's; name the namespace of the platform with --namespace"
        )
    words = ["get", "values", chart, "-o", "json", "--namespace", arguments.namespace]
    values: Json | None = json.loads(_helm(words, arguments.kubeconfig))
    return values or {}


def scaling_chart(workload: str, arguments: argparse.Namespace) -> str:
    """The chart that makes a workload's autoscaler and disruption budget itself, and is released in
    the namespace; empty where there is none. Raises CommandError as `present` does."""
    if not (is_chart(workload) and has_value(workload, "autoscaling")):
        return ""
    return workload if _is_ours(_chart_released_as(workload, arguments), workload) else ""


def _chart_released_as(release: str, arguments: argparse.Namespace) -> str:
    """Name and version of a release's chart; empty where there is no such release."""
    words = ["list", "--filter", f"^{release}$", "-o", "json", "--namespace", arguments.namespace]
    releases = json.loads(_helm(words, arguments.kubeconfig))
    return str(releases[0]["chart"]) if releases else ""


def _is_ours(released: str, chart: str) -> bool:
    # A name may have dashes, a version begins with a digit.
    return bool(re.fullmatch(rf"{chart}-\d.*", released))


def render(values: Json, chart: str, namespace: str, now: Json) -> tuple[str, str]:
    """The release's objects with these values, or what Helm says against them: it holds them, with
    those that are there, against the chart's values.schema.json."""
    with tempfile.TemporaryDirectory(prefix="values-") as scratch:
        folder = Path(scratch)
        # The library is put inside a copy.
        skipped = shutil.ignore_patterns("*.tgz", "Chart.lock")
        shutil.copytree(CHARTS, folder / "charts", ignore=skipped)
        _helm(["dependency", "build", str(folder / "charts" / chart)])
        words = ["template", chart, str(folder / "charts" / chart), "--namespace", namespace]
        for name, content in (("now", now), ("new", values)):
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            words += ["--values", str(path)]
        # Hooks run once; those that are there cannot be changed, and are made anew.
        done = _run([*words, "--no-hooks"])
        return (done.stdout, "") if done.returncode == 0 else ("", done.stderr.strip())


def _helm(words: list[str], kubeconfig: str = "") -> str:
    """What Helm prints, of the cluster when a kubeconfig is given. Raises CommandError."""
    done = _run([*words, "--kubeconfig", kubeconfig] if kubeconfig else words)
    if done.returncode != 0:
        remedy = f" ({bring_up(kubeconfig)})" if kubeconfig else ""
        raise CommandError(
            f"helm {words[0]} failed, so nothing can be proved{remedy}: "
            f"{done.stderr.strip()[-300:]}"
        )
    return done.stdout


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["helm", *words],
            # Helm prefers what these say to the kubeconfig that it is given.
            env={key: value for key, value in os.environ.items() if not key.startswith(_ELSEWHERE)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"helm cannot be run ({error}); `make tools` installs it") from error
