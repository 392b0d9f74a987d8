"""A Kubernetes API in memory: enough for the real Helm 3 and 4, kubectl and kubernetes.core.

Workloads become ready at once. An object whose label `fake.test/behaviour` (on the pod template
of a workload) is `broken` never does: its pod waits with ImagePullBackOff, its Job fails. That is
all the simulation there is, but for the fields of a StatefulSet that cannot be changed and for an
account that is told to have no rights (READER); everything else is stored and given back as it was
sent.

    python fake_kubernetes_api.py --kubeconfig FILE [--port PORT] [--pid-file FILE]

writes a kubeconfig for itself and serves until it is ended.
"""

from __future__ import annotations

import argparse
import base64
import copy
import datetime
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlparse

import yaml
from background_server import BackgroundServer

Object = dict[str, Any]


class Resource(NamedTuple):
    """One row of the API's discovery document."""

    plural: str
    kind: str
    namespaced: bool = True


RESOURCES: dict[str, list[Resource]] = {
    "v1": [
        Resource("namespaces", "Namespace", False),
        Resource("nodes", "Node", False),
        Resource("persistentvolumes", "PersistentVolume", False),
        *(
            Resource(kind.lower() + "s", kind)
            for kind in (
                "ConfigMap",
                "Secret",
                "Service",
                "ServiceAccount",
                "Pod",
                "Event",
                "PersistentVolumeClaim",
                "ResourceQuota",
                "LimitRange",
            )
        ),
        Resource("endpoints", "Endpoints"),
    ],
    "apps/v1": [
        Resource("deployments", "Deployment"),
        Resource("statefulsets", "StatefulSet"),
        Resource("daemonsets", "DaemonSet"),
        Resource("replicasets", "ReplicaSet"),
    ],
    "batch/v1": [Resource("jobs", "Job"), Resource("cronjobs", "CronJob")],
    "networking.k8s.io/v1": [
        Resource("ingresses", "Ingress"),
        Resource("networkpolicies", "NetworkPolicy"),
        Resource("ingressclasses", "IngressClass", False),
    ],
    "discovery.k8s.io/v1": [Resource("endpointslices", "EndpointSlice")],
    "policy/v1": [Resource("poddisruptionbudgets", "PodDisruptionBudget")],
    "autoscaling/v2": [Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler")],
    "rbac.authorization.k8s.io/v1": [
        Resource("roles", "Role"),
        Resource("rolebindings", "RoleBinding"),
        Resource("clusterroles", "ClusterRole", False),
        Resource("clusterrolebindings", "ClusterRoleBinding", False),
    ],
    "scheduling.k8s.io/v1": [Resource("priorityclasses", "PriorityClass", False)],
    "storage.k8s.io/v1": [Resource("storageclasses", "StorageClass", False)],
    "authorization.k8s.io/v1": [
        Resource("selfsubjectaccessreviews", "SelfSubjectAccessReview", False)
    ],
}
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet"}
BEHAVIOUR = "fake.test/behaviour"
# Below this path asks an account that is told to have no rights, and is kept from nothing: kubectl
# sends no credentials without TLS.
READER = "/reader"

# The longest a watch stays open when the client names no limit, in seconds.
WATCH_SECONDS = 30


class ApiError(Exception):
    """Becomes a Kubernetes Status object."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


def not_found(plural: str, name: str | None) -> ApiError:
    return ApiError(404, "NotFound", f'{plural} "{name}" not found')


# --- Discovery ------------------------------------------------------------------------------


def resource_list(group_version: str) -> Object:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": [
            {
                "name": resource.plural,
                "singularName": resource.kind.lower(),
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": VERBS,
            }
            for resource in RESOURCES[group_version]
        ],
    }


def group_list() -> Object:
    groups = [group_version.split("/") for group_version in RESOURCES if "/" in group_version]
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": group,
                "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
            }
            for group, version in groups
        ],
    }


def base_path(group_version: str) -> str:
    return f"apis/{group_version}" if "/" in group_version else f"api/{group_version}"


def openapi_index() -> Object:
    return {
        "paths": {
            base_path(gv): {"serverRelativeURL": f"/openapi/v3/{base_path(gv)}?hash=1"}
            for gv in RESOURCES
        }
    }


def openapi_document(group_version: str) -> Object:
    """Just enough for clients to learn which kinds there are and that dry run is known."""
    group, version = group_version.split("/") if "/" in group_version else ("", group_version)
    paths: Object = {}
    schemas: Object = {}
    for resource in RESOURCES[group_version]:
        kind = {"group": group, "version": version, "kind": resource.kind}
        scope = "/namespaces/{namespace}" if resource.namespaced else ""
        paths[f"/{base_path(group_version)}{scope}/{resource.plural}/{{name}}"] = {
            "patch": {
                "operationId": f"patch{resource.kind}",
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": kind,
                "parameters": [
                    {"name": name, "in": "query", "schema": {"type": "string"}}
                    for name in ("fieldValidation", "dryRun")
                ],
                "responses": {"200": {"description": "OK"}},
            }
        }
        schemas[f"io.k8s.{resource.kind}"] = {
            "type": "object",
            "x-kubernetes-group-version-kind": [kind],
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.35.4"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


# --- Bodies ---------------------------------------------------------------------------------


def protobuf_fields(data: bytes) -> list[tuple[int, Any]]:
    """The (field number, value) pairs of a protobuf message: bytes or int values."""
    position = 0
    fields: list[tuple[int, Any]] = []

    def varint() -> int:
        nonlocal position
        result = shift = 0
        while True:
            byte = data[position]
            position += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result

    while position < len(data):
        tag = varint()
        if tag & 7 == 0:
            fields.append((tag >> 3, varint()))
        elif tag & 7 == 2:
            length = varint()
            fields.append((tag >> 3, data[position : position + length]))
            position += length
        else:
            raise ApiError(400, "BadRequest", f"unexpected protobuf wire type {tag & 7}")
    return fields


def protobuf_secret(data: bytes) -> Object:
    """Decode the Kubernetes protobuf envelope of a Secret, the only kind Helm sends this way."""
    envelope = dict(protobuf_fields(data[4:]))
    type_meta = dict(protobuf_fields(envelope[1]))
    kind = type_meta[2].decode()
    metadata: Object = {}
    secret: Object = {"apiVersion": type_meta[1].decode(), "kind": kind, "metadata": metadata}
    names = {1: "name", 2: "generateName", 3: "namespace"}
    maps = {11: "labels", 12: "annotations"}
    for number, value in protobuf_fields(envelope[2]):
        if number == 1:
            for key, entry in protobuf_fields(value):
                if key in names and entry:
                    metadata[names[key]] = entry.decode()
                elif key in maps:
                    pair = dict(protobuf_fields(entry))
                    metadata.setdefault(maps[key], {})[pair[1].decode()] = pair.get(2, b"").decode()
        elif kind == "Secret" and number == 2:
            pair = dict(protobuf_fields(value))
            encoded = base64.b64encode(pair.get(2, b"")).decode()
            secret.setdefault("data", {})[pair[1].decode()] = encoded
        elif kind == "Secret" and number == 3:
            secret["type"] = value.decode()
    return secret


# --- Patches --------------------------------------------------------------------------------


def merge_key(items: list[Any]) -> str:
    """The field by which a strategic merge tells the items of a list apart, or ""."""
    for key in ("name", "mountPath", "containerPort", "port", "ip"):
        if items and all(isinstance(item, dict) and key in item for item in items):
            return key
    return ""


def merge(target: Any, patch: Any, *, strategic: bool) -> Any:
    """A JSON merge patch; `strategic` merges lists of named items instead of replacing them."""
    if isinstance(target, dict) and isinstance(patch, dict):
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            if value is None:
                target.pop(key, None)
            else:
                target[key] = merge(target.get(key), value, strategic=strategic)
        return target
    if isinstance(target, list) and isinstance(patch, list) and strategic:
        key = merge_key([item for item in target + patch if "$patch" not in item])
        if key:
            merged = {item[key]: item for item in target}
            for item in patch:
                if item.get("$patch") == "delete":
                    merged.pop(item[key], None)
                else:
                    merged[item[key]] = merge(merged.get(item[key]), item, strategic=True)
            return list(merged.values())
    if isinstance(patch, dict):
        return merge({}, patch, strategic=strategic)
    return copy.deepcopy(patch)


def leaves(item: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of an object that hold no further ones, by path as Kubernetes writes it."""
    if isinstance(item, dict) and item:
        for field, value in item.items():
            yield from leaves(value, f"{path}.{field}")
    elif isinstance(item, list) and (key := merge_key(item)):
        for value in item:
            yield from leaves(value, f'{path}[{key}="{value[key]}"]')
    else:
        yield path, item


def without_removed(live: Any, before: Any, after: Any) -> Any:
    """`live` without the fields an applier set `before` and sets no more (server-side apply)."""
    if not (isinstance(live, dict) and isinstance(before, dict) and isinstance(after, dict)):
        return live
    return {
        key: without_removed(value, before.get(key), after.get(key))
        for key, value in live.items()
        if key not in before or key in after
    }


def json_patch(target: Object, operations: list[Object]) -> Object:
    result: Any = copy.deepcopy(target)
    for operation in operations:
        *path, last = [
            part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
        ]
        place = result
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if operation["op"] == "remove":
            place.pop(int(last) if isinstance(place, list) else last)
        else:
            place[last] = operation["value"]
    return result  # type: ignore[no-any-return]


# --- State ----------------------------------------------------------------------------------


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_broken(source: Object) -> bool:
    template = source.get("spec", {}).get("template", {})
    return bool(template.get("metadata", {}).get("labels", {}).get(BEHAVIOUR) == "broken")


class Cluster:
    """The stored objects, and the events that watches see."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str | None, str], Object] = {}
        self.applied: dict[tuple[tuple[str, str, str | None, str], str], Object] = {}
        self.owners: dict[tuple[str, str, str | None, str], dict[str, str]] = {}
        self.events: list[tuple[int, str, str, str, Object]] = []
        self.revision = 1
        self.changed = threading.Condition(threading.RLock())
        with self.changed:
            for name in ("default", "kube-system"):
                self.store("v1", Resource("namespaces", "Namespace", False), None, name, {})

    def store(
        self, gv: str, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Store an object as given and let it behave as its controller would make it."""
        key = (gv, resource.plural, namespace, name)
        old = self.objects.get(key)
        self.revision += 1
        metadata = body.setdefault("metadata", {})
        kept = old["metadata"] if old else {}
        metadata["name"] = name
        metadata["uid"] = kept.get("uid", f"00000000-0000-0000-0000-{self.revision:012d}")
        metadata["creationTimestamp"] = kept.get("creationTimestamp", now())
        if namespace:
            metadata["namespace"] = namespace
        body["apiVersion"] = gv
        body["kind"] = resource.kind
        generation = kept.get("generation", 0)
        if old is None or old.get("spec") != body.get("spec"):
            generation += 1
        metadata["generation"] = generation
        for field, value in body.pop("stringData", {}).items():
            body.setdefault("data", {})[field] = base64.b64encode(value.encode()).decode()
        self.behave(body)
        if old is not None and self.same(old, body):
            metadata["resourceVersion"] = kept["resourceVersion"]
            return body
        metadata["resourceVersion"] = str(self.revision)
        self.objects[key] = body
        self.publish("MODIFIED" if old else "ADDED", gv, resource.plural, body)
        if resource.kind == "Deployment":
            self.run_replica_set(body)
        if resource.kind in WORKLOADS or resource.kind == "Job":
            self.run_pod(body)
        return body

    def own(
        self, key: tuple[str, str, str | None, str], old: Object, new: Object, manager: str
    ) -> None:
        """Note who changed which fields of an object last."""
        before = dict(leaves(old))
        changed = {
            path for path, value in leaves(new) if path not in before or before[path] != value
        }
        self.owners.setdefault(key, {}).update(dict.fromkeys(changed, manager))

    def refuse_conflicts(
        self, key: tuple[str, str, str | None, str], body: Object, manager: str
    ) -> None:
        """Refuse to apply another value of a field that another manager changed last."""
        live = dict(leaves(self.objects.get(key, {})))
        owners = self.owners.get(key, {})
        conflicts = [
            f'conflict with "{owners[path]}" using {key[0]}: {path}'
            for path, value in leaves(body)
            if owners.get(path, manager) != manager and path in live and live[path] != value
        ]
        if conflicts:
            count = f"Apply failed with {len(conflicts)} conflict(s)"
            raise ApiError(409, "Conflict", f"{count}: {'; '.join(conflicts)}")

    @staticmethod
    def same(old: Object, new: Object) -> bool:
        def content(item: Object) -> Object:
            metadata = {k: v for k, v in item["metadata"].items() if k != "resourceVersion"}
            return {**item, "metadata": metadata}

        return content(old) == content(new)

    def publish(self, event: str, gv: str, plural: str, body: Object) -> None:
        self.events.append((self.revision, event, gv, plural, copy.deepcopy(body)))
        self.changed.notify_all()

    @staticmethod
    def behave(body: Object) -> None:
        kind = body["kind"]
        generation = body["metadata"]["generation"]
        if kind == "Namespace":
            body["status"] = {"phase": "Active"}
        elif kind == "PersistentVolumeClaim":
            body["status"] = {"phase": "Bound"}
        elif kind == "Service":
            spec = body.setdefault("spec", {})
            spec.setdefault("clusterIP", "10.96.0.10")
            spec.setdefault("type", "ClusterIP")
        elif kind == "Job":
            outcome = "Failed" if is_broken(body) else "Complete"
            condition = {"type": outcome, "status": "True", "reason": "Simulated"}
            counts = {"failed": 1} if is_broken(body) else {"succeeded": 1, "completionTime": now()}
            previous = body.get("status", {})
            body["status"] = {"startTime": now(), "conditions": [condition], **counts}
            if previous.get("conditions") == [condition]:
                body["status"] = previous
        elif kind in WORKLOADS:
            wanted = body.setdefault("spec", {}).setdefault("replicas", 1)
            ready = 0 if is_broken(body) else wanted
            body["status"] = {
                "observedGeneration": generation,
                "replicas": wanted,
                "updatedReplicas": wanted,
                "readyReplicas": ready,
                "availableReplicas": ready,
                "currentReplicas": wanted,
                "currentRevision": "1",
                "updateRevision": "1",
                "conditions": [
                    {"type": "Available", "status": "True" if ready == wanted else "False"},
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                ],
            }

    def run_replica_set(self, deployment: Object) -> None:
        """The newest ReplicaSet of a Deployment; Helm 3 takes its word for readiness."""
        metadata = deployment["metadata"]
        owner = {"kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}
        template = copy.deepcopy(deployment["spec"].get("template", {}))
        replica_set: Object = {
            "metadata": {
                "labels": template.get("metadata", {}).get("labels", {}),
                "ownerReferences": [{**owner, "apiVersion": "apps/v1", "controller": True}],
            },
            "spec": {**{k: deployment["spec"].get(k) for k in ("replicas", "selector")}},
            "status": copy.deepcopy(deployment["status"]),
        }
        replica_set["spec"]["template"] = template
        name = f"{metadata['name']}-1"
        resource = Resource("replicasets", "ReplicaSet")
        self.store("apps/v1", resource, metadata["namespace"], name, replica_set)

    def run_pod(self, workload: Object) -> None:
        """Replace the one pod that stands for all of a workload."""
        metadata = workload["metadata"]
        template = workload["spec"].get("template", {})
        broken = is_broken(workload)
        waiting = {
            "reason": "ImagePullBackOff",
            "message": 'Back-off pulling image "broken"',
        }
        containers = template.get("spec", {}).get("containers", [])
        pod: Object = {
            "metadata": {
                "labels": template.get("metadata", {}).get("labels", {}),
                "ownerReferences": [
                    {"kind": workload["kind"], "name": metadata["name"], "uid": metadata["uid"]}
                ],
            },
            "spec": copy.deepcopy(template.get("spec", {})),
            "status": {
                "phase": "Pending" if broken else "Running",
                "conditions": [{"type": "Ready", "status": "False" if broken else "True"}],
                "containerStatuses": [
                    {
                        "name": container["name"],
                        "image": container.get("image", ""),
                        "ready": not broken,
                        "restartCount": 0,
                        "state": {"waiting": waiting} if broken else {"running": {}},
                    }
                    for container in containers
                ],
            },
        }
        name = f"{metadata['name']}-0"
        namespace = metadata["namespace"]
        self.store("v1", Resource("pods", "Pod"), namespace, name, pod)
        if broken:
            event = {
                "type": "Warning",
                "reason": "Failed",
                "message": 'Failed to pull image "broken"',
                "involvedObject": {"kind": "Pod", "name": name, "namespace": namespace},
                "lastTimestamp": now(),
                "count": 1,
            }
            self.store("v1", Resource("events", "Event"), namespace, f"{name}.pull", event)

    def delete(self, key: tuple[str, str, str | None, str]) -> Object:
        body = self.objects.pop(key)
        self.owners.pop(key, None)
        self.revision += 1
        self.publish("DELETED", key[0], key[1], body)
        owned = [
            other
            for other, item in self.objects.items()
            if any(
                owner.get("uid") == body["metadata"]["uid"]
                for owner in item["metadata"].get("ownerReferences", [])
            )
        ]
        if key[1] == "namespaces":
            owned = [other for other in self.objects if other[2] == key[3]]
        for other in owned:
            if other in self.objects:
                self.delete(other)
        return body


def selects(body: Object, query: dict[str, list[str]]) -> bool:
    """Whether label and field selectors of a query match an object."""
    labels = body["metadata"].get("labels", {})
    for term in re.split(r",(?![^(]*\))", query.get("labelSelector", [""])[0]):
        if match := re.fullmatch(r"\s*(\S+?)\s*(==?|!=)\s*(\S*)\s*", term):
            if (labels.get(match[1]) == match[3]) == (match[2] == "!="):
                return False
        elif match := re.fullmatch(r"\s*(\S+)\s+(in|notin)\s*\((.*)\)\s*", term):
            values = [value.strip() for value in match[3].split(",")]
            if (labels.get(match[1]) in values) == (match[2] == "notin"):
                return False
        elif term.strip() and term.strip() not in labels:
            return False
    for term in filter(None, query.get("fieldSelector", [""])[0].split(",")):
        path, _, wanted = term.partition("=")
        value: Any = body
        for part in path.strip().split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        if value != wanted.lstrip("="):
            return False
    return True


def refuse_fixed_fields(old: Object, new: Object) -> None:
    """Refuse to change what cannot be changed of a StatefulSet, in the words of Kubernetes."""
    allowed = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"]
    allowed += ["persistentVolumeClaimRetentionPolicy", "minReadySeconds"]
    before, after = (
        {key: value for key, value in item.get("spec", {}).items() if key not in allowed}
        for item in (old, new)
    )
    if before != after:
        fields = ", ".join(f"'{field}'" for field in allowed)
        raise ApiError(
            422,
            "Invalid",
            f'StatefulSet.apps "{old["metadata"]["name"]}" is invalid: spec: Forbidden: updates to '
            f"statefulset spec for fields other than {fields} are forbidden",
        )


class Route(NamedTuple):
    """What a path names."""

    group_version: str
    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str


PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[\w.]+/\w+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[a-z].*))?"
)


def route(path: str) -> Route:
    match = PATH.fullmatch(path)
    if match is None and (scoped := re.fullmatch(r"/api/v1/namespaces(?:/([^/]+))?", path)):
        return Route("v1", RESOURCES["v1"][0], None, scoped[1], "")
    if match is None:
        raise ApiError(404, "NotFound", path)
    group_version = match["core"] or match["group"]
    for resource in RESOURCES.get(group_version, []):
        if resource.plural == match["plural"]:
            return Route(
                group_version,
                resource,
                match["namespace"],
                match["name"],
                match["subresource"] or "",
            )
    raise ApiError(404, "NotFound", path)


class Handler(BaseHTTPRequestHandler):
    """One request; the cluster hangs on the server object."""

    protocol_version = "HTTP/1.1"
    # An answer is two packets; the second would wait 40 ms for the client to confirm the first.
    disable_nagle_algorithm = True

    @property
    def cluster(self) -> Cluster:
        return self.server.cluster  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the tests' output is about the roles."""

    def answer(self, code: int, body: Any) -> None:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self) -> Any:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if data.startswith(b"k8s\0"):
            return protobuf_secret(data)
        return yaml.safe_load(data) if data else {}

    def handle_request(self) -> None:
        url = urlparse(self.path)
        path = url.path.removeprefix(READER).rstrip("/")
        try:
            body = self.body()
            if (document := self.discovery(path)) is not None:
                self.answer(200, document)
            else:
                self.serve(route(path), parse_qs(url.query, keep_blank_values=True), body)
        except ApiError as error:
            self.answer(
                error.code,
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "metadata": {},
                    "status": "Failure",
                    "message": str(error),
                    "reason": error.reason,
                    "code": error.code,
                },
            )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

    @staticmethod
    def discovery(path: str) -> Object | None:
        if path in ("/livez", "/readyz", "/healthz"):
            return {}
        if path == "/version":
            return {
                "major": "1",
                "minor": "35",
                "gitVersion": "v1.35.4",
                "platform": "linux/amd64",
            }
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        if path == "/apis":
            return group_list()
        if path == "/openapi/v3":
            return openapi_index()
        for group_version in RESOURCES:
            if path == f"/{base_path(group_version)}":
                return resource_list(group_version)
            if path == f"/openapi/v3/{base_path(group_version)}":
                return openapi_document(group_version)
        return None

    def serve(self, target: Route, query: dict[str, list[str]], body: Any) -> None:
        if self.command == "GET" and target.name is None and "watch" in query:
            self.watch(target, query)
        elif self.command == "GET" and target.subresource == "log":
            self.log(target)
        else:
            with self.cluster.changed:
                code, answer = self.act(target, query, body)
            self.answer(code, answer)

    def log(self, target: Route) -> None:
        pod = self.cluster.objects.get(("v1", "pods", target.namespace, target.name or ""), {})
        if pod.get("status", {}).get("phase") == "Pending":
            raise ApiError(400, "BadRequest", f'container in "{target.name}" is waiting to start')
        self.answer(200, b"one line of a log\n")

    def act(self, target: Route, query: dict[str, list[str]], body: Any) -> tuple[int, Object]:
        cluster = self.cluster
        resource = target.resource
        name = target.name or ""
        key = (target.group_version, resource.plural, target.namespace, name)
        manager = query.get("fieldManager", ["unknown"])[0]
        dry_run = query.get("dryRun") == ["All"]
        if self.command == "GET" and target.name is None:
            return 200, self.list_objects(target, query)
        if resource.kind == "SelfSubjectAccessReview":
            return 201, {**body, "status": {"allowed": not self.path.startswith(READER)}}
        if self.command == "POST":
            return 201, self.create(target, body, dry_run=dry_run)
        if self.command == "DELETE" and target.name is None:
            for other, item in list(cluster.objects.items()):
                if other[:3] == key[:3] and selects(item, query):
                    cluster.delete(other)
            return 200, {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        content_type = self.headers.get("Content-Type", "")
        applying = self.command == "PATCH" and "apply" in content_type
        if key not in cluster.objects and not applying:
            raise not_found(resource.plural, name)
        if self.command == "GET":
            return 200, cluster.objects[key]
        if self.command == "DELETE":
            return 200, cluster.objects[key] if dry_run else cluster.delete(key)
        old = cluster.objects.get(key)
        if old is None:
            self.require_namespace(target.namespace)
        if self.command == "PUT":
            new = body
        elif applying:
            if query.get("force") != ["true"]:
                cluster.refuse_conflicts(key, body, manager)
            applied = cluster.applied.get((key, manager), {})
            kept = without_removed(copy.deepcopy(old or {}), applied, body)
            if not dry_run:
                cluster.applied[key, manager] = copy.deepcopy(body)
            new = merge(kept, body, strategic=True)
        elif "json-patch" in content_type:
            new = json_patch(cluster.objects[key], body)
        else:
            strategic = "strategic" in content_type
            new = merge(copy.deepcopy(cluster.objects[key]), body, strategic=strategic)
        if old and resource.kind == "StatefulSet":
            refuse_fixed_fields(old, new)
        if dry_run:
            return 200, new
        cluster.own(key, old or {}, new, manager)
        stored = cluster.store(target.group_version, resource, target.namespace, name, new)
        return (200 if old else 201), stored

    def list_objects(self, target: Route, query: dict[str, list[str]]) -> Object:
        items = [
            item
            for (gv, plural, namespace, _), item in self.cluster.objects.items()
            if (gv, plural) == (target.group_version, target.resource.plural)
            and target.namespace in (None, namespace)
            and selects(item, query)
        ]
        return {
            "kind": target.resource.kind + "List",
            "apiVersion": target.group_version,
            "metadata": {"resourceVersion": str(self.cluster.revision)},
            "items": items,
        }

    def create(self, target: Route, body: Object, *, dry_run: bool) -> Object:
        plural = target.resource.plural
        metadata = body.get("metadata", {})
        prefix = metadata.get("generateName", "unnamed-")
        name = metadata.get("name") or f"{prefix}{self.cluster.revision}"
        self.require_namespace(target.namespace)
        if (target.group_version, plural, target.namespace, name) in self.cluster.objects:
            raise ApiError(409, "AlreadyExists", f'{plural} "{name}" already exists')
        if dry_run:
            return body
        return self.cluster.store(
            target.group_version, target.resource, target.namespace, name, body
        )

    def require_namespace(self, namespace: str | None) -> None:
        if namespace and ("v1", "namespaces", None, namespace) not in self.cluster.objects:
            raise not_found("namespaces", namespace)

    def watch(self, target: Route, query: dict[str, list[str]]) -> None:
        """Stream events; with sendInitialEvents the list comes first, then a bookmark."""
        cluster = self.cluster
        seen = int(query.get("resourceVersion", ["0"])[0] or 0)
        limit = float(query.get("timeoutSeconds", [WATCH_SECONDS])[0])
        deadline = time.monotonic() + min(limit, WATCH_SECONDS)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

        def send(event: str, item: Object) -> None:
            line = json.dumps({"type": event, "object": item}).encode() + b"\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            self.wfile.flush()

        try:
            if query.get("sendInitialEvents") == ["true"] or seen == 0:
                with cluster.changed:
                    listed = self.list_objects(target, query)
                    seen = cluster.revision
                for item in listed["items"]:
                    send("ADDED", item)
                if query.get("sendInitialEvents") == ["true"]:
                    annotations = {"k8s.io/initial-events-end": "true"}
                    bookmark = {"resourceVersion": str(seen), "annotations": annotations}
                    send(
                        "BOOKMARK",
                        {
                            "kind": target.resource.kind,
                            "apiVersion": target.group_version,
                            "metadata": bookmark,
                        },
                    )
            while (left := deadline - time.monotonic()) > 0:
                with cluster.changed:
                    fresh = [event for event in cluster.events if event[0] > seen]
                    if not fresh:
                        cluster.changed.wait(left)
                        continue
                    seen = fresh[-1][0]
                for _, event, gv, plural, item in fresh:
                    if (
                        (gv, plural) == (target.group_version, target.resource.plural)
                        and target.namespace in (None, item["metadata"].get("namespace"))
                        and selects(item, query)
                    ):
                        send(event, item)
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class Server(BackgroundServer):
    """The API on 127.0.0.1; `port` 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(Handler, port)
        self.cluster = Cluster()

    def kubeconfig(self) -> Object:
        """A kubeconfig whose only context is this server."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {"token": "a-token-nobody-checks-anywhere"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "current-context": "fake",
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pid-file", type=Path)
    arguments = parser.parse_args()
    server = Server(arguments.port)
    if arguments.pid_file:
        arguments.pid_file.write_text(str(os.getpid()), encoding="utf-8")
    # Written whole or not at all: whoever sees the file may connect.
    partial = arguments.kubeconfig.with_suffix(".partial")
    partial.write_text(yaml.safe_dump(server.kubeconfig()), encoding="utf-8")
    partial.rename(arguments.kubeconfig)
    server.serve_forever()


if __name__ == "__main__":
    main()
