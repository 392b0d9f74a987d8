"""Ansible module: package charts under content-addressed versions and show what would change."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.helm_release_drift import foreign_remedy, released_objects

DOCUMENTATION = r"""
module: helm_release_package
short_description: Package charts offline, and compare the rendered objects with the released ones
description:
  - Packages each release's chart folder as RELEASE/NAME-VERSION.tgz. Libraries named by file:// are
    put inside, so neither the network nor a lock file is needed and the chart's own folder stays as
    it is.
  - In diff mode it returns what the releases would change in the cluster. Values in Secrets are
    hidden; that they differ is shown.
  - In check mode the packages are made in a temporary folder only.
options:
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  helm: {description: Name or path of Helm 3.17 or newer., type: str, default: helm}
  releases:
    description: Releases as the filter helm_release_waves gives them.
    type: list
    elements: dict
    required: true
  directory:
    description: Folder for the packages, in which each release has one of its own.
    type: path
    required: true
author: The Todo platform
"""

RETURN = r"""
charts: {description: The path of the package by release name., type: dict, returned: always}
server_side: {description: Whether Helm can apply on the server (4)., type: bool, returned: always}
diff: {description: One entry a release., type: list, returned: in diff mode}
"""


# Of this run alone: a mark tells two values of one diff apart, and nobody can guess a value by it.
SALT = secrets.token_bytes(32)


class HelmError(Exception):
    """What Helm said when it failed."""


def helm(program: str, *arguments: str, data: str | None = None) -> str:
    """The standard output of Helm; raises HelmError."""
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, input=data
    )
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def vendored_copy(chart: Path, target: Path) -> None:
    """Copy a chart with its file:// libraries inside; raises HelmError if another is missing."""
    # An editor's lock may be a link that leads nowhere.
    shutil.copytree(
        chart, target, ignore=shutil.ignore_patterns("Chart.lock"), ignore_dangling_symlinks=True
    )
    described = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    for dependency in described.get("dependencies") or []:
        name = dependency["name"]
        repository = dependency.get("repository", "")
        charts = target / "charts"
        if repository.startswith("file://"):
            for stale in charts.glob(f"{name}-[0-9]*.tgz"):
                stale.unlink()
            shutil.rmtree(charts / name, ignore_errors=True)
            vendored_copy((chart / repository.removeprefix("file://")).resolve(), charts / name)
        elif not (charts / name).exists() and not list(charts.glob(f"{name}-[0-9]*.tgz")):
            raise HelmError(
                f"{chart.name} depends on {name} from {repository!r}: put it into "
                f"{chart}/charts, or name a chart beside it by file://"
            )


def package(program: str, release: dict[str, Any], directory: Path) -> Path:
    """Package a release's chart into the release's own folder, in place of its older packages."""
    own = Path(directory, release["name"])
    name, version = release["chart_name"], release["chart_version"]
    target = own / f"{name}-{version}.tgz"
    with tempfile.TemporaryDirectory(prefix="helm-release-") as scratch:
        copy = Path(scratch) / name
        vendored_copy(Path(release["chart"]), copy)
        helm(program, "package", str(copy), "--version", version, "--destination", scratch)
        own.mkdir(parents=True, exist_ok=True)
        for stale in own.glob("*.tgz"):
            if stale != target:
                stale.unlink()
        shutil.move(Path(scratch) / target.name, target)
    return target


def masked(manifest: str) -> str:
    """A manifest with sorted objects and fields, and every value of a Secret hidden."""
    objects = released_objects(manifest)
    for item in objects:
        for field in ("data", "stringData") if item["kind"] == "Secret" else ():
            for key, value in (item.get(field) or {}).items():
                digest = hashlib.blake2b(str(value).encode(), key=SALT, digest_size=4)
                item[field][key] = f"hidden ({digest.hexdigest()})"
    objects.sort(key=lambda item: (item["kind"], item["metadata"]["name"]))
    return yaml.safe_dump_all(objects, sort_keys=True)


def rendered(program: str, kubeconfig: str, release: dict[str, Any], chart: Path) -> str:
    """The manifest that the next release would have; raises HelmError."""
    place = ["--kubeconfig", kubeconfig, "--namespace", release["namespace"]]
    values = json.dumps(release["values"])
    common = [release["name"], str(chart), *place, "--values", "-"]
    template = ["template", *common, "--no-hooks"]
    if release["state"] == "pending":
        # Helm refuses even a dry run of a release that it thinks is at work.
        return helm(program, *template, "--is-upgrade", data=values)
    dry_run = ["upgrade", "--install", *common, "--reset-values", "--dry-run=server"]
    try:
        answer = helm(program, *dry_run, "--output", "json", data=values)
    except HelmError as error:
        # What a chart defines itself is known only once it is installed, which Helm does first.
        unknown = release["state"] == "absent" and "unable to build kubernetes obj" in str(error)
        if not unknown or not helm(program, "show", "crds", str(chart)).strip():
            raise
        return helm(program, *template, data=values)
    return str(json.loads(answer)["manifest"])


def difference(
    program: str, kubeconfig: str, release: dict[str, Any], chart: Path
) -> dict[str, str]:
    """A diff for Ansible: the released objects and those that the next release would make."""
    name = release["name"]
    before = ""
    if release["revision"]:
        place = ["--kubeconfig", kubeconfig, "--namespace", release["namespace"]]
        before = masked(helm(program, "get", "manifest", name, *place))
    return {
        "before_header": f"{name} (as released)",
        "after_header": f"{name} ({release['reason']})",
        "before": before,
        "after": masked(rendered(program, kubeconfig, release, chart)),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "required": True},
            "helm": {"type": "str", "default": "helm"},
            "releases": {"type": "list", "elements": "dict", "required": True},
            "directory": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    options = module.params
    program = options["helm"]
    releases = json.loads(json.dumps(options["releases"]))
    directory = Path(module.tmpdir if module.check_mode else options["directory"])

    def prepare(release: dict[str, Any]) -> tuple[str, dict[str, str]]:
        try:
            chart = package(program, release, directory)
            found = module._diff and difference(program, options["kubeconfig"], release, chart)
        except HelmError as error:
            said = [f"{release['name']}, chart {release['chart']}: {error}"]
            said += [foreign_remedy(str(error), release["name"], release["namespace"])]
            raise HelmError("\n".join(filter(None, said))) from None
        return str(chart), found or {}

    try:
        with ThreadPoolExecutor(max_workers=4) as pool:
            version = pool.submit(helm, program, "version", "--short")
            prepared = dict(
                zip([r["name"] for r in releases], pool.map(prepare, releases), strict=True)
            )
            server_side = not version.result().startswith("v3")
    except HelmError as error:
        module.fail_json(msg=str(error))
    charts = {name: chart for name, (chart, _) in prepared.items()}
    answer: dict[str, Any] = {
        "changed": bool(releases),
        "charts": charts,
        "server_side": server_side,
    }
    if module._diff:
        answer["diff"] = [found for _, found in prepared.values()]
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
