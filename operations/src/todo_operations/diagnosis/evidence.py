"""Evidence: what the cluster says of itself, as one plain structure.

It is gathered with read-only requests, has no secrets (``masking``), is bounded, and can be written
as JSON and read back: the rules know nothing but this structure.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography import x509

from todo_operations.cli import CommandError
from todo_operations.diagnosis.api import Api, ReadError
from todo_operations.diagnosis.masking import MASK, is_place, is_secret_name, mask, mask_all

VERSION = 1
# Cluster services that every namespace needs: DNS, the proxy, metrics.
SYSTEM_NAMESPACE = "kube-system"
# What evidence calls the list of Secrets' names.
SECRETS = "names of Secrets"

# How much is kept.
LOG_LINES = 60
_LOG_BYTES = 64 * 1024
_LINE_CHARACTERS = 1000
_CONTAINERS = 40
_EVENTS = 1000
_VALUE_CHARACTERS = 300

# What the kubelet answers, as if it were the log, when a container's log is gone.
_NO_LOG = "unable to retrieve container logs for "

# What the API server answers where it cannot connect to a pod.
_UNREACHED = "error trying to reach service"

# Without these parts nothing can be judged.
_PARTS: dict[str, type | tuple[type, ...]] = {
    "collected_at": str,
    "kubernetes": str,
    "asked": list,
    "objects": dict,
    "gaps": list,
    "seconds": (int, float),
}

# What is read in a namespace: the name in the evidence, and where it is.
_NAMESPACED = {
    "pods": "/api/v1/namespaces/{}/pods",
    "services": "/api/v1/namespaces/{}/services",
    "volumeclaims": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "quotas": "/api/v1/namespaces/{}/resourcequotas",
    "configmaps": "/api/v1/namespaces/{}/configmaps",
    "events": "/api/v1/namespaces/{}/events",
    "deployments": "/apis/apps/v1/namespaces/{}/deployments",
    "replicasets": "/apis/apps/v1/namespaces/{}/replicasets",
    "statefulsets": "/apis/apps/v1/namespaces/{}/statefulsets",
    "daemonsets": "/apis/apps/v1/namespaces/{}/daemonsets",
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
    "ingresses": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "networkpolicies": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "endpointslices": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "autoscalers": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
}
_CLUSTER = {
    "nodes": "/api/v1/nodes",
    "namespaces": "/api/v1/namespaces",
    "storageclasses": "/apis/storage.k8s.io/v1/storageclasses",
    "ingressclasses": "/apis/networking.k8s.io/v1/ingressclasses",
}
# Without these workloads and their pods cannot be told apart, and "nothing is wrong" is a guess.
_NEEDED = ("pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs")
# An argument that may be the name of what the next one holds: --db-password, not a script.
_ARGUMENT_NAME = re.compile(r"[\w.-]+")
# Where a container has commands of its own beside the one that it runs.
_EXECS = (
    *(("startupProbe",), ("livenessProbe",), ("readinessProbe",)),
    *(("lifecycle", "postStart"), ("lifecycle", "preStop")),
)
# Annotations that rules read; all others may hold anything and are left out.
_ANNOTATIONS = ("helm.sh/", "meta.helm.sh/", "storageclass.", "volume.kubernetes.io/")

Evidence = dict[str, Any]


def collect(api: Api, namespaces: list[str]) -> Evidence:
    """Ask the cluster about these namespaces; raises CommandError when it does not answer.

    What may not or cannot be read becomes a line of ``gaps``, its kind a word of ``unread``: a
    list that is empty for that reason proves nothing.
    """
    started = time.monotonic()
    try:
        version = api.json("/version")["gitVersion"]
    except (ReadError, ValueError, KeyError) as error:
        raise CommandError(
            f"the cluster at {api.server} does not answer: {error}. Remedy: {api.bring_up}."
        ) from error
    evidence: Evidence = {
        "version": VERSION,
        "collected_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kubernetes": version,
        "asked": namespaces,
    }
    with ThreadPoolExecutor(max_workers=8) as pool:
        reader = _Reader(pool)
        objects = _objects(api, reader, namespaces)
        troubled = list(_troubled_containers(objects["pods"]))[:_CONTAINERS]
        # Asked at the same time as the rest: a busy kubelet may take all the time there is to
        # measure its volumes, and the last words of a container tell more.
        logs = pool.map(lambda item: _log(api, *item), troubled)
        answers = pool.map(lambda item: _readiness(api, *item), _unready(objects["pods"]))
        evidence |= _details(api, reader, namespaces, [node_name(n) for n in objects["nodes"]])
        evidence["logs"] = list(logs)
        evidence["readiness"] = [answer for answer in answers if answer]
    named = _names(objects, evidence)
    # A password that is also an object's name is masked in its place, but not everywhere: rules
    # and readers need the names.
    secrets = {value for value in _literal_secrets(objects) if value not in named}
    known = sorted(secrets, key=len, reverse=True)
    evidence["objects"] = {
        kind: [_trimmed(kind, item) for item in items] for kind, items in objects.items()
    }
    evidence["gaps"] = reader.gaps
    evidence["unread"] = reader.unread_kinds()
    evidence = mask_all(evidence, known)
    evidence["seconds"] = round(time.monotonic() - started, 2)
    return evidence


class _Reader:
    """Asks many questions at once; what has no answer becomes a gap and an empty list.

    A question is named after its kind: "services of todo".
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self.gaps: list[str] = []
        self._unread: list[str] = []

    def unread_kinds(self) -> list[str]:
        """The kinds that could not be read in one place or another."""
        kinds = {question.rpartition(" of ")[0] or question for question in self._unread}
        return sorted(kinds & {*_CLUSTER, *_NAMESPACED, SECRETS})

    def ask(self, questions: dict[str, Callable[[], list[Any]]]) -> dict[str, list[Any]]:
        asked = {
            what: self._pool.submit(self._attempt, what, question)
            for what, question in questions.items()
        }
        return {what: answer.result() for what, answer in asked.items()}

    def _attempt(self, what: str, question: Callable[[], list[Any]]) -> list[Any]:
        try:
            return question()
        except (ReadError, ValueError, KeyError) as error:
            # A kind that this cluster does not know is no gap.
            if not (isinstance(error, ReadError) and error.status == 404):
                self.gaps.append(f"{what} could not be read: {error}")
                self._unread.append(what)
            return []


def _objects(api: Api, reader: _Reader, namespaces: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The objects by kind; raises CommandError when a namespace is not there."""
    objects = reader.ask({kind: partial(api.items, path) for kind, path in _CLUSTER.items()})
    present = {item["metadata"]["name"] for item in objects["namespaces"]}
    absent = [name for name in namespaces if name not in present]
    if present and absent:
        raise CommandError(
            f"there is no namespace {', '.join(absent)} in the cluster at {api.server}. Remedy: "
            f"--namespace names those that are; else {api.bring_up}."
        )
    wanted = list(dict.fromkeys([*namespaces, SYSTEM_NAMESPACE]))
    listed = reader.ask(
        {
            f"{kind} of {namespace}": partial(api.items, path.format(namespace))
            for kind, path in _NAMESPACED.items()
            for namespace in wanted
        }
    )
    objects["namespaces"] = [
        item for item in objects["namespaces"] if item["metadata"]["name"] in wanted
    ]
    needed = tuple(f"{kind} of " for kind in _NEEDED)
    if unread := [gap for gap in reader.gaps if gap.startswith(needed)]:
        raise CommandError(
            f"the cluster at {api.server} does not tell enough: {'; '.join(sorted(unread))}. "
            "Remedy: give the kubeconfig's account the ClusterRole view."
        )
    for kind in _NAMESPACED:
        objects[kind] = [item for namespace in wanted for item in listed[f"{kind} of {namespace}"]]
    objects["events"] = sorted(objects["events"], key=event_time)[-_EVENTS:]
    return objects


def _details(api: Api, reader: _Reader, namespaces: list[str], nodes: list[str]) -> Evidence:
    """What is not an object: names of Secrets, releases, certificates, use."""
    questions: dict[str, Callable[[], list[Any]]] = {}
    for name in namespaces:
        secrets = f"/api/v1/namespaces/{name}/secrets"
        questions[f"{SECRETS} of {name}"] = partial(api.names, secrets)
        questions[f"certificates of {name}"] = partial(_certificates, api, name)
        metrics = f"/apis/metrics.k8s.io/v1beta1/namespaces/{name}/pods"
        questions[f"use of pods of {name}"] = partial(api.items, metrics)
    for node in nodes:
        questions[f"file systems of node {node}"] = partial(_node_use, api, node, set(namespaces))
        questions[f"throttling on node {node}"] = partial(_throttling, api, node, set(namespaces))
    questions["metrics API"] = partial(_metrics_api, api)
    answers = reader.ask(questions)
    names = [(ns, answers[f"{SECRETS} of {ns}"]) for ns in namespaces]
    return {
        "secrets": [
            {"namespace": ns, "name": item["name"]} for ns, items in names for item in items
        ],
        "releases": [release for ns, items in names for release in _releases(ns, items)],
        "certificates": [item for ns in namespaces for item in answers[f"certificates of {ns}"]],
        "use": [item for ns in namespaces for item in answers[f"use of pods of {ns}"]],
        "nodes": [item for node in nodes for item in answers[f"file systems of node {node}"]],
        "throttling": [item for node in nodes for item in answers[f"throttling on node {node}"]],
        "metrics_api": answers["metrics API"],
    }


def save(evidence: Evidence, path: Path) -> None:
    """Write evidence or a report, readable by its owner only; raises CommandError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(evidence, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def load(path: Path) -> Evidence:
    """Read evidence back; raises CommandError when the file holds something else."""
    try:
        evidence = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no evidence: {error}") from error
    if (
        not isinstance(evidence, dict)
        or evidence.get("version") != VERSION
        or not all(isinstance(evidence.get(key), kind) for key, kind in _PARTS.items())
    ):
        raise CommandError(
            f"{path} is no evidence of this version. Remedy: write it with --evidence FILE."
        )
    return evidence


def node_name(node: dict[str, Any]) -> str:
    return str(node["metadata"]["name"])


def event_time(event: dict[str, Any]) -> str:
    """When an event was last seen, as RFC 3339."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(time) for time in times if time), event["metadata"]["creationTimestamp"])


def container_statuses(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The states of all containers of a pod, those that run first before the others."""
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether the pod's condition Ready holds."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod.get("status", {}).get("conditions") or []
    )


def _troubled_containers(pods: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str, bool]]:
    """Containers whose logs may tell something: namespace, pod, container, previous."""
    for pod in pods:
        phase = pod.get("status", {}).get("phase")
        if phase == "Succeeded" or (phase == "Running" and is_ready(pod) and not _restarted(pod)):
            continue
        place = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        for status in container_statuses(pod):
            state = status.get("state") or {}
            ended = state.get("terminated")
            if ended and ended.get("exitCode") == 0 and not status.get("restartCount"):
                continue
            if "running" in state or ended or status.get("restartCount"):
                yield (*place, status["name"], False)
            if status.get("restartCount"):
                yield (*place, status["name"], True)


def _restarted(pod: dict[str, Any]) -> bool:
    return any(status.get("restartCount") for status in container_statuses(pod))


def _log(api: Api, namespace: str, pod: str, container: str, previous: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "namespace": namespace,
        "pod": pod,
        "container": container,
        "previous": previous,
        "lines": [],
    }
    query = {"container": container, "tailLines": LOG_LINES, "limitBytes": _LOG_BYTES}
    try:
        text = api.text(
            f"/api/v1/namespaces/{namespace}/pods/{pod}/log",
            accept="*/*",
            **query,
            previous=str(previous).lower(),
        )
    except ReadError as error:
        found["gap"] = str(error)
        return found
    if text.startswith(_NO_LOG):
        text = ""
    # Masked as a whole first: a private key spans lines.
    found["lines"] = [line[:_LINE_CHARACTERS] for line in mask(text).splitlines() if line.strip()]
    return found


def _unready(pods: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Where running but unready containers answer readiness: namespace, pod, address, path."""
    for pod in pods:
        if is_ready(pod) or pod.get("status", {}).get("phase") != "Running":
            continue
        running = {
            status["name"]
            for status in container_statuses(pod)
            if "running" in (status.get("state") or {}) and not status.get("ready")
        }
        for container in pod["spec"]["containers"]:
            probe = (container.get("readinessProbe") or {}).get("httpGet")
            if not probe or container["name"] not in running:
                continue
            port = probe["port"]
            if isinstance(port, str):
                ports = {item.get("name"): item for item in container.get("ports") or []}
                port = ports.get(port, {}).get("containerPort")
            if port and probe.get("scheme", "HTTP") == "HTTP":
                metadata = pod["metadata"]
                address = f"{metadata['name']}:{port}"
                yield metadata["namespace"], metadata["name"], address, probe.get("path", "/")


def _readiness(
    api: Api, namespace: str, pod: str, address: str, path: str
) -> dict[str, Any] | None:
    """What an unready pod says of its own readiness; None when it says nothing."""
    try:
        said = api.text(f"/api/v1/namespaces/{namespace}/pods/{address}/proxy{path}", accept="*/*")
    except ReadError as error:
        # Of another node's pods the API server may be kept away by a network policy.
        said = str(error) if error.status and _UNREACHED not in str(error) else ""
    said = " ".join(said.split())[:_LINE_CHARACTERS]
    if not said:
        return None
    return {"namespace": namespace, "pod": pod, "path": path, "said": said}


def _certificates(api: Api, namespace: str) -> list[dict[str, Any]]:
    """Names and dates of the certificates in TLS Secrets; the keys are dropped right here."""
    found = []
    for secret in api.items(
        f"/api/v1/namespaces/{namespace}/secrets", fieldSelector="type=kubernetes.io/tls"
    ):
        text = (secret.get("data") or {}).get("tls.crt") or ""
        entry: dict[str, Any] = {"namespace": namespace, "secret": secret["metadata"]["name"]}
        try:
            certificate = x509.load_pem_x509_certificate(base64.b64decode(text))
        except (ValueError, binascii.Error):
            found.append(entry | {"problem": "tls.crt holds no certificate in PEM form"})
            continue
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            names = [str(name.value) for name in extension.value]
        except x509.ExtensionNotFound:
            names = []
        entry["names"] = names
        entry["not_before"] = certificate.not_valid_before_utc.isoformat()
        entry["not_after"] = certificate.not_valid_after_utc.isoformat()
        found.append(entry)
    return found


def _releases(namespace: str, secrets: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The newest revision of each Helm release, from the labels of Helm's own Secrets."""
    newest: dict[str, dict[str, Any]] = {}
    for metadata in secrets:
        labels = metadata.get("labels") or {}
        if labels.get("owner") != "helm" or not labels.get("version", "").isdigit():
            continue
        modified = labels.get("modifiedAt") or labels.get("createdAt") or ""
        entry = {
            "namespace": namespace,
            "name": labels.get("name", ""),
            "revision": int(labels["version"]),
            "status": labels.get("status", ""),
            "modified_at": (
                datetime.fromtimestamp(int(modified), UTC).isoformat()
                if modified.isdigit()
                else metadata.get("creationTimestamp", "")
            ),
        }
        if entry["revision"] > newest.get(entry["name"], {}).get("revision", 0):
            newest[entry["name"]] = entry
    yield from newest.values()


_THROTTLED = re.compile(
    r"^container_cpu_cfs_(?P<what>throttled_)?periods_total\{(?P<labels>[^}]*)\} (?P<value>\S+)",
    re.MULTILINE,
)


def _metrics_api(api: Api) -> list[dict[str, Any]]:
    """The condition that tells whether the metrics API is served."""
    path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
    conditions = api.json(path).get("status", {}).get("conditions") or []
    return [condition for condition in conditions if condition["type"] == "Available"]


def _node_use(api: Api, node: str, namespaces: set[str]) -> list[dict[str, Any]]:
    """File systems, volumes and use as the node's kubelet sees them."""
    summary = api.json(f"/api/v1/nodes/{node}/proxy/stats/summary")
    pods = []
    for pod in summary.get("pods") or []:
        reference = pod["podRef"]
        if reference["namespace"] not in namespaces:
            continue
        pods.append(
            {
                "namespace": reference["namespace"],
                "pod": reference["name"],
                "containers": [
                    {
                        "name": container["name"],
                        "cpu_millicores": container.get("cpu", {}).get("usageNanoCores", 0) / 1e6,
                        "memory_bytes": container.get("memory", {}).get("workingSetBytes", 0),
                    }
                    for container in pod.get("containers") or []
                ],
                "volumes": [
                    {
                        "name": volume["name"],
                        "used_bytes": volume.get("usedBytes", 0),
                        "capacity_bytes": volume.get("capacityBytes", 0),
                        "available_bytes": volume.get("availableBytes", 0),
                    }
                    for volume in pod.get("volume") or []
                ],
            }
        )
    file_system = summary.get("node", {}).get("fs", {})
    entry = {
        "name": node,
        "capacity_bytes": file_system.get("capacityBytes", 0),
        "available_bytes": file_system.get("availableBytes", 0),
        "pods": pods,
    }
    return [entry]


def _throttling(api: Api, node: str, namespaces: set[str]) -> list[dict[str, Any]]:
    """How often each container's CPU limit held it back since it started."""
    periods: dict[tuple[str, str, str], dict[str, float]] = {}
    for match in _THROTTLED.finditer(api.text(f"/api/v1/nodes/{node}/proxy/metrics/cadvisor")):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match["labels"]))
        if labels.get("namespace") not in namespaces or not labels.get("container"):
            continue
        place = (labels["namespace"], labels["pod"], labels["container"])
        counted = float(match["value"])
        periods.setdefault(place, {})["throttled" if match["what"] else "all"] = counted
    return [
        {
            "namespace": place[0],
            "pod": place[1],
            "container": place[2],
            "periods": int(count.get("all", 0)),
            "throttled": int(count.get("throttled", 0)),
        }
        for place, count in sorted(periods.items())
    ]


def _pod_spec(kind: str, item: dict[str, Any]) -> dict[str, Any] | None:
    spec: dict[str, Any] = item.get("spec") or {}
    if kind == "pods":
        return spec
    template: dict[str, Any] = spec.get("template") or {}
    return template.get("spec")


def _containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from spec.get("initContainers") or []
    yield from spec.get("containers") or []


def _names(objects: dict[str, list[dict[str, Any]]], evidence: Evidence) -> str:
    """The names of all objects, namespaces, containers and Secrets, a line each."""
    found = [
        str(name)
        for kind, items in objects.items()
        for item in items
        for name in (
            item["metadata"]["name"],
            item["metadata"].get("namespace", ""),
            *(container["name"] for container in _containers(_pod_spec(kind, item) or {})),
        )
    ]
    found += [secret["name"] for secret in evidence["secrets"]]
    return "\n".join([*found, *evidence["asked"]])


def _secret_arguments(container: dict[str, Any]) -> Iterator[tuple[list[str], int]]:
    """The arguments that follow one which names a secret: --db-password, then the password.

    Each as the list that it stands in and its place there. What follows a name and is an option
    itself is not the name's value (--no-password --file).
    """
    # A command is one line with its arguments, whichever of the two lists a name stands in.
    lines = [[container.get("command") or [], container.get("args") or []]]
    for way in _EXECS:
        part = container
        for key in way:
            part = part.get(key) or {}
        lines.append([(part.get("exec") or {}).get("command") or []])
    for line in lines:
        places = [(words, index) for words in line for index in range(len(words))]
        for (names, before), (words, index) in pairwise(places):
            name, value = names[before], words[index]
            if not (_ARGUMENT_NAME.fullmatch(name) and is_secret_name(name)):
                continue
            if not value.startswith("-") and not is_place(value):
                yield words, index


def _literal_secrets(objects: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Secrets written into the objects themselves: values of variables and arguments."""
    for kind, items in objects.items():
        for item in items:
            pairs = list((item.get("data") or {}).items()) if kind == "configmaps" else []
            for container in _containers(_pod_spec(kind, item) or {}):
                pairs += [
                    (variable["name"], variable.get("value") or "")
                    for variable in container.get("env") or []
                ]
                for words, index in _secret_arguments(container):
                    if len(words[index]) >= 6:
                        yield words[index]
            for name, value in pairs:
                if is_secret_name(name) and len(value) >= 6 and not is_place(value):
                    yield value


def _trimmed(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    """An object with what rules read, and without secrets written into it."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    annotations = metadata.pop("annotations", None) or {}
    if kept := {key: text for key, text in annotations.items() if key.startswith(_ANNOTATIONS)}:
        metadata["annotations"] = kept
    trimmed = {**item, "metadata": metadata}
    if kind == "configmaps":
        trimmed.pop("binaryData", None)
        trimmed["data"] = {
            name: _setting(name, value) for name, value in (item.get("data") or {}).items()
        }
    if kind == "nodes":
        status = dict(item.get("status") or {})
        images = status.pop("images", None) or []
        status["images"] = sorted({name for image in images for name in image.get("names") or []})
        trimmed["status"] = status
    for container in _containers(_pod_spec(kind, trimmed) or {}):
        for variable in container.get("env") or []:
            if "value" in variable:
                variable["value"] = _setting(variable["name"], variable["value"])
        for words, index in list(_secret_arguments(container)):
            words[index] = MASK
    template = (trimmed.get("spec") or {}).get("template")
    if isinstance(template, dict):
        template.get("metadata", {}).pop("annotations", None)
    return trimmed


def _setting(name: str, value: str) -> str:
    if is_secret_name(name) and value and not is_place(value):
        return MASK
    if len(value) > _VALUE_CHARACTERS:
        return f"({len(value)} characters)"
    return value
