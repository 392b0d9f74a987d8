"""Values for one of the platform's charts: drafted, validated by the chart's schema, rendered.

What is drafted is added to the values that the release has now, so that the proofs and the
difference show just what it would change.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from todo_operations import inventory
from todo_operations.cli import CommandError

Json = dict[str, Any]
CHARTS = Path("charts")
# Charts that are released beside the application: the setting of their namespace, and its default.
_BESIDE = {"traefik": ("ingress_namespace", "ingress"), "agents": ("kagent_namespace", "agents")}
EXAMPLE = "values of backend replicas=2"
SECONDS = 120
INSTRUCTIONS = """\
You write values for the Helm chart {chart}. Answer with one YAML mapping alone, no explanations,
and only with the values that the request changes. These are all its values with their defaults:

{values}"""
_REQUEST = re.compile(r"\bvalues (?:of|for) (?:the )?(?:chart )?(?P<chart>[a-z][-a-z0-9]*)\b", re.I)
_SETTING = re.compile(r"(?P<path>[A-Za-z][\w.-]*)=(?P<value>\S+)")


def chart_of(request: str) -> str:
    """The chart whose values are wanted; empty when manifests are. Raises CommandError for a chart
    that is not there."""
    found = _REQUEST.search(request)
    if not found:
        return ""
    # The library common has no values of its own.
    charts = sorted(path.parent.name for path in CHARTS.glob("*/values.schema.json"))
    if found["chart"] not in charts:
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


def present(chart: str, arguments: argparse.Namespace) -> Json:
    """The values of the release that the chart has in the namespace now; none where there is none.
    Raises CommandError when the cluster does not answer, or the release is somebody else's."""
    where = ["--kubeconfig", arguments.kubeconfig, "--namespace", arguments.namespace]
    releases = json.loads(_helm(["list", "--filter", f"^{chart}$", "-o", "json", *where]))
    if not releases:
        return {}
    # NAME-VERSION; a name may have dashes, a version begins with a digit.
    if not re.fullmatch(rf"{chart}-\d.*", releases[0]["chart"]):
        raise CommandError(
            f"the release {chart} in {arguments.namespace} is of the chart {releases[0]['chart']}, "
            "not of this project's; name the namespace of the platform with --namespace"
        )
    values: Json | None = json.loads(_helm(["get", "values", chart, "-o", "json", *where]))
    return values or {}


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


def _helm(words: list[str]) -> str:
    done = _run(words)
    if done.returncode != 0:
        raise CommandError(
            f"helm {words[0]} failed, so nothing can be proved (`make up` brings the cluster up): "
            f"{done.stderr.strip()[-300:]}"
        )
    return done.stdout


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["helm", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"helm cannot be run ({error}); `make tools` installs it") from error
