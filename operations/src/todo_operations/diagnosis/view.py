"""Evidence as rules look at it: objects by what they are to each other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from todo_operations.diagnosis.evidence import (
    SECRETS,
    SYSTEM_NAMESPACE,
    Evidence,
    container_statuses,
    event_time,
    is_ready,
)
from todo_operations.diagnosis.findings import Line, Ref

Object = dict[str, Any]

_KINDS = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "jobs": "Job",
}
# Seconds that a new pod may take before it counts as not working.
STARTING = 30
# Seconds: how long ago a container must have ended, and how short it must have run, to count as
# one that crashes again and again.
_FLAPPING = 330
_SHORT_LIVED = 60
# Seconds after the start of its node in which a container may fail for want of the network.
_NODE_STARTING = 120
# Seconds that a pod which worked before may be unready until it counts as broken.
_RECOVERING = 15
_HOST_WORD = re.compile(r"HOST|URL|URI|ADDR(?:ESS)?|SERVER|ENDPOINT|UPSTREAM", re.IGNORECASE)
# At the end: POSTGRES_HOST_AUTH_METHOD and GF_SERVER_PROTOCOL are no hosts.
_HOST_NAMED = re.compile(rf"(?:{_HOST_WORD.pattern})$", re.IGNORECASE)
# Addresses that are names for something and are not called.
_NOT_CALLED = re.compile(r"AUDIENCE|ISSUER|ORIGIN", re.IGNORECASE)
_ADDRESS = re.compile(
    r"^(?:[a-z][a-z0-9+.-]*://(?:[^@/\s]*@)?)?(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
    r"(?::(?P<port>\d{1,5}))?(?:[/?].*)?$",
    re.IGNORECASE,
)
DNS = Ref("Service", SYSTEM_NAMESPACE, "kube-dns")


@dataclass(frozen=True)
class Container:
    """A container of a pod: what is asked for (``spec``) and what is (``status``)."""

    pod: Object
    spec: Object
    status: Object
    owner: Ref

    @property
    def name(self) -> str:
        return str(self.status["name"])

    @property
    def place(self) -> str:
        metadata = self.pod["metadata"]
        return f"pod {metadata['namespace']}/{metadata['name']}, container {self.name}"

    @property
    def waiting(self) -> Object:
        return (self.status.get("state") or {}).get("waiting") or {}

    @property
    def ended(self) -> Object:
        """How it ended, now or the time before; empty when it never did."""
        for state in (self.status.get("state") or {}, self.status.get("lastState") or {}):
            if state.get("terminated"):
                return dict(state["terminated"])
        return {}

    @property
    def runs(self) -> bool:
        return "running" in (self.status.get("state") or {})

    def state_line(self) -> Line:
        """Its state in one line."""
        said = []
        if self.waiting:
            said.append(f"waits: {self.waiting.get('reason')} {self.waiting.get('message', '')}")
        elif self.runs:
            said.append("runs" + ("" if self.status.get("ready") else ", not ready"))
        if ended := self.ended:
            said.append(f"ended with {ended.get('exitCode')} ({ended.get('reason', 'no reason')})")
        if restarts := self.status.get("restartCount"):
            said.append(f"{restarts} restarts")
        return Line(self.place, "; ".join(said).strip())


@dataclass(frozen=True)
class Flow:
    """A connection that a workload's settings name: host is a Service's name."""

    setting: str
    value: str
    namespace: str
    host: str
    port: int | None


class Unread(Exception):
    """A rule needs objects that could not be read; that they are absent would be a guess."""


class View:
    """One evidence, indexed. All functions are pure.

    What could not be read is not absent: whoever asks for it by ``items`` and what stands on it
    gets Unread. ``seen`` is for what only adds to a finding: relations, lines of evidence.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.asked: list[str] = evidence["asked"]
        self.now = datetime.fromisoformat(evidence["collected_at"])

    def was_read(self, *kinds: str) -> bool:
        unread = self.evidence.get("unread") or []
        return not any(kind in unread for kind in kinds)

    def require(self, *kinds: str) -> None:
        """Raises Unread unless all of these were read."""
        if not self.was_read(*kinds):
            raise Unread(f"{' or '.join(kinds)} could not be read")

    def items(self, kind: str) -> list[Object]:
        """All objects of a kind; raises Unread."""
        self.require(kind)
        return self.seen(kind)

    def seen(self, kind: str) -> list[Object]:
        """The objects of a kind that were read, be it all or not."""
        found: list[Object] = self.evidence["objects"].get(kind) or []
        return found

    def secrets(self) -> set[tuple[str, str]]:
        """Namespace and name of each Secret; raises Unread."""
        self.require(SECRETS)
        return {(item["namespace"], item["name"]) for item in self.evidence.get("secrets") or []}

    def asked_items(self, kind: str) -> list[Object]:
        """Objects of the namespaces that were asked about, without the cluster's own services."""
        return [item for item in self.items(kind) if item["metadata"]["namespace"] in self.asked]

    def age(self, time: str | None) -> float:
        """Seconds since then; infinite when it is not known."""
        return (self.now - datetime.fromisoformat(time)).total_seconds() if time else float("inf")

    @cached_property
    def is_minikube(self) -> bool:
        """Whether the cluster is a Minikube, which the project makes, and not somebody's own."""
        # By a label of the nodes, whatever shape they have: reports ask, too, not only rules.
        return "minikube.k8s.io/name" in str(self.seen("nodes"))

    # Owners

    @cached_property
    def workloads(self) -> dict[Ref, Object]:
        return {
            ref(kind, item): item for plural, kind in _KINDS.items() for item in self.items(plural)
        }

    @cached_property
    def _replicasets(self) -> dict[tuple[str, str], Object]:
        return {
            (item["metadata"]["namespace"], item["metadata"]["name"]): item
            for item in self.items("replicasets")
        }

    def owner(self, pod: Object) -> Ref:
        """The workload a pod belongs to, or the pod itself."""
        namespace = pod["metadata"]["namespace"]
        for reference in pod["metadata"].get("ownerReferences") or []:
            if not reference.get("controller"):
                continue
            if reference["kind"] == "ReplicaSet":
                replicaset = self._replicasets.get((namespace, reference["name"]))
                for above in (replicaset or {}).get("metadata", {}).get("ownerReferences") or []:
                    return Ref(above["kind"], namespace, above["name"])
            return Ref(reference["kind"], namespace, reference["name"])
        return ref("Pod", pod)

    @cached_property
    def _pods_by_owner(self) -> dict[Ref, list[Object]]:
        owned: dict[Ref, list[Object]] = {}
        for pod in self.items("pods"):
            owned.setdefault(self.owner(pod), []).append(pod)
        return owned

    def pods_of(self, owner: Ref) -> list[Object]:
        return self._pods_by_owner.get(owner, [])

    def creators_of(self, owner: Ref) -> list[Ref]:
        """The objects whose events tell why an owner's pods are not made."""
        sets = [
            Ref("ReplicaSet", *place)
            for place, item in self._replicasets.items()
            if place[0] == owner.namespace
            and any(
                (above["kind"], above["name"]) == (owner.kind, owner.name)
                for above in item["metadata"].get("ownerReferences") or []
            )
        ]
        return [owner, *sets]

    def has_made_all(self, creator: Ref) -> bool:
        """Whether a ReplicaSet or StatefulSet has as many pods as it wants, working or not: what
        once refused it a pod does so no more."""
        made = self._replicasets.get((creator.namespace, creator.name))
        item = (made if creator.kind == "ReplicaSet" else self.workloads.get(creator)) or {}
        wanted = (item.get("spec") or {}).get("replicas")
        return bool(wanted) and (item.get("status") or {}).get("replicas", 0) >= wanted

    def release_of(self, about: Ref) -> str:
        """The Helm release an object belongs to, empty when it belongs to none."""
        for plural in self.evidence["objects"]:
            for item in self.seen(plural):
                metadata = item["metadata"]
                place = (metadata.get("namespace", ""), metadata["name"])
                if place != (about.namespace, about.name):
                    continue
                labels = metadata.get("labels") or {}
                if labels.get("app.kubernetes.io/managed-by") == "Helm":
                    return str(labels.get("app.kubernetes.io/instance", ""))
        return ""

    # What is wrong with pods

    def broken_pods(self) -> Iterator[Object]:
        """Pods that should work and do not: not those that have done their work or are leaving.

        A failed pod counts as long as its workload lacks one, a job's until the job is done.
        """
        for pod in self.items("pods"):
            phase = pod.get("status", {}).get("phase")
            if phase == "Succeeded" or pod["metadata"].get("deletionTimestamp"):
                continue
            if phase == "Failed":
                owner = self.owner(pod)
                if owner in self.workloads and not self.is_short(owner):
                    continue
                yield pod
            elif self.is_flapping(pod) or not (
                is_ready(pod) or self.is_starting(pod) or self.is_recovering(pod)
            ):
                yield pod

    def is_recovering(self, pod: Object, callers: frozenset[str] = frozenset()) -> bool:
        """Whether a pod has been unready for a moment only, while all that it calls is there.

        After a restart of its database, say; with the database gone it is broken at once.
        ``callers`` are the uids of the pods that call it, where they are asked about.
        """
        since = next(
            (
                condition.get("lastTransitionTime")
                for condition in (pod.get("status") or {}).get("conditions") or []
                if condition["type"] == "Ready"
            ),
            None,
        )
        age = self.age((pod.get("status") or {}).get("startTime"))
        # One that never was ready is starting, which has a time of its own.
        if self.age(since) > _RECOVERING or age - self.age(since) < _RECOVERING:
            return False
        if any(container.waiting or not container.runs for container in self.containers(pod)):
            return False
        # Whether they are there is not known; for a moment it gets the benefit of the doubt.
        if not self.was_read("services", "endpointslices"):
            return True
        called = {
            (flow.namespace, flow.host)
            for flow in self.flows(pod["metadata"]["namespace"], pod["spec"])
        }
        services = [self.service(*place) for place in called]
        callers |= {pod["metadata"]["uid"]}
        return all(
            service and (self.has_endpoints(service) or self.is_restarting(service, callers))
            for service in services
        )

    def is_restarting(self, service: Object, callers: frozenset[str]) -> bool:
        """Whether all pods of a Service are leaving, starting or recovering, and there are some.

        Those that call each other in a circle are judged by what else they call.
        """
        if self.has_just_lost_endpoints(service):
            return True
        pods = self.selected_pods(service)
        return bool(pods) and all(
            pod["metadata"].get("deletionTimestamp")
            or self.is_starting(pod)
            or pod["metadata"]["uid"] in callers
            or self.is_recovering(pod, callers)
            for pod in pods
        )

    def is_changing(self, owner: Ref) -> bool:
        """Whether a workload's pods are on their way: leaving, recovering, or just ordered."""
        if not self.was_read("events"):
            return True
        for pod in self.pods_of(owner):
            left = pod["metadata"].get("deletionTimestamp")
            if left and self.age(left) < STARTING:
                return True
            if not is_ready(pod) and (self.is_recovering(pod) or self.is_starting(pod)):
                return True
        return any(
            event.get("type") != "Warning" and self.age(event_time(event)) < STARTING
            for creator in self.creators_of(owner)
            for event in self.all_events(creator)
        )

    def is_flapping(self, pod: Object) -> bool:
        """Whether a pod that is ready now has ended by itself twice or more, and just before."""
        node_started = self.node_started(pod["spec"].get("nodeName", ""))
        for container in self.containers(pod):
            ended = (container.status.get("lastState") or {}).get("terminated") or {}
            # 137 and 143 are ends from outside, 255 is the node's own stop.
            if container.status.get("restartCount", 0) < 2 or ended.get("exitCode") in (
                *(None, 0, 137, 143, 255),
            ):
                continue
            if node_started - self.age(ended.get("finishedAt")) < _NODE_STARTING:
                continue
            if (
                self.age(ended.get("finishedAt")) < _FLAPPING
                and self.age(ended.get("startedAt")) - self.age(ended.get("finishedAt"))
                < _SHORT_LIVED
            ):
                return True
        return False

    def node_started(self, name: str) -> float:
        """Seconds since a node came up, by the pods that its kubelet starts itself."""
        return min(
            (
                self.age(status["state"]["running"].get("startedAt"))
                for pod in self.items("pods")
                if pod["spec"].get("nodeName") == name
                and any(
                    owner["kind"] == "Node" for owner in pod["metadata"].get("ownerReferences", [])
                )
                for status in container_statuses(pod)
                if "running" in (status.get("state") or {})
            ),
            default=math.inf,
        )

    def broken_containers(self) -> Iterator[Container]:
        """Containers of those pods that are not what they should be."""
        for pod in self.broken_pods():
            for container in self.containers(pod):
                ended = (container.status.get("state") or {}).get("terminated") or {}
                ready = container.status.get("ready") and not self.is_flapping(pod)
                if ready or (ended and ended.get("exitCode") == 0):
                    continue
                yield container

    def containers(self, pod: Object) -> Iterator[Container]:
        specs = {
            spec["name"]: spec
            for spec in [
                *(pod["spec"].get("initContainers") or []),
                *(pod["spec"].get("containers") or []),
            ]
        }
        for status in container_statuses(pod):
            yield Container(pod, specs.get(status["name"], {}), status, self.owner(pod))

    def is_short(self, owner: Ref) -> bool:
        """Whether a workload has fewer working pods than it wants, or a job has failed."""
        item = self.workloads.get(owner)
        if item is None:
            return any(not is_ready(pod) for pod in self.pods_of(owner))
        status = item.get("status") or {}
        conditions = {
            condition["type"]: condition["status"] for condition in status.get("conditions") or []
        }
        if owner.kind == "Job":
            if conditions.get("Complete") == "True":
                return False
            return bool(status.get("failed") or conditions.get("Failed") == "True") and (
                self._is_newest_run(item)
            )
        if owner.kind == "DaemonSet":
            wanted = status.get("desiredNumberScheduled", 0)
            return bool(status.get("numberReady", 0) < wanted)
        wanted = item["spec"].get("replicas", 1)
        return bool(
            status.get("readyReplicas", 0) < wanted
            or status.get("updatedReplicas", 0) < wanted
            or status.get("unavailableReplicas", 0) > 0
            or conditions.get("ReplicaFailure") == "True"
        )

    def _is_newest_run(self, job: Object) -> bool:
        """A schedule's failed run counts until the next one."""
        metadata = job["metadata"]
        runs = [
            other["metadata"]
            for other in self.items("jobs")
            if other["metadata"]["namespace"] == metadata["namespace"]
            and _owner_uid(other) == _owner_uid(job)
        ]
        return not _owner_uid(job) or metadata["creationTimestamp"] == max(
            run["creationTimestamp"] for run in runs
        )

    def is_starting(self, pod: Object) -> bool:
        """Whether a pod without any trouble is just too young to be ready."""
        status = pod.get("status") or {}
        if self.events(ref("Pod", pod), "FailedMount", "Failed", "FailedPostStartHook"):
            return False
        for condition in status.get("conditions") or []:
            unscheduled = condition["type"] == "PodScheduled" and condition["status"] == "False"
            # A volume is made once its pod is there.
            if unscheduled and "unbound immediate" not in str(condition.get("message")):
                return False
        for container in self.containers(pod):
            reason = container.waiting.get("reason")
            if reason not in (None, "ContainerCreating", "PodInitializing") or container.ended.get(
                "exitCode"
            ):
                return False
        age = self.age(status.get("startTime") or pod["metadata"]["creationTimestamp"])
        patience: float = STARTING
        for container in self.containers(pod):
            probe = container.spec.get("startupProbe")
            if probe and not container.status.get("started"):
                budget = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
                patience = max(patience, probe.get("initialDelaySeconds", 0) + budget)
        return age < patience

    # What an object says

    @cached_property
    def _events(self) -> dict[Ref, list[Object]]:
        pods = {ref("Pod", pod): _uids(pod) for pod in self.seen("pods")}
        found: dict[Ref, list[Object]] = {}
        for event in self.seen("events"):
            about = event.get("involvedObject") or {}
            place = Ref(about.get("kind", ""), about.get("namespace", ""), about.get("name", ""))
            # A StatefulSet's pod has the name of the one before it, and none of its troubles.
            uid = about.get("uid")
            if not uid or uid in pods.get(place, [uid]):
                found.setdefault(place, []).append(event)
        return found

    def events(self, about: Ref, *reasons: str) -> list[Object]:
        """The warnings about an object, the newest last."""
        return [
            event
            for event in self._events.get(about, [])
            if event.get("type") == "Warning" and (not reasons or event.get("reason") in reasons)
        ]

    def all_events(self, about: Ref) -> list[Object]:
        return self._events.get(about, [])

    def log(self, container: Container) -> tuple[str, list[str]]:
        """Where a container's log was read and its lines; the run that failed first."""
        metadata = container.pod["metadata"]
        place = (metadata["namespace"], metadata["name"], container.name)
        found: dict[bool, list[str]] = {
            log["previous"]: log["lines"]
            for log in self.evidence.get("logs") or []
            if (log["namespace"], log["pod"], log["container"]) == place
        }
        # A container that has just been started again has not said much yet; of one that does not
        # run, the log without "previous" is that of its last run.
        few = len(found.get(False) or []) < (3 if container.runs else 1)
        previous = bool(found.get(True)) and few
        source = f"log {'/'.join(place)}" + (" (previous run)" if previous else "")
        return source, found.get(previous) or []

    def readiness(self, pod: Object) -> list[Line]:
        """What an unready pod answered to its own readiness question."""
        metadata = pod["metadata"]
        return [
            Line(
                f"answer of {metadata['namespace']}/{metadata['name']} to {answer['path']}",
                answer["said"],
            )
            for answer in self.evidence.get("readiness") or []
            if (answer["namespace"], answer["pod"]) == (metadata["namespace"], metadata["name"])
        ]

    # Services and what needs them

    def service(self, namespace: str, name: str) -> Object | None:
        """The Service of this name, None when there is none; raises Unread."""
        self.require("services")
        return self._seen_service(namespace, name)

    def _seen_service(self, namespace: str, name: str) -> Object | None:
        for item in self.seen("services"):
            if (item["metadata"]["namespace"], item["metadata"]["name"]) == (namespace, name):
                return item
        return None

    def selected_pods(self, service: Object) -> list[Object]:
        selector = service["spec"].get("selector") or {}
        return [
            pod
            for pod in self.items("pods")
            if selector
            and pod["metadata"]["namespace"] == service["metadata"]["namespace"]
            and matches(selector, pod["metadata"].get("labels"))
        ]

    def selected_workloads(self, service: Object) -> list[Ref]:
        """The workloads whose pods, also those that are not there yet, a Service selects."""
        selector = service["spec"].get("selector") or {}
        return [
            about
            for about, item in self.workloads.items()
            if selector
            and about.kind != "Job"
            and about.namespace == service["metadata"]["namespace"]
            and matches(selector, item["spec"]["template"]["metadata"].get("labels"))
        ]

    def endpoint_slices(self, service: Object) -> list[Object]:
        metadata = service["metadata"]
        return [
            item
            for item in self.items("endpointslices")
            if item["metadata"]["namespace"] == metadata["namespace"]
            and (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
            == metadata["name"]
        ]

    def has_endpoints(self, service: Object) -> bool:
        return any(
            (endpoint.get("conditions") or {}).get("ready") is not False and endpoint["addresses"]
            for item in self.endpoint_slices(service)
            for endpoint in item.get("endpoints") or []
        )

    def has_just_lost_endpoints(self, service: Object) -> bool:
        """Whether a Service's endpoints follow its pods, of which one was ready a moment ago.

        The two are not asked in the same moment, nor does Kubernetes change them in one.
        """
        key = "endpoints.kubernetes.io/last-change-trigger-time"
        changed = [
            (item["metadata"].get("annotations") or {}).get(key)
            for item in self.endpoint_slices(service)
        ]
        return any(is_ready(pod) for pod in self.selected_pods(service)) and any(
            self.age(time) < STARTING for time in changed if time
        )

    def settings(self, namespace: str, spec: Object) -> dict[str, str]:
        """The environment of a pod's containers, ConfigMaps included."""
        maps = {
            item["metadata"]["name"]: item.get("data") or {}
            for item in self.seen("configmaps")
            if item["metadata"]["namespace"] == namespace
        }
        found: dict[str, str] = {}
        for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
            for source in container.get("envFrom") or []:
                name = (source.get("configMapRef") or {}).get("name", "")
                prefix = source.get("prefix") or ""
                found |= {prefix + key: value for key, value in maps.get(name, {}).items()}
            for variable in container.get("env") or []:
                reference = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
                value = variable.get("value")
                if reference:
                    value = maps.get(reference.get("name", ""), {}).get(reference.get("key", ""))
                if isinstance(value, str):
                    found[variable["name"]] = value
        return found

    def flows(self, namespace: str, spec: Object) -> list[Flow]:
        """The hosts inside the cluster that a pod's settings name; a Service may lack."""
        settings = self.settings(namespace, spec)
        found = []
        for name, value in settings.items():
            match = _ADDRESS.match(value.strip())
            if not match or _NOT_CALLED.search(name):
                continue
            named = _HOST_NAMED.search(name) or (match["port"] and _HOST_WORD.search(name))
            if not (named or "://" in value):
                continue
            parts = match["host"].lower().split(".")
            inside = len(parts) == 1 or (len(parts) == 2 and self._seen_service(parts[1], parts[0]))
            if not (inside or "svc" in parts[2:3]) or parts[0] in ("localhost", ""):
                continue
            if parts[0].isdigit() or parts[0] in ("true", "false"):
                continue
            port = int(match["port"]) if match["port"] else None
            if port is None and (beside := _HOST_WORD.sub("PORT", name)) in settings:
                port = int(settings[beside]) if settings[beside].isdigit() else None
            if port is None:
                port = {"http": 80, "https": 443}.get(value.partition("://")[0])
            target = parts[1] if len(parts) > 1 else namespace
            found.append(Flow(name, value, target, parts[0], port))
        return found

    def pod_spec(self, owner: Ref) -> Object:
        item = self.workloads.get(owner)
        if item is not None:
            return dict(item["spec"]["template"]["spec"])
        pods = self.pods_of(owner)
        return dict(pods[0]["spec"]) if pods else {}

    def dependencies(self, owner: Ref) -> frozenset[Ref]:
        """What a workload cannot work without: services by name, volumes, nodes, DNS."""
        spec = self.pod_spec(owner)
        found: set[Ref] = set()
        for flow in self.flows(owner.namespace, spec):
            found |= {Ref("Service", flow.namespace, flow.host), DNS}
            if service := self._seen_service(flow.namespace, flow.host):
                found |= set(self.selected_workloads(service))
        for volume in spec.get("volumes") or []:
            if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                found.add(Ref("PersistentVolumeClaim", owner.namespace, claim))
        for pod in self.pods_of(owner):
            for volume in pod["spec"].get("volumes") or []:
                if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                    found.add(Ref("PersistentVolumeClaim", owner.namespace, claim))
            node = pod["spec"].get("nodeName")
            nodes = [node] if node else [item["metadata"]["name"] for item in self.seen("nodes")]
            found |= {Ref("Node", "", name) for name in nodes}
        return frozenset(found - {owner})


def ref(kind: str, item: Object) -> Ref:
    return Ref(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])


def matches(selector: dict[str, str], labels: dict[str, str] | None) -> bool:
    """Whether labels have every pair of a plain selector."""
    return selector.items() <= (labels or {}).items()


def event_line(event: Object) -> Line:
    """An event as one line of evidence."""
    about = event.get("involvedObject") or {}
    place = "/".join(part for part in (about.get("namespace"), about.get("name")) if part)
    count = event.get("count") or (event.get("series") or {}).get("count") or 1
    times = f" ({count} times)" if count > 1 else ""
    return Line(
        f"event {event_time(event)[:19]} {about.get('kind')} {place}",
        f"{event.get('reason')}: {' '.join(str(event.get('message', '')).split())[:600]}{times}",
    )


def _uids(pod: Object) -> set[str | None]:
    """What events call a pod: a static one has an id of its own for the kubelet."""
    metadata = pod["metadata"]
    annotations = metadata.get("annotations") or {}
    return {metadata.get("uid"), annotations.get("kubernetes.io/config.hash")}


def _owner_uid(item: Object) -> str:
    references = item["metadata"].get("ownerReferences") or []
    return str(references[0].get("uid", "")) if references else ""
