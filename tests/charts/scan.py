#!/usr/bin/env python3
"""Hold the charts, as the inventory renders them, and the Dockerfiles against published rules.

    python tests/charts/scan.py             the charts, also with everything on, and the Dockerfiles
    python tests/charts/scan.py FOLDER      the manifests (YAML) of a folder, by the same rules

Kubernetes' schemas (kubernetes-validate, strict), checkov and kube-score must find nothing.
Exit status: 0 nothing was found, 1 something was, 2 a scanner is missing or did not do its work.
The two scanners are put into .tools at the first run: checkov from checkov.txt, kube-score by Go,
which also fetches the definitions of the kinds that are not Kubernetes' own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import venv
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from charts.manifests import EVERYTHING, GATEWAY  # noqa: E402 - this is a program, not a test

TOOLS = ROOT / ".tools"
CHECKOV_LOCK = Path(__file__).with_name("checkov.txt")
KUBE_SCORE = "v1.20.0"
KUBERNETES = "1.35"
IMAGES = (
    *("postgres", "mcp-server", "backend", "frontend"),
    *("agents", "kubernetes-mcp-server"),
)

# Kinds of other projects, each with the Go module and the file in it that defines it.
FOREIGN = {
    "HTTPRoute": (
        "sigs.k8s.io/gateway-api@v1.4.0",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    ),
    "ServiceMonitor": (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ),
}

# Everything that the inventory can release, also what is off.
RELEASES = "(helm_release_releases + kagent_releases)"

# Rules that do not hold here, and why. What a waiver would hide is tested in tests/charts.
CHECKOV_WAIVERS = {
    "CKV_K8S_15": "tags are digests of the content: an image that is there is the right one",
    "CKV_K8S_43": "as above; a chart takes a digest, too (image.digest)",
    "CKV_K8S_8": "found only in pods of `helm test`, which run once",
    "CKV_K8S_9": "as above",
    "CKV_K8S_26": "the ingress controller is the door: it alone listens on the node's ports",
    "CKV_K8S_38": "the ingress controller alone asks the API server, for its routes",
    "CKV_DOCKER_7": "bases are build arguments: ours come tagged with a digest of their content,"
    " Debian's with the name of its release",
}
KUBE_SCORE_WAIVERS = {
    "container-image-pull-policy": "tags are digests of the content",
    "deployment-replicas": "one pod a service is the default of a laptop; `replicas` raises it",
    "deployment-strategy": "two pods cannot have the node's ports at once: the ingress controller",
    "pod-probes-identical": "the agents' tool server is not ours and has one health endpoint",
}
# In manifests alone: what they point at runs in the cluster.
ALONE_WAIVERS = {
    "horizontalpodautoscaler-replicas": "one pod a service is the default of a laptop",
    "horizontalpodautoscaler-has-target": "the generator asks the cluster for it",
    "ingress-targets-service": "as above",
    "networkpolicy-targets-pod": "as above",
    "poddisruptionbudget-has-policy": "as above",
    "service-targets-pod": "as above",
}


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def give_up(problem: str) -> NoReturn:
    """End without a verdict: what is wrong is not wrong with what was to be scanned."""
    print(problem, file=sys.stderr)
    sys.exit(2)


def must(done: subprocess.CompletedProcess[str], what: str, remedy: str) -> str:
    """Standard output; ends the check, with the remedy, when the command failed."""
    if done.returncode:
        give_up(f"{what}:\n{done.stdout}{done.stderr}\nRemedy: {remedy}")
    return done.stdout


def releases(folder: Path) -> list[dict[str, Any]]:
    """What the inventory would release, with made-up tags."""
    target = folder / "releases.json"
    references = {name: f"localhost/todo/{name}:0123456789ab" for name in IMAGES}
    must(
        run(
            *("ansible", "localhost", "--module-name", "ansible.builtin.copy", "--args"),
            f"dest={target} content='{{{{ {RELEASES} | to_json }}}}'",
            *("--extra-vars", json.dumps({"images_references": references})),
            cwd=ROOT,
        ),
        "the inventory cannot be read",
        "mend inventory/group_vars/all/releases.yml",
    )
    found: list[dict[str, Any]] = json.loads(target.read_text())
    return found


def render(folder: Path) -> Path:
    """A folder with one file for each release, and one for each chart with everything on."""
    charts = folder / "charts"
    skipped = shutil.ignore_patterns("*.tgz", "Chart.lock")
    shutil.copytree(ROOT / "charts", charts, ignore=skipped)
    rendered = folder / "rendered"
    rendered.mkdir()
    found = releases(folder)
    for chart in {Path(release["chart"]).name for release in found}:
        must(
            run("helm", "dependency", "build", charts / chart),
            f"{chart} cannot be packed",
            "mend it",
        )
    wanted = [
        (release["name"], Path(release["chart"]).name, release["namespace"], release.get("values"))
        for release in found
    ]
    # In a namespace of their own: kube-score takes an autoscaler for that of every equal name.
    wanted += [
        (f"{chart}-everything", chart, "everything", values) for chart, values in EVERYTHING.items()
    ]
    wanted.append(("ingress-gateway", "ingress", "gateway", GATEWAY))
    for name, chart, namespace, given in wanted:
        values = folder / "values.json"
        values.write_text(json.dumps(given or {}))
        text = must(
            run(
                *("helm", "template", name, charts / chart, "--values", values),
                *("--namespace", namespace),
            ),
            f"{name} cannot be rendered",
            "mend the chart, or its values in inventory/group_vars/all/releases.yml",
        )
        (rendered / f"{name}.yaml").write_text(text)
    return rendered


def schemas(rendered: Path) -> list[str]:
    """What the schemas of Kubernetes, or of the projects that define other kinds, do not allow."""
    found = []
    for path in sorted(rendered.iterdir()):
        for manifest in filter(None, yaml.safe_load_all(path.read_text())):
            kind = manifest["kind"]
            try:
                if kind in FOREIGN:
                    foreign_schema(kind, manifest["apiVersion"]).validate(manifest)
                else:
                    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
                found.append(f"{path.stem} {kind}: {error.message}")
    return found


@cache
def foreign_schema(kind: str, api_version: str) -> jsonschema.Draft7Validator:
    """The schema by which an API server with that project's definitions would judge."""
    module, file = FOREIGN[kind]
    downloaded = must(
        run(go("a schema comes as a Go module"), "mod", "download", "-json", module, cwd=ROOT),
        f"{module}, which defines {kind}, cannot be had",
        "run it again once the Go module proxy answers",
    )
    definition = yaml.safe_load((Path(json.loads(downloaded)["Dir"]) / file).read_text())
    group = definition["spec"]["group"]
    for version in definition["spec"]["versions"]:
        if f"{group}/{version['name']}" == api_version and version["served"]:
            return jsonschema.Draft7Validator(closed(version["schema"]["openAPIV3Schema"]))
    raise jsonschema.ValidationError(f"{module} has no {kind} in {api_version}")


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with unknown fields refused, where it does not want them kept."""
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {name: closed(value) for name, value in schema["properties"].items()}
        # The one part that a definition leaves to Kubernetes.
        if "kind" in schema["properties"] and "metadata" in schema["properties"]:
            result["properties"]["metadata"] = {"type": "object"}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            result[name] = closed(schema[name])
    return result


def go(why: str) -> str:
    """The program `go`; ends the check where there is none."""
    program = shutil.which("go")
    if program is None:
        give_up(
            f"Go is missing: {why}.\n"
            "Remedy: install Go (apt install golang-go, or brew install go), then run it again."
        )
    return program


def checkov_command() -> list[str]:
    home = TOOLS / "checkov"
    stamp = home / "checkov.txt"
    if not stamp.is_file() or stamp.read_bytes() != CHECKOV_LOCK.read_bytes():
        venv.EnvBuilder(with_pip=True, clear=True).create(home)
        must(
            run(
                *(home / "bin" / "pip", "install", "--quiet", "--require-hashes"),
                *("--disable-pip-version-check", "--requirement", CHECKOV_LOCK),
            ),
            "checkov cannot be installed",
            "run it again once the package index answers",
        )
        shutil.copy(CHECKOV_LOCK, stamp)
    # Not its script: that cannot be in a folder with a space.
    return [str(home / "bin" / "python"), "-m", "checkov.main"]


def checkov(rendered: Path, *, charts: bool = True) -> list[str]:
    """What checkov finds in the manifests and, with the charts, the Dockerfiles; asks nobody."""
    command = checkov_command()
    dockerfiles = [str(path) for path in sorted(ROOT.glob("*/*/Dockerfile"))]
    found = []
    for where in (
        ("--framework", "kubernetes", "--directory", str(rendered)),
        *([("--framework", "dockerfile", "--file", *dockerfiles)] if charts else []),
    ):
        done = run(
            *(*command, "--quiet", "--compact", "--skip-download", "--output", "json"),
            *("--skip-check", ",".join(CHECKOV_WAIVERS), *where),
            env=os.environ | {"LOG_LEVEL": "ERROR"},
        )
        try:
            report = json.loads(done.stdout)
            # Some kinds, alone, have no rules.
            if not charts and "summary" not in report and report["failed"] == 0:
                continue
            passed = report["summary"]["passed"]
        except (ValueError, KeyError, TypeError):
            give_up(f"checkov did not report:\n{done.stdout}{done.stderr}")
        if charts and not passed:
            give_up(f"checkov looked at nothing: {' '.join(where)}")
        found += [
            f"{item['check_id']} {item['check_name']}: {item['resource']}"
            for item in report["results"]["failed_checks"]
        ]
    return found


def kube_score_program() -> Path:
    folder = TOOLS / f"kube-score-{KUBE_SCORE}"
    program = folder / "kube-score"
    if not program.is_file():
        must(
            run(
                *(go("kube-score is built with it"), "install"),
                f"github.com/zegl/kube-score/cmd/kube-score@{KUBE_SCORE}",
                env=os.environ | {"GOBIN": str(folder)},
            ),
            "kube-score cannot be built",
            "run it again once the Go module proxy answers; Go 1.23 or later is needed",
        )
    return program


def kube_score(rendered: Path, *, charts: bool = True) -> list[str]:
    waivers = [*KUBE_SCORE_WAIVERS, *([] if charts else ALONE_WAIVERS)]
    waived = [part for name in waivers for part in ("--ignore-test", name)]
    files = sorted(rendered.iterdir())
    done = run(kube_score_program(), "score", "--output-format", "ci", *waived, *files)
    # 1 is for findings; they are on standard output, all else is the program's own trouble.
    if done.returncode not in (0, 1) or (done.returncode and not done.stdout):
        give_up(f"kube-score failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    lines = done.stdout.splitlines()
    if charts and not any(line.startswith("[OK]") for line in lines):
        give_up(f"kube-score looked at nothing:\n{done.stdout}{done.stderr}")
    return [line for line in lines if not line.startswith(("[OK]", "[SKIPPED]"))]


def main(folder: str | None = None) -> int:
    """Scan the charts, or the manifests of a folder; returns the process's exit status."""
    total = 0
    charts = folder is None
    with tempfile.TemporaryDirectory() as scratch:
        rendered = Path(folder) if folder is not None else render(Path(scratch))
        for name in ("kubernetes-validate", "checkov", "kube-score"):
            if name == "kubernetes-validate":
                found = schemas(rendered)
            elif name == "checkov":
                found = checkov(rendered, charts=charts)
            else:
                found = kube_score(rendered, charts=charts)
            print(f"{name}: {len(found)} findings", *found, sep="\n  ", flush=True)
            total += len(found)
    return 1 if total else 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2]))
    except Exception:
        # Python's own status for this is 1, which is for findings.
        give_up(traceback.format_exc())
