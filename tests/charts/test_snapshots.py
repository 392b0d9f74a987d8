"""Every object that the inventory's defaults make, word for word as snapshots/CHART.yaml has it.

    UPDATE_SNAPSHOTS=1 pytest tests/charts/test_snapshots.py

writes them anew: what a change of a template does to the cluster is then in the commit's diff.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import CHARTS, ROOT, HelmProgram, Manifest
from .test_inventory import asked

SNAPSHOTS = Path(__file__).with_name("snapshots")


class Dumper(yaml.SafeDumper):
    """Text of several lines stands as it is."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, _text)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifest]:
    """The first release of each chart, by the chart's name."""
    found = asked("(helm_release_releases + kagent_releases)", tmp_path_factory.mktemp("inventory"))
    by_chart: dict[str, Manifest] = {}
    for release in found:
        by_chart.setdefault(Path(release["chart"]).name, release)
    return by_chart


def shortened(value: Any, files: dict[str, str]) -> Any:
    """The value, with the name of a chart's file in place of what is in the file."""
    if isinstance(value, dict):
        return {key: shortened(item, files) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item, files) for item in value]
    return files.get(value.strip(), value) if isinstance(value, str) else value


@pytest.mark.parametrize("chart", CHARTS)
def test_the_objects_are_those_of_the_snapshot(
    helm: HelmProgram, releases: dict[str, Manifest], chart: str
) -> None:
    release = releases[chart]
    manifests = helm.template(
        chart,
        release.get("values", {}),
        release=release["name"],
        namespace=release["namespace"],
    )
    files = {
        path.read_text().strip(): f"(files/{path.name})"
        for path in (ROOT / "charts" / chart / "files").glob("*")
    }
    objects = sorted(
        (shortened(manifest, files) for manifest in manifests),
        key=lambda item: (item["kind"], item["metadata"]["name"]),
    )
    text = yaml.dump_all(objects, Dumper=Dumper, width=100, allow_unicode=True)
    snapshot = SNAPSHOTS / f"{chart}.yaml"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(exist_ok=True)
        snapshot.write_text(text)
    difference = difflib.unified_diff(
        snapshot.read_text().splitlines(), text.splitlines(), "snapshot", "now", lineterm=""
    )
    found = "\n".join(difference)
    assert not found, f"{found}\nRemedy: where this is meant, run it with UPDATE_SNAPSHOTS=1."


def test_there_is_one_snapshot_a_chart() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*")} == set(CHARTS)
