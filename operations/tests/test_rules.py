"""The rules on recorded evidence: what cannot be shown in a running cluster, and what is no fault.

Most faults are shown in a real cluster by tests/e2e/test_diagnose.py.
"""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import pytest
from todo_operations.diagnosis import evidence as evidence_module
from todo_operations.diagnosis.rules import diagnose

from .cluster import (
    ago,
    crashed,
    deployment,
    endpoints,
    event,
    evidence,
    log,
    metadata,
    node,
    owned,
    pod,
    replicaset,
    service,
)

Object = dict[str, Any]


def causes(found: Object) -> list[str]:
    before = copy.deepcopy(found)
    findings, gaps = diagnose(found)
    assert gaps == []
    named = [finding.cause for finding in findings]
    assert found == before, "a rule changed the evidence"
    return named


def web(*pods: Object, ready: int = 0, **parts: Any) -> Object:
    """One Deployment `web` with its pods, and whatever else."""
    return evidence(
        deployments=[deployment("web", ready=ready), *parts.pop("deployments", [])],
        replicasets=[replicaset("web"), *parts.pop("replicasets", [])],
        pods=[*pods],
        **parts,
    )


def waiting(reason: str, message: str = "") -> Object:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def unscheduled(message: str) -> Object:
    item = pod("web", spec={"nodeName": None})
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    item["status"]["conditions"].append(condition)
    item["status"]["phase"] = "Pending"
    item["status"]["containerStatuses"] = []
    return item


PULL = "failed to pull and unpack image: failed to do request: Head https://registry/v2: "

START = "failed to create containerd task: OCI runtime create failed: unable to start container: "
NO_PROGRAM = "executable file not found in $PATH: unknown"

FAULTS: dict[str, tuple[Object, list[str]]] = {
    "a registry that does not answer": (
        web(
            pod(
                "web",
                container={"image": "registry.example.org/far/away:2"},
                **waiting("ImagePullBackOff", f"{PULL}dial tcp 192.0.2.1:443: i/o timeout"),
            )
        ),
        ["registry-unreachable"],
    ),
    "a registry that refuses": (
        web(
            pod(
                "web",
                container={"image": "registry.example.org/far/away:2"},
                **waiting("ErrImagePull", f"{PULL}403 Forbidden"),
            )
        ),
        ["registry-refused"],
    ),
    "a registry that does not answer, and an image of nearly the same name": (
        web(
            pod(
                "web",
                container={"image": "example.com/wep:1"},
                **waiting("ImagePullBackOff", f"{PULL}dial tcp: lookup example.com: no such host"),
            )
        ),
        ["registry-unreachable"],
    ),
    "a registry that does not answer, and another tag": (
        web(
            pod(
                "web",
                container={"image": "example.com/web:2"},
                **waiting("ImagePullBackOff", f"{PULL}dial tcp 192.0.2.1:443: i/o timeout"),
            )
        ),
        ["registry-unreachable"],
    ),
    "a registry that knows no such name": (
        web(
            pod(
                "web",
                container={"image": "example.com/wep:1"},
                **waiting("ErrImagePull", "example.com/wep:1: not found"),
            )
        ),
        ["image-name-wrong"],
    ),
    "a slip in the name of an image of this machine": (
        web(
            pod(
                "web",
                container={"image": "localhost/todo/bakend:1"},
                **waiting("ErrImagePull", f"{PULL}dial tcp 127.0.0.1:443: connection refused"),
            ),
            nodes=[node(images=["localhost/todo/backend:1"])],
        ),
        ["image-name-wrong"],
    ),
    "an image that is there and asked for all the same": (
        web(pod("web", **waiting("ImagePullBackOff", f"{PULL}dial tcp: i/o timeout"))),
        ["image-asked-for-in-vain"],
    ),
    "an image for another processor": (
        web(pod("web", **waiting("RunContainerError", "exec /usr/bin/app: exec format error"))),
        ["wrong-architecture"],
    ),
    "a program that the image does not have": (
        web(pod("web", **waiting("RunContainerError", f'{START}exec: "serve": {NO_PROGRAM}'))),
        ["command-missing"],
    ),
    "a container runtime that stumbles over its own files": (
        web(
            pod(
                "web",
                **waiting(
                    "RunContainerError", f"{START}openat2 /sys/fs/x: no such file or directory"
                ),
            )
        ),
        ["unknown"],
    ),
    "memory that runs out on the node": (
        web(pod("web", ready=True), ready=1, nodes=[node(("MemoryPressure", "True"))]),
        ["node-pressure"],
    ),
    "a node that is gone": (
        web(pod("web"), nodes=[node(("Ready", "Unknown"))]),
        ["node-not-ready"],
    ),
    "a full disk of the node": (
        web(
            pod("web", ready=True),
            ready=1,
            measured=[
                {
                    "name": "node",
                    "capacity_bytes": 50 * 1024**3,
                    "available_bytes": 200 * 1024**2,
                    "pods": [],
                }
            ],
        ),
        ["node-disk-full"],
    ),
    "a host port that is taken": (
        web(unscheduled("1 node(s) didn't have free ports for the requested pod ports.")),
        ["host-port-taken"],
    ),
    "too much in temporary files": (
        web(
            pod("web", ready=True)
            | {
                "status": {
                    "phase": "Failed",
                    "reason": "Evicted",
                    "startTime": ago(60),
                    "message": "Pod ephemeral local storage usage exceeds the total limit.",
                }
            }
        ),
        ["ephemeral-storage-exceeded"],
    ),
    "a priority class that is not there": (
        web(
            events=[
                event(
                    "ReplicaSet",
                    "web",
                    "FailedCreate",
                    'pods "web-1" is forbidden: no PriorityClass with name shop-service was found',
                )
            ]
        ),
        ["priority-class-missing"],
    ),
    "a limit beyond what the namespace allows": (
        web(
            events=[
                event(
                    "ReplicaSet",
                    "web",
                    "FailedCreate",
                    "maximum memory usage per Container is 2Gi, but limit is 3Gi",
                )
            ]
        ),
        ["limit-range-exceeded"],
    ),
    "a webhook that refuses": (
        web(
            events=[
                event(
                    "ReplicaSet",
                    "web",
                    "FailedCreate",
                    'admission webhook "policy.example.com" denied the request: no owner label',
                )
            ]
        ),
        ["admission-refused"],
    ),
    "a paused rollout": (
        evidence(
            deployments=[
                deployment("web", ready=0) | {"spec": deployment("web")["spec"] | {"paused": True}}
            ]
        ),
        ["rollout-paused"],
    ),
    "a certificate that ends soon": (
        web(
            pod("web", ready=True),
            ready=1,
            certificates=[
                {
                    "namespace": "shop",
                    "secret": "web-tls",
                    "names": ["web"],
                    "not_before": ago(90 * 86400),
                    "not_after": ago(-3 * 86400),
                }
            ],
        ),
        ["certificate-expiring"],
    ),
    "a failed release because of a bad image": (
        web(
            pod(
                "web",
                container={"image": "example.com/web:2"},
                **waiting("ImagePullBackOff", "manifest unknown: not found"),
            ),
            releases=[
                {
                    "namespace": "shop",
                    "name": "web",
                    "revision": 3,
                    "status": "failed",
                    "modified_at": ago(30),
                }
            ],
        ),
        ["image-missing"],
    ),
    "a failed release and nothing else to see": (
        web(
            pod("web", ready=True),
            ready=1,
            releases=[
                {
                    "namespace": "shop",
                    "name": "web",
                    "revision": 3,
                    "status": "failed",
                    "modified_at": ago(30),
                }
            ],
        ),
        ["release-failed"],
    ),
    "a finalizer that is never done": (
        web(
            pod("web", ready=True),
            ready=1,
            volumeclaims=[
                {
                    "metadata": metadata(
                        "data", deletionTimestamp=ago(300), finalizers=["example.com/wait"]
                    ),
                    "spec": {},
                    "status": {"phase": "Bound"},
                }
            ],
        ),
        ["stuck-deleting"],
    ),
    "a container that crashes between two looks": (
        web(
            pod("web", ready=True)
            | {
                "status": pod("web", ready=True)["status"]
                | {
                    "containerStatuses": [
                        {
                            **pod("web", ready=True)["status"]["containerStatuses"][0],
                            **crashed(),
                            "state": {"running": {}},
                        }
                    ]
                }
            },
            logs=[log("web", "OSError: [Errno 30] Read-only file system: '/x'", previous=True)],
        ),
        ["read-only-file-system"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_cause(name: str) -> None:
    found, expected = FAULTS[name]
    assert causes(found) == expected


def test_a_pods_own_trouble_counts() -> None:
    own = event("Pod", "web-1", "FailedMount", "no volume", uid="uid-of-web")
    assert causes(web(pod("web", age=5), events=[own])) != []


def pending(age: float) -> Object:
    return {
        "namespace": "shop",
        "name": "web",
        "revision": 2,
        "status": "pending-upgrade",
        "modified_at": ago(age),
    }


HEALTHY: dict[str, Object] = {
    "a Helm at work": web(pod("web", ready=True), ready=1, releases=[pending(200)]),
    "all is well": web(pod("web", ready=True), ready=1),
    "a pod that is just starting": web(pod("web", age=5)),
    "a pod that is just starting after one of the same name": web(
        pod("web", age=5),
        events=[event("Pod", "web-1", "FailedMount", "no volume", uid="uid-of-the-one-before")],
    ),
    "a pod within the time of its startup probe": web(
        pod("web", age=50, started=False, container={"startupProbe": {"failureThreshold": 10}})
    ),
    "a pod that is leaving": web(
        pod("web", ready=True),
        pod("web") | {"metadata": metadata("web-2", deletionTimestamp=ago(5))},
        ready=1,
    ),
    "a kill for memory of yesterday": web(
        pod(
            "web",
            ready=True,
            restartCount=1,
            lastState={
                "terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": ago(86400)}
            },
        ),
        ready=1,
    ),
    "warnings of a time that is over": web(
        pod("web", ready=True),
        ready=1,
        events=[
            event("Pod", "web-1", "Unhealthy", "Readiness probe failed: HTTP probe 404"),
            event("ReplicaSet", "web", "FailedCreate", "exceeded quota: small, requested: pods=1,"),
        ],
    ),
    "words of failure in the log of a pod that works": web(
        pod("web", ready=True),
        ready=1,
        logs=[log("web", "No space left on device", "password authentication failed for user")],
    ),
    "a leftover of an eviction long ago": web(
        pod("web", ready=True),
        pod("web")
        | {
            "metadata": metadata("web-0", ownerReferences=owned("ReplicaSet", "web")),
            "status": {"phase": "Failed", "reason": "Evicted", "startTime": ago(86400)},
        },
        ready=1,
    ),
    "a workload that nobody wants to run": evidence(
        deployments=[deployment("web", ready=0, wanted=0)]
    ),
    "a release at its first moment": web(
        pod("web", ready=True),
        ready=1,
        releases=[
            {
                "namespace": "shop",
                "name": "web",
                "revision": 1,
                "status": "deployed",
                "modified_at": ago(1),
            }
        ],
    ),
    "containers stopped with their node": web(
        pod(
            "web",
            ready=True,
            restartCount=3,
            lastState={
                "terminated": {"exitCode": 255, "finishedAt": ago(60), "startedAt": ago(80)}
            },
        ),
        ready=1,
    ),
}


def after_the_node(seconds: float) -> Object:
    """A pod that works, and has crashed so long after its node's start; that was 310 s ago."""
    kubelets = pod("etcd", ready=True, state={"running": {"startedAt": ago(310)}})
    kubelets["metadata"] = metadata("etcd-node", ownerReferences=owned("Node", "node"))
    crash = {"exitCode": 2, "startedAt": ago(310 - seconds), "finishedAt": ago(309 - seconds)}
    again = pod("web", ready=True, restartCount=6, lastState={"terminated": crash})
    return web(again, kubelets, ready=1)


def test_crashes_while_the_node_comes_up_are_no_fault() -> None:
    assert causes(after_the_node(30)) == []
    assert causes(after_the_node(200)) != []


@pytest.mark.parametrize("name", HEALTHY)
def test_no_false_cause(name: str) -> None:
    assert causes(HEALTHY[name]) == []


def test_a_killed_helm_is_certain() -> None:
    found = web(pod("web", ready=True), ready=1, releases=[pending(1000)])
    ((finding,), _) = diagnose(found)
    assert (finding.cause, finding.confidence) == ("release-stuck", "certain")


@pytest.mark.parametrize(("target", "severity"), [(9000, "warning"), ("http", "error")])
def test_a_port_that_ready_pods_do_not_name(target: int | str, severity: str) -> None:
    door = service("web")
    door["spec"]["ports"][0]["targetPort"] = target
    ports = {"ports": [{"name": "web", "containerPort": 8000}]}
    found = web(
        pod("web", ready=True, container=ports),
        ready=1,
        services=[door],
        endpointslices=[endpoints("web")],
    )
    ((finding,), _) = diagnose(found)
    assert (finding.cause, finding.severity) == ("service-port-wrong", severity)


def with_database(database: Object, *more: Object, **parts: Any) -> Object:
    """A web server that calls a database, both with a Service; the web server is unready."""
    variables = [{"name": "DATABASE_HOST", "value": "database"}]
    return (
        web(
            pod("web", container={"env": variables}),
            *more,
            deployments=[database],
            replicasets=[replicaset("database")],
            services=[service("web"), service("database", port=5432)],
            **parts,
        )
        | {}
    )


def test_the_database_is_the_cause_and_its_clients_are_symptoms() -> None:
    found = with_database(
        deployment("database", ready=0),
        pod("database", **crashed()),
        logs=[log("database", "FATAL: could not write: No space left on device", previous=True)],
    )
    found["objects"]["deployments"][0] = deployment(
        "web", ready=0, env=[{"name": "DATABASE_HOST", "value": "database"}]
    )
    ((finding,), _) = diagnose(found)
    assert finding.cause == "disk-full"
    assert str(finding.about) == "Deployment shop/database"
    assert "Deployment shop/web" in {str(symptom.about) for symptom in finding.symptoms}


def test_two_ways_of_waiting_for_the_same_database_are_no_circle() -> None:
    """The log and the readiness answer both tell of the database, which is the one cause."""
    variables = [{"name": "DATABASE_HOST", "value": "database"}]
    found = evidence(
        deployments=[
            deployment("web", ready=0, env=variables),
            deployment("database", ready=0, wanted=0),
        ],
        replicasets=[replicaset("web")],
        pods=[pod("web", container={"env": variables})],
        services=[service("web"), service("database", port=5432)],
        logs=[log("web", "one", "two", "connection failed: Connection refused")],
        readiness=[
            {
                "namespace": "shop",
                "pod": "web-1",
                "path": "/readyz",
                "said": '{"checks": {"database": "The database does not answer"}}',
            }
        ],
    )
    assert causes(found) == ["scaled-to-zero"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [(1, ["secret-missing"]), (0, ["secret-missing", "service-account-missing"])],
)
def test_a_refusal_counts_until_the_pods_are_made(made: int, expected: list[str]) -> None:
    """The account of a new namespace may come a moment after its first ReplicaSet."""
    found = web(
        pod("web", **waiting("CreateContainerConfigError", 'secret "account" not found')),
        events=[
            event(
                *("ReplicaSet", "web", "FailedCreate"),
                'error looking up service account shop/default: serviceaccount "default" not found',
            )
        ],
    )
    (replicas,) = found["objects"]["replicasets"]
    replicas |= {"spec": {"replicas": 1}, "status": {"replicas": made}}
    assert sorted(causes(found)) == expected


def test_two_faults_are_two_findings() -> None:
    found = with_database(
        deployment("database", ready=0),
        pod("database", **crashed()),
        logs=[log("database", "No space left on device", previous=True)],
    )
    found["objects"]["pods"][0] = pod(
        "web", **waiting("CreateContainerConfigError", 'secret "account" not found')
    )
    assert sorted(causes(found)) == ["disk-full", "secret-missing"]


def test_a_circle_of_waiting_has_one_beginning() -> None:
    """Each calls the other, and neither works: one is shown, the other beneath it."""
    found = evidence(
        deployments=[
            deployment(name, ready=0, env=[{"name": "OTHER_HOST", "value": other}])
            for name, other in (("web", "api"), ("api", "web"))
        ],
        replicasets=[replicaset("web"), replicaset("api")],
        pods=[pod("web"), pod("api")],
        services=[service("web"), service("api")],
    )
    ((finding,), _) = diagnose(found)
    assert finding.cause == "unknown"
    assert finding.symptoms


def test_what_the_program_says_of_itself_is_shown() -> None:
    said = json.dumps({"checks": {"tools": "no answer within 3 s", "x": "ok"}})
    found = web(
        pod("web"),
        readiness=[{"namespace": "shop", "pod": "web-1", "path": "/readyz", "said": said}],
    )
    ((finding,), _) = diagnose(found)
    assert finding.cause == "dependency-unavailable"
    assert "tools: no answer within 3 s" in finding.sentence
    assert "x: ok" not in finding.sentence


def test_an_unknown_fault_shows_its_last_words() -> None:
    found = web(pod("web", **crashed(3)), logs=[log("web", "gremlins", previous=True)])
    ((finding,), _) = diagnose(found)
    assert (finding.cause, finding.confidence) == ("unknown", "likely")
    assert "gremlins" in {line.text for line in finding.evidence}


REFUSED = "ConnectionRefusedError: [Errno 111] Connection refused"


def calling(name: str, value: str, *said: str) -> Object:
    """A web server with one setting that crashes and says this."""
    env = [{"name": name, "value": value}]
    return evidence(
        deployments=[deployment("web", ready=0, env=env), deployment("api")],
        replicasets=[replicaset("web"), replicaset("api")],
        pods=[pod("web", container={"env": env}, **crashed(3)), pod("api", ready=True)],
        services=[service("api", port=80)],
        endpointslices=[endpoints("api")],
        logs=[log("web", *said, previous=True)],
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_HOST_AUTH_METHOD", "trust"),
        ("GF_SERVER_PROTOCOL", "https"),
        ("SERVERLESS_MODE", "fast"),
        ("IMAGE", "web:15"),
    ],
)
def test_a_word_that_is_no_host_is_not_called(name: str, value: str) -> None:
    assert causes(calling(name, value, REFUSED)) == ["dependency-unreachable"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_HOST", "shop"),
        ("shopUrl", "http://shop"),
        ("SHOP", "http://shop:80/"),
        ("SHOP_HOST_AND_PORT", "shop:80"),
    ],
)
def test_a_missing_service_is_named_once_it_is_missed(name: str, value: str) -> None:
    missed = calling(name, value, "urlopen error [Errno -2] Name or service not known")
    assert causes(missed) == ["service-missing"]
    assert causes(calling(name, value, "gremlins")) == ["unknown"]


def test_a_wrong_port_is_named_once_it_is_missed() -> None:
    assert causes(calling("API_URL", "http://api:8080", REFUSED)) == ["wrong-port"]
    late = "urllib.error.URLError: <urlopen error timed out>"
    assert causes(calling("API_URL", "http://api:8080", late)) == ["wrong-port"]
    assert causes(calling("API_URL", "http://api:8080", "gremlins")) == ["unknown"]


def test_a_missing_service_is_told_by_readiness_too() -> None:
    found = calling("SHOP_HOST", "shop", "gremlins")
    found["objects"]["pods"][0] = pod("web")
    said = json.dumps({"checks": {"shop": "The shop does not answer"}})
    found["readiness"] = [{"namespace": "shop", "pod": "web-1", "path": "/", "said": said}]
    assert causes(found) == ["service-missing"]


TRACE = ["Traceback (most recent call last):", '  File "/opt/app/main.py", line 1, in <module>']
NODE = [
    "Error: listen EADDRINUSE: address already in use :::3000",
    *[f"    at Server.listen{n} (node:net:{n})" for n in range(8)],
    "  code: 'EADDRINUSE',",
    "}",
    "Node.js v20.1.0",
]


@pytest.mark.parametrize(
    ("status", "lines", "cause"),
    [
        (3, ["no space left on device", *["served a page"] * 6], "unknown"),
        (1, ["no space left on device", *TRACE, "RuntimeError: gremlins"], "unknown"),
        (
            2,
            ["EROFS: read-only file system", "panic: gremlins", "goroutine 1 [running]:"],
            "unknown",
        ),
        (3, ["TODO_PORT: must be a number"], "unknown"),
        (2, ["TODO_PORT: must be a number"], "bad-configuration"),
        (1, [*TRACE, "OSError: [Errno 28] No space left on device"], "disk-full"),
        (1, NODE, "port-taken"),
    ],
    ids=["long ago", "before a traceback", "before a panic", *["status"] * 2, "last words", "node"],
)
def test_only_the_last_words_are_a_cause(status: int, lines: list[str], cause: str) -> None:
    """What a program said before, or what somebody had it log, is none."""
    found = web(pod("web", **crashed(status)), logs=[log("web", *lines, previous=True)])
    assert causes(found) == [cause]


def test_refused_settings_are_certain() -> None:
    found = web(pod("web", **crashed(2)), logs=[log("web", "TODO_PORT: no number", previous=True)])
    ((finding,), _) = diagnose(found)
    assert finding.confidence == "certain"


@pytest.mark.parametrize("name", FAULTS)
def test_evidence_survives_being_written_and_read(name: str) -> None:
    found, expected = FAULTS[name]
    assert causes(json.loads(json.dumps(found))) == expected


@pytest.mark.parametrize("name", FAULTS)
def test_a_cause_has_evidence_and_a_remedy(name: str) -> None:
    for finding in diagnose(FAULTS[name][0])[0]:
        assert finding.evidence
        assert finding.remedy.endswith(".")
        assert finding.sentence.strip()


def shaken(value: Any, random: Random) -> Any:
    """The same structure with a part lost or replaced here and there."""
    if random.random() < 0.02:
        return random.choice([None, "", 0, [], {}, "text"])
    if isinstance(value, dict):
        return {k: shaken(v, random) for k, v in value.items() if random.random() > 0.02}
    if isinstance(value, list):
        return [shaken(item, random) for item in value]
    return value


@pytest.mark.parametrize("name", FAULTS)
def test_objects_of_odd_shapes_never_end_the_diagnosis(name: str) -> None:
    for seed in range(30):
        found = copy.deepcopy(FAULTS[name][0])
        found["objects"] = shaken(found["objects"], Random(seed))  # noqa: S311
        if isinstance(found["objects"], dict):
            diagnose(found)


def test_gaps_are_no_fault() -> None:
    """What could not be read is missing, and nothing more."""
    assert causes(evidence(nodes=[], gaps=["nodes could not be read: forbidden"])) == []


def whole() -> Object:
    """A healthy cluster with something of each kind that rules read."""
    settings = [{"configMapRef": {"name": "web"}}]
    tls = [{"hosts": ["web.example.com"], "secretName": "web-tls"}]
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": "web.example.com", "http": {"paths": [{"path": "/", "backend": backend}]}}
    claims = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    allowed = {
        "namespaceSelector": {"matchLabels": {"tier": "shop"}},
        "podSelector": {"matchLabels": {"app": "web"}},
    }
    dns = service("kube-dns", port=53)
    resolver = deployment("kube-dns")
    slices = endpoints("kube-dns")
    for item in (dns, resolver, slices):
        item["metadata"]["namespace"] = "kube-system"
    condition = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}
    found = web(
        pod("web", ready=True, container={"envFrom": settings}, spec={"volumes": claims}),
        pod("database", ready=True),
        ready=1,
        deployments=[deployment("database"), resolver],
        replicasets=[replicaset("database")],
        services=[service("web"), service("database", port=5432), dns],
        endpointslices=[endpoints("web"), endpoints("database"), slices],
        configmaps=[
            {
                "metadata": metadata("web"),
                "data": {"DATABASE_HOST": "database", "DATABASE_PORT": "5432"},
            }
        ],
        ingresses=[
            {
                "metadata": metadata("web"),
                "spec": {"ingressClassName": "traefik", "tls": tls, "rules": [rule]},
            }
        ],
        ingressclasses=[{"metadata": {"name": "traefik"}}],
        volumeclaims=[
            {
                "metadata": metadata("data"),
                "spec": {"storageClassName": "standard"},
                "status": {"phase": "Bound"},
            }
        ],
        storageclasses=[{"metadata": {"name": "standard"}}],
        networkpolicies=[
            {
                "metadata": metadata("database"),
                "spec": {
                    "podSelector": {"matchLabels": {"app": "database"}},
                    "ingress": [{"from": [allowed]}],
                },
            }
        ],
        autoscalers=[
            {
                "metadata": metadata("web"),
                "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
                "status": {"conditions": [condition]},
            }
        ],
        statefulsets=[],
        daemonsets=[],
        jobs=[],
        quotas=[],
        events=[event("Pod", "web-1", "Pulled", "there already", type="Normal")],
        namespaces=[{"metadata": {"name": "shop", "labels": {"tier": "shop"}}}],
        secrets=[{"namespace": "shop", "name": "web-tls"}],
    )
    template = found["objects"]["deployments"][0]["spec"]["template"]
    template["spec"]["containers"][0]["envFrom"] = settings
    found["objects"]["deployments"][1]["spec"]["template"]["spec"]["containers"][0]["ports"] = [
        {"containerPort": 8000}
    ]
    return found


KINDS_READ = (*evidence_module._CLUSTER, *evidence_module._NAMESPACED)


def test_the_whole_cluster_is_healthy_and_whole() -> None:
    found = whole()
    assert causes(found) == []
    assert set(found["objects"]) == set(KINDS_READ)


@pytest.mark.parametrize("kind", [*KINDS_READ, evidence_module.SECRETS])
def test_what_could_not_be_read_is_not_absent(kind: str) -> None:
    found = whole()
    if kind == evidence_module.SECRETS:
        found["secrets"] = []
    else:
        found["objects"][kind] = []
    found["unread"] = [kind]
    findings, gaps = diagnose(found)
    assert [finding.cause for finding in findings] == []
    assert all(f"{kind} " in gap for gap in gaps), gaps


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("endpointslices", "health.services"),
        ("endpointslices", "dns.gone"),
        ("ingressclasses", "services.ingress_classes"),
        ("services", "services.ingress_targets"),
        ("configmaps", "policies.forbidden"),
        ("namespaces", "policies.forbidden"),
        (evidence_module.SECRETS, "services.ingress_certificates"),
    ],
)
def test_a_rule_without_its_objects_says_so(kind: str, rule: str) -> None:
    found = whole() | {"unread": [kind]}
    assert f"the rule {rule} could not judge" in " ".join(diagnose(found)[1])


@pytest.mark.parametrize("kind", ["events", "services", "endpointslices", "configmaps", "nodes"])
def test_a_crash_is_told_whatever_else_could_not_be_read(kind: str) -> None:
    found = whole()
    found["objects"]["pods"][0] = pod("web", **crashed(3))
    found["objects"]["deployments"][0]["status"]["readyReplicas"] = 0
    found["objects"][kind] = []
    found["unread"] = [kind]
    assert "unknown" in [finding.cause for finding in diagnose(found)[0]]


def test_endpoints_are_seen() -> None:
    found = web(
        pod("web", ready=True),
        ready=1,
        services=[service("web")],
        endpointslices=[endpoints("web")],
    )
    assert causes(found) == []


@pytest.mark.parametrize(
    ("age", "expected"), [(3, []), (3600, ["unknown"])], ids=["now", "long ago"]
)
def test_endpoints_that_follow_a_pod_are_no_fault(age: int, expected: list[str]) -> None:
    """The pod was asked about while it was ready, its endpoints when it was not any more."""
    lost = endpoints("web")
    changed = {"endpoints.kubernetes.io/last-change-trigger-time": ago(age)}
    lost["metadata"]["annotations"] = changed
    lost["endpoints"][0]["conditions"]["ready"] = False
    found = web(
        pod("web", ready=True, age=7200), ready=1, services=[service("web")], endpointslices=[lost]
    )
    assert causes(found) == expected


@pytest.mark.parametrize(
    ("database", "found"),
    [
        ([pod("database", age=3)], False),
        (
            [
                pod("database", age=3600)
                | {"metadata": {**pod("database")["metadata"], "deletionTimestamp": ago(1)}}
            ],
            False,
        ),
        ([pod("database", **waiting("CrashLoopBackOff"), age=3600)], True),
        ([], True),
    ],
    ids=["starting", "leaving", "crashed", "gone"],
)
def test_a_moment_without_a_database_that_restarts_is_no_fault(
    database: list[Object], found: bool
) -> None:
    setting = {"env": [{"name": "DATABASE_HOST", "value": "database"}]}
    lost = pod("web", age=3600, container=setting)
    lost["status"]["conditions"][0]["lastTransitionTime"] = ago(3)
    said = web(
        lost,
        *database,
        deployments=[deployment("database", ready=0)],
        replicasets=[replicaset("database")],
        services=[service("web"), service("database")],
        endpointslices=[],
    )
    about_web = [finding for finding in diagnose(said)[0] if finding.about.name == "web"]
    assert bool(about_web) is found


@pytest.mark.parametrize("called", ["database", "web"], ids=["in a row", "in a circle"])
@pytest.mark.parametrize("known", [True, False], ids=["restarts", "gone"])
def test_servers_that_wait_for_each_other_for_a_moment_are_no_fault(
    known: bool, called: str
) -> None:
    """The web server calls the database and another server, which looks for it, too."""

    def lost(name: str, *hosts: str) -> Object:
        env = [{"name": f"{host.upper()}_HOST", "value": host} for host in hosts]
        made = pod(name, age=3600, container={"env": env})
        made["status"]["conditions"][0]["lastTransitionTime"] = ago(3)
        return made

    said = web(
        lost("web", "database", "api"),
        lost("api", called),
        *([pod("database", age=3)] if known else []),
        deployments=[deployment("database", ready=0), deployment("api", ready=0)],
        replicasets=[replicaset("database"), replicaset("api")],
        services=[service("web"), service("api"), service("database")],
        endpointslices=[],
    )
    assert (diagnose(said)[0] == []) is known
