"""`generate`: draft manifests or a chart's values, prove them, show what would change.

Nothing is ever applied.

A model drafts, or without one a template. A draft has to be YAML of allowed kinds in one namespace,
to be valid by Kubernetes' schemas (strict), to pass the scanners of the charts, and to be taken by
the API server in a dry run. Values have to meet their chart's schema, and what it makes of them the
same proofs. What a model got wrong goes back to it, three times at most.

Where a chart of the platform makes the autoscaler or the disruption budget that is asked for, its
values are drafted: beside the release, each later change of it would bring the workload back to the
number of pods that the chart names, until the autoscaler scales it again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from todo_operations import chart_values, templates
from todo_operations.ask import printable
from todo_operations.cli import KUBECONFIG, CommandError, bring_up
from todo_operations.model import Message, Model, configured

Json = dict[str, Any]
REPAIRS = 3
KUBERNETES = "1.35"
SCANNER = Path("tests/charts/scan.py")
SECONDS = 300
# For objects that Helm has made and that lack the notes of `kubectl apply`.
OWNED = ("--server-side", "--force-conflicts")
# Nothing that gives rights, holds secrets or reaches beyond the namespace.
KINDS = {
    *("ConfigMap", "CronJob", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job"),
    *("NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "Service"),
    *("ServiceAccount", "StatefulSet"),
}
INSTRUCTIONS = """\
You write Kubernetes manifests for the namespace {namespace}. Answer with YAML alone, documents
parted by ---, no explanations. Only these kinds: {kinds}. Name the namespace in each object. Pods
meet Pod Security "restricted": runAsNonRoot, runAsUser 10001, readOnlyRootFilesystem, all
capabilities dropped, seccompProfile RuntimeDefault, no service account token, requests and limits
for cpu, memory and ephemeral-storage, probes, imagePullPolicy, a tag that is not latest, a
ServiceAccount and a NetworkPolicy of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", nargs="+", help="what is wanted, in words, with name=value")
    parser.add_argument("--kubeconfig", default=str(KUBECONFIG), help="the cluster")
    parser.add_argument("--namespace", default="todo", help="where it shall run (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("generated"), help="folder for it")
    parser.add_argument("--no-model", action="store_true", help="fill a template, ask no model")


def run(arguments: argparse.Namespace) -> int:
    request = " ".join(arguments.request).strip()
    if not request:
        raise CommandError(f'the request is empty: make generate REQUEST="{templates.EXAMPLE}"')
    chart = chart_values.chart_of(request)
    scaled = "" if chart else chart_values.scaling_chart(templates.scaled(request), arguments)
    if chart:
        arguments.namespace = chart_values.home(chart, arguments.namespace)
    elif scaled:
        chart = scaled
        print(
            f"The release {chart} makes this itself: its values are drafted, no object beside it."
        )
    present = chart_values.present(chart, arguments) if chart else {}
    check = partial(prove_values, chart, present) if chart else prove
    if arguments.no_model or not configured():
        if scaled:
            filled = [templates.scaling(request, present)]
        elif chart:
            filled = [chart_values.fill(request)]
        else:
            filled = templates.fill(request, arguments.namespace)
        text = dump(filled)
        problems = check(text, arguments)
    else:
        told = chart_values.instructions(chart) if chart else instructions(arguments.namespace)
        text, problems = ask_model(request, told, partial(check, arguments=arguments))
    if problems:
        print("\n".join(printable(problem) for problem in problems), file=sys.stderr)
        print("todo-operations generate: nothing was written; change the request.", file=sys.stderr)
        return 1
    if chart:
        manifests, _ = chart_values.render(
            yaml.safe_load(text), chart, arguments.namespace, present
        )
        print(printable(difference(manifests, arguments, *OWNED)))
        path = write(text, request, arguments.output)
        setting, tag = chart_values.place(chart)
        print(
            f"Written to {path}; nothing was applied. To use it, put it below `{chart}:` of "
            f"`{setting}` in a file of inventory/group_vars/all, then:\n  make up TAGS={tag}"
        )
        return 0
    print(printable(difference(text, arguments)))
    path = write(text, request, arguments.output)
    print(f"Written to {path}; nothing was applied. To apply it:\n  kubectl apply -f {path}")
    return 0


def instructions(namespace: str) -> str:
    return INSTRUCTIONS.format(namespace=namespace, kinds=", ".join(sorted(KINDS)))


def ask_model(request: str, told: str, check: Callable[[str], list[str]]) -> tuple[str, list[str]]:
    """The model's last draft and what is still wrong with it."""
    model = Model.from_environment()
    messages: list[Message] = [
        {"role": "system", "content": told},
        {"role": "user", "content": request},
    ]
    text, problems = "", ["no draft"]
    for attempt in range(REPAIRS + 1):
        answer = model.complete(messages, purpose="generate")
        text = unfenced(answer)
        problems = check(text)
        print(f"draft {attempt + 1}: {len(problems)} problems", file=sys.stderr)
        if not problems:
            break
        repair = "This is wrong with it; answer with all of the corrected YAML:\n"
        messages += [
            {"role": "assistant", "content": answer},
            {"role": "user", "content": repair + "\n".join(problems)},
        ]
    return text, problems


def unfenced(answer: str) -> str:
    """The YAML of an answer, without the fence that models like to put around it."""
    found = re.search(r"```(?:ya?ml)?\n(.*?)```", answer, re.DOTALL)
    return found[1] if found else answer


def prove(text: str, arguments: argparse.Namespace) -> list[str]:
    """What is wrong with a draft, cheap checks first; empty when nothing is."""
    try:
        objects = [item for item in yaml.safe_load_all(text) if item is not None]
    except yaml.YAMLError as error:
        return [f"yaml: {' '.join(str(error).split())}"]
    return (
        policy(objects, arguments.namespace)
        or schema(objects)
        or scanners(text)
        or dry_run(text, arguments)
        or targets(objects, arguments)
    )


def prove_values(chart: str, present: Json, text: str, arguments: argparse.Namespace) -> list[str]:
    """What is wrong with a chart's values, and with what the chart makes of them."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [f"yaml: {' '.join(str(error).split())}"]
    if not isinstance(values, dict) or not values:
        return ["yaml: one mapping of values is expected"]
    manifests, problem = chart_values.render(values, chart, arguments.namespace, present)
    if problem:
        return [f"helm: {line}" for line in problem.splitlines()]
    objects = [item for item in yaml.safe_load_all(manifests) if item is not None]
    return (
        schema(objects)
        or scanners(manifests)
        or dry_run(manifests, arguments, *OWNED)
        or targets(objects, arguments)
    )


def policy(objects: list[Any], namespace: str) -> list[str]:
    if not objects:
        return ["yaml: there is no object in it"]
    found = []
    for item in objects:
        if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
            found.append("yaml: an object with apiVersion, kind and metadata is expected")
            continue
        name = f"{item.get('kind')} {item['metadata'].get('name')}"
        if item.get("kind") not in KINDS:
            found.append(f"policy: {name}: only {', '.join(sorted(KINDS))} may be generated")
        if item["metadata"].get("namespace") != namespace:
            found.append(f"policy: {name}: metadata.namespace must be {namespace}")
    return found


def schema(objects: list[Json]) -> list[str]:
    found = []
    for item in objects:
        try:
            kubernetes_validate.validate(item, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"schema: {item['kind']}: {error.message}")
        except (kubernetes_validate.SchemaNotFoundError, KeyError) as error:
            found.append(f"schema: {item.get('kind')} {item.get('apiVersion')}: {error}")
    return found


def scanners(text: str) -> list[str]:
    """What the scanners of the charts find. Raises CommandError when they cannot look: no other
    draft would mend that."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "draft.yaml").write_text(text, encoding="utf-8")
        done = execute([sys.executable, str(SCANNER), folder])
    if done.returncode == 0:
        return []
    if done.returncode != 1:
        raise CommandError(
            f"the scanners do not work, so nothing can be proved: {done.stderr.strip()[-500:]} "
            f"(`python {SCANNER}` installs them and shows what is wrong)"
        )
    return [f"scan: {line.strip()}" for line in (done.stdout + done.stderr).splitlines() if line]


def dry_run(text: str, arguments: argparse.Namespace, *how: str) -> list[str]:
    """What the API server says to it; its warnings (Pod Security, deprecations) count."""
    done = kubectl(arguments, "apply", "--dry-run=server", *how, "-f", "-", text=text)
    if done.returncode == 0 and "Warning" not in done.stderr:
        return []
    if "connect" in done.stderr or "no such file" in done.stderr:
        raise CommandError(
            f"the cluster of {arguments.kubeconfig} does not answer, so nothing can be proved "
            f"({bring_up(arguments.kubeconfig)}): {done.stderr.strip()[-300:]}"
        )
    return [f"dry run: {line}" for line in done.stderr.splitlines()]


def targets(objects: list[Json], arguments: argparse.Namespace) -> list[str]:
    """What objects point at and neither the draft nor the cluster has."""
    own = {(item["kind"], item["metadata"]["name"]) for item in objects}
    found = []
    for item in objects:
        for kind, name in pointed_at(item):
            if (kind, name) in own:
                continue
            if kubectl(arguments, "get", kind, name).returncode != 0:
                found.append(f"target: there is no {kind} {name} in {arguments.namespace}")
            elif kind == "Deployment" and chart_values.scaling_chart(name, arguments):
                found.append(
                    f"target: the release {name} sets the pods of {kind} {name}; ask for `values "
                    f"of {name} autoscaling.enabled=true`"
                )
    return found


def pointed_at(item: Json) -> set[tuple[str, str]]:
    """Kind and name of what an autoscaler scales and an Ingress sends to."""
    spec = item.get("spec") or {}
    if item["kind"] == "HorizontalPodAutoscaler":
        return {(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])}
    if item["kind"] != "Ingress":
        return set()
    backends = [spec.get("defaultBackend") or {}]
    for rule in spec.get("rules") or []:
        backends += [path["backend"] for path in (rule.get("http") or {}).get("paths") or []]
    return {("Service", backend["service"]["name"]) for backend in backends if "service" in backend}


def difference(text: str, arguments: argparse.Namespace, *how: str) -> str:
    """What applying it would change. `kubectl diff` ends with 1 when there is something."""
    done = kubectl(arguments, "diff", *how, "-f", "-", text=text)
    if done.returncode > 1:
        return f"(no difference can be shown: {done.stderr.strip()[-300:]})"
    # Names of temporary files say nothing.
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("diff ", "+++ "))]
    kept = [f"--- {line.rpartition('/')[2]}" if line.startswith("--- ") else line for line in lines]
    return "\n".join(kept) or "(nothing would change)"


def kubectl(
    arguments: argparse.Namespace, *words: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    command = ["kubectl", "--kubeconfig", arguments.kubeconfig, "-n", arguments.namespace]
    return execute(
        [*command, *words, "--request-timeout=30s"] if words[0] == "get" else [*command, *words],
        text,
    )


def execute(command: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={
                name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")
            },
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"{command[0]} cannot be run: {error}") from error


def dump(objects: list[Json]) -> str:
    # Without anchors: each object stands for itself.
    dumper = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]
    return yaml.dump_all(objects, Dumper=dumper, sort_keys=False)


def write(text: str, request: str, folder: Path) -> Path:
    """Write it to a file named after the request, and return its path."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.lower()).strip("-")[:60].strip("-") or "manifest"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug}.yaml"
    # On one line, so that nothing of the request becomes part of the manifest.
    path.write_text(f"# {' '.join(printable(request).split())}\n---\n{text}", encoding="utf-8")
    return path
