"""Every chart renders to valid objects, whatever is switched on or off, under both Helms."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import kubernetes_validate
import pytest
import yaml

from .conftest import CHARTS, ROOT, SERVERS, HelmProgram, Manifest
from .manifests import EVERYTHING, MINIMUM, of_kind

KUBERNETES = "1.35"
# Not Kubernetes' own, so that no schema is at hand.
FOREIGN = {"ServiceMonitor", "HTTPRoute"}
LONG_RELEASE = "a" * 26 + "-" + "b" * 26
PROFILES: dict[str, dict[str, Manifest]] = {
    "defaults": {chart: {} for chart in CHARTS},
    "everything": EVERYTHING,
    "minimum": MINIMUM,
    "three replicas": {chart: {"replicas": 3} for chart in SERVERS},
    "digest": {
        chart: {"image": {"digest": "sha256:" + "0" * 64}}
        for chart in CHARTS
        if chart not in {"namespace", "ingress"}
    },
    "route": {"ingress": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]}}},
}
CASES = [(profile, chart) for profile, charts in PROFILES.items() for chart in charts]


def server(name: str) -> str:
    """The objects of every server that speaks HTTP."""
    return (
        f"ConfigMap/{name} Deployment/{name} NetworkPolicy/{name} NetworkPolicy/{name}-test"
        f" Pod/{name}-test Service/{name} ServiceAccount/{name}"
    )


def scaled(name: str) -> str:
    return f"HorizontalPodAutoscaler/{name} PodDisruptionBudget/{name}"


# All that a chart makes by default, and what comes with everything switched on.
OBJECTS: dict[str, tuple[str, str]] = {
    "namespace": (
        "LimitRange/limits NetworkPolicy/default-deny PriorityClass/todo-data"
        " PriorityClass/todo-service ResourceQuota/quota",
        "",
    ),
    "postgres": (
        "ConfigMap/postgres-backup CronJob/postgres-backup CronJob/postgres-drill"
        " NetworkPolicy/postgres NetworkPolicy/postgres-backup NetworkPolicy/postgres-drill"
        " NetworkPolicy/postgres-test PersistentVolumeClaim/postgres-backup Pod/postgres-drill-test"
        " Pod/postgres-test Service/postgres Service/postgres-pods ServiceAccount/postgres"
        " ServiceAccount/postgres-backup StatefulSet/postgres",
        "ConfigMap/postgres-archive CronJob/postgres-recovery NetworkPolicy/postgres-recovery"
        " PersistentVolumeClaim/postgres-archive",
    ),
    "mcp-server": (
        server("mcp-server"),
        f"{scaled('mcp-server')} ServiceMonitor/mcp-server",
    ),
    "backend": (
        f"{server('backend')} Job/backend-migration NetworkPolicy/backend-migration"
        " ServiceAccount/backend-migration",
        f"{scaled('backend')} ServiceMonitor/backend",
    ),
    "frontend": (server("frontend"), scaled("frontend")),
    "ingress": (
        "Ingress/todo",
        "NetworkPolicy/ingress-test Pod/ingress-test ServiceAccount/ingress-test",
    ),
    "traefik": (
        "ClusterRole/todo-traefik ClusterRoleBinding/todo-traefik Deployment/traefik"
        " IngressClass/traefik NetworkPolicy/traefik Role/todo-traefik RoleBinding/todo-traefik"
        " Service/traefik ServiceAccount/traefik",
        "Role/todo-traefik RoleBinding/todo-traefik",
    ),
}


def assert_valid(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        if manifest["kind"] not in FOREIGN:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize(("profile", "chart"), CASES, ids=lambda part: part.replace(" ", "-"))
def test_objects_are_valid(any_helm: HelmProgram, profile: str, chart: str) -> None:
    manifests = any_helm.template(chart, PROFILES[profile][chart])
    if (profile, chart) != ("minimum", "namespace"):
        assert manifests
    assert_valid(manifests)


@pytest.mark.parametrize("chart", CHARTS)
def test_long_release_name_in_another_namespace(any_helm: HelmProgram, chart: str) -> None:
    assert len(LONG_RELEASE) == 53
    manifests = any_helm.template(
        chart, EVERYTHING[chart], release=LONG_RELEASE, namespace="elsewhere"
    )
    assert_valid(manifests)
    for manifest in manifests:
        for key, value in manifest["metadata"]["labels"].items():
            assert len(value) <= 63, f"{manifest['kind']}: {key}={value}"
        where = manifest["metadata"].get("namespace")
        if manifest["kind"] in {"ClusterRole", "ClusterRoleBinding", "IngressClass"}:
            assert where is None
        elif manifest["kind"] == "PriorityClass":
            assert manifest["metadata"]["name"].startswith("elsewhere-")
        elif manifest["kind"] in {"Role", "RoleBinding"}:
            assert where in EVERYTHING["traefik"]["namespaces"]
        else:
            assert where == "elsewhere"


def switches(
    values: Manifest, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every boolean of a values.yaml: where it is, and its default."""
    for key, value in values.items():
        if isinstance(value, bool):
            yield (*path, key), value
        elif isinstance(value, dict):
            yield from switches(value, (*path, key))


SWITCHES = [
    (chart, path, default)
    for chart in CHARTS
    for path, default in switches(
        yaml.safe_load((ROOT / "charts" / chart / "values.yaml").read_text())
    )
]
# What a switch asks for beside itself.
COMPANIONS: dict[tuple[str, str], Manifest] = {
    **{
        (chart, "metrics.serviceMonitor.enabled"): {"metrics": {"namespace": "monitoring"}}
        for chart in ("mcp-server", "backend")
    },
    ("ingress", "httpRoute.enabled"): {"httpRoute": {"parentRefs": [{"name": "public"}]}},
    ("ingress", "networkPolicy.enabled"): {"test": {"image": {"tag": "abc"}}},
    ("agents", "todoTools.enabled"): {"todoTools": {"existingSecret": "todo-token"}},
}


@pytest.mark.parametrize(
    ("chart", "path", "default"),
    SWITCHES,
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else str(part),
)
def test_every_switch_makes_a_difference(
    any_helm: HelmProgram, chart: str, path: tuple[str, ...], default: bool
) -> None:
    before: Manifest = COMPANIONS.get((chart, ".".join(path)), {})
    after = deepcopy(before)
    place = after
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = not default
    manifests = any_helm.template(chart, after)
    assert_valid(manifests)
    assert manifests != any_helm.template(chart, before)


# Names that YAML takes for something else where they are not quoted; each is a valid DNS label.
NAMED_LIKE_A_NUMBER = "123"
NAMED_LIKE_A_TRUTH = "true"
# What a chart lets a user name.
NAMES: dict[str, Manifest] = {
    "postgres": {
        "database": NAMED_LIKE_A_TRUTH,
        "existingSecret": NAMED_LIKE_A_NUMBER,
        "tls": {"existingSecret": NAMED_LIKE_A_NUMBER},
        "storage": {"className": NAMED_LIKE_A_NUMBER},
        "backup": {"className": NAMED_LIKE_A_NUMBER},
        "archive": {"enabled": True, "className": NAMED_LIKE_A_NUMBER},
        "priorityClassName": NAMED_LIKE_A_NUMBER,
    },
    "mcp-server": {
        "database": {
            **{"name": NAMED_LIKE_A_TRUTH, "user": NAMED_LIKE_A_TRUTH},
            **{"existingSecret": NAMED_LIKE_A_NUMBER, "caSecret": NAMED_LIKE_A_NUMBER},
            "passwordKey": NAMED_LIKE_A_NUMBER,
        },
        "identity": {"existingSecret": NAMED_LIKE_A_NUMBER, "publicKeyKey": NAMED_LIKE_A_TRUTH},
        "public": True,
        "agents": {
            "namespace": NAMED_LIKE_A_NUMBER,
            "controllerNamespace": NAMED_LIKE_A_NUMBER,
        },
        "metrics": {"namespace": NAMED_LIKE_A_NUMBER},
        "networkPolicy": {"ingressController": {"namespace": NAMED_LIKE_A_NUMBER}},
    },
    "backend": {
        "database": {
            **{"name": NAMED_LIKE_A_TRUTH, "user": NAMED_LIKE_A_TRUTH},
            **{"existingSecret": NAMED_LIKE_A_NUMBER, "caSecret": NAMED_LIKE_A_NUMBER},
            "passwordKey": NAMED_LIKE_A_NUMBER,
        },
        "migration": {"passwordKey": NAMED_LIKE_A_TRUTH},
        "mcp": {"existingSecret": NAMED_LIKE_A_NUMBER, "privateKeyKey": NAMED_LIKE_A_TRUTH},
        "assistant": {
            "openai": {"existingSecret": NAMED_LIKE_A_NUMBER, "apiKeyKey": NAMED_LIKE_A_TRUTH}
        },
        "metrics": {"namespace": NAMED_LIKE_A_NUMBER},
        "networkPolicy": {"ingressController": {"namespace": NAMED_LIKE_A_NUMBER}},
    },
    "ingress": {
        "className": NAMED_LIKE_A_NUMBER,
        "tls": {"enabled": True, "secretName": NAMED_LIKE_A_NUMBER},
        "test": {"image": {"tag": NAMED_LIKE_A_NUMBER}},
        "networkPolicy": {"ingressController": {"namespace": NAMED_LIKE_A_NUMBER}},
    },
    "traefik": {
        "namespaces": [NAMED_LIKE_A_NUMBER],
        "ingressClass": {"name": NAMED_LIKE_A_NUMBER},
        "metrics": {"namespace": NAMED_LIKE_A_NUMBER},
    },
    "agents": {
        "model": {"name": NAMED_LIKE_A_NUMBER, "existingSecret": NAMED_LIKE_A_NUMBER},
        "tools": {"namespaces": [NAMED_LIKE_A_NUMBER]},
        "todoTools": {
            "enabled": True,
            "namespace": NAMED_LIKE_A_NUMBER,
            "existingSecret": NAMED_LIKE_A_TRUTH,
        },
    },
}


@pytest.mark.parametrize("release", [NAMED_LIKE_A_NUMBER, NAMED_LIKE_A_TRUTH])
@pytest.mark.parametrize("chart", CHARTS)
def test_names_stay_text(any_helm: HelmProgram, chart: str, release: str) -> None:
    manifests = any_helm.template(
        chart, NAMES.get(chart), release=release, namespace=NAMED_LIKE_A_NUMBER
    )
    assert_valid(manifests)
    for manifest in manifests:
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == release
        assert {type(value) for value in labels.values()} == {str}


@pytest.mark.parametrize("chart", CHARTS)
def test_strict_lint_is_silent(any_helm: HelmProgram, chart: str) -> None:
    done = any_helm.run("lint", "--strict", "--quiet", str(any_helm.charts / chart))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout
    assert "[ERROR]" not in done.stdout


@pytest.mark.parametrize("chart", CHARTS)
def test_both_helms_render_the_same(helm: HelmProgram, helm3: HelmProgram, chart: str) -> None:
    def ordered(found: list[Manifest]) -> list[Manifest]:
        return sorted(found, key=lambda item: (item["kind"], item["metadata"]["name"]))

    assert ordered(helm.template(chart)) == ordered(helm3.template(chart))


@pytest.mark.parametrize("chart", CHARTS)
def test_packages_offline_with_a_digest_in_the_version(
    any_helm: HelmProgram, chart: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("packages")
    # A label's value has no "+" and at most 63 characters.
    version = f"0.1.0+{'0123456789abcdef' * 4}"
    done = any_helm.run(
        *("package", str(any_helm.charts / chart), "--version", version),
        *("--destination", str(target)),
    )
    assert done.returncode == 0, done.stderr
    package = target / f"{chart}-{version}.tgz"
    done = any_helm.run("template", chart, str(package), "--namespace", "todo")
    assert done.returncode == 0, done.stderr
    label = f"{chart}-0.1.0_{'0123456789abcdef' * 4}"[:63]
    assert f"helm.sh/chart: {label}\n" in done.stdout


@pytest.mark.parametrize("chart", OBJECTS)
def test_each_chart_makes_exactly_these_objects(helm: HelmProgram, chart: str) -> None:
    """An object that comes or goes unasked is seen here, as is a switch without effect."""

    def names(values: Manifest) -> list[str]:
        manifests = helm.template(chart, values)
        return sorted(f"{item['kind']}/{item['metadata']['name']}" for item in manifests)

    usual, more = (part.split() for part in OBJECTS[chart])
    assert names({}) == sorted(usual)
    assert names(EVERYTHING[chart]) == sorted([*usual, *more])


def test_nothing_is_left_of_what_is_switched_off(helm: HelmProgram) -> None:
    assert not of_kind(helm.template("ingress", MINIMUM["ingress"]), "Pod")
    assert not helm.template("namespace", MINIMUM["namespace"])
    for chart in CHARTS:
        assert not of_kind(helm.template(chart, MINIMUM[chart]), "NetworkPolicy"), chart
