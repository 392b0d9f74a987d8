"""Renders the charts with the real Helm; nothing here needs a cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHARTS = (
    *("namespace", "postgres", "mcp-server", "backend", "frontend", "ingress", "traefik"),
    "agents",
)
SERVERS = ("mcp-server", "backend", "frontend")
Manifest = dict[str, Any]


@dataclass
class HelmProgram:
    """One version of Helm, working on a copy of the charts with the library put inside."""

    program: str
    charts: Path
    rendered: dict[str, list[Manifest]] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, check=False
        )

    def try_template(
        self,
        chart: str,
        values: Manifest | None = None,
        *,
        release: str | None = None,
        namespace: str = "todo",
    ) -> subprocess.CompletedProcess[str]:
        values_file = self.charts / "values.json"
        values_file.write_text(json.dumps(values or {}), "utf-8")
        return self.run(
            *("template", release or chart, str(self.charts / chart)),
            *("--namespace", namespace, "--values", str(values_file)),
        )

    def template(
        self,
        chart: str,
        values: Manifest | None = None,
        *,
        release: str | None = None,
        namespace: str = "todo",
    ) -> list[Manifest]:
        """Return the rendered objects, hooks and tests included."""
        key = json.dumps([chart, values, release, namespace], sort_keys=True)
        if key not in self.rendered:
            done = self.try_template(chart, values, release=release, namespace=namespace)
            assert done.returncode == 0, done.stderr
            self.rendered[key] = [
                manifest for manifest in yaml.safe_load_all(done.stdout) if manifest
            ]
        return self.rendered[key]


def _prepare(program: str, folder: Path) -> HelmProgram:
    charts = folder / "charts"
    shutil.copytree(
        ROOT / "charts", charts, ignore=shutil.ignore_patterns("*.tgz", "Chart.lock", "charts")
    )
    helm = HelmProgram(program, charts)
    for chart in CHARTS:
        built = helm.run("dependency", "build", str(charts / chart))
        assert built.returncode == 0, built.stderr
    return helm


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> HelmProgram:
    """Helm 4, as the platform uses it."""
    program = shutil.which("helm")
    if not program:
        pytest.fail("helm is not on PATH: run `make tools`, then the tests by `make unit`")
    return _prepare(program, tmp_path_factory.mktemp("helm4"))


@pytest.fixture(scope="session")
def helm3(tmp_path_factory: pytest.TempPathFactory) -> HelmProgram:
    """The oldest Helm that must work."""
    program = os.environ.get("TODO_HELM3", str(ROOT / ".tools" / "helm3" / "helm"))
    if not Path(program).exists():
        pytest.fail(f"{program} is missing: run `make tools`, or set TODO_HELM3 to a Helm 3.17")
    return _prepare(program, tmp_path_factory.mktemp("helm3"))


@pytest.fixture(params=["helm4", "helm3"])
def any_helm(request: pytest.FixtureRequest) -> HelmProgram:
    found: HelmProgram = request.getfixturevalue("helm" if request.param == "helm4" else "helm3")
    return found


@pytest.fixture
def render(helm: HelmProgram) -> Callable[..., list[Manifest]]:
    """Helm 4's rendering of a chart: chart, values -> objects."""
    return helm.template
