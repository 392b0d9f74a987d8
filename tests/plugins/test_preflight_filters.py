"""Filters of the role preflight: every failure is named with its remedy, nothing else is."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import preflight
import pytest

FACTS: dict[str, Any] = {
    "machine": {
        "system": "Linux",
        "release": "Debian 12",
        "architecture": "x86_64",
        "python": "3.11.7",
        "may_become_root": False,
        "cpus": 2.0,
        "memory_mib": 8192,
        "docker": {"answers": True, "root": "/var/lib/docker", "cluster": False},
    },
    "disks": {
        "cache": {"path": "/home", "free_gib": 30.0},
        "docker": {"path": "/var/lib/docker", "free_gib": 30.0},
    },
    "ports": [
        {"port": 8080, "free": True, "ours": False, "holder": ""},
        {"port": 8443, "free": False, "ours": True, "holder": "container minikube"},
    ],
    "programs": {"cc": "12.2.0", "apt-get": "2.6.1"},
    "built": True,
}
WANTED: dict[str, Any] = {
    "network_mode": "mirrors",
    "cpus": 2,
    "memory_mib": 6144,
    "memory_reserve_mib": 1024,
    "python": "3.11",
    "disk_gib": {"cache": 25, "docker": 25, "state": 1},
    "programs": [{"name": "cc", "package": "gcc", "modes": ["mirrors"], "why": "a C compiler"}],
    "settings": {"8080": "platform_http_port", "8443": "platform_https_port"},
}


def failures(**changes: Any) -> list[preflight.Failure]:
    """The failures when `section__key=value` of the facts is changed."""
    facts = copy.deepcopy(FACTS)
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            facts[section][key] = value
        else:
            facts[section] = value
    return preflight.preflight_machine_failures(facts, WANTED)


def test_machine_that_has_everything_fails_nothing() -> None:
    assert failures() == []


@pytest.mark.parametrize(
    ("changes", "check", "remedy"),
    [
        ({"machine__system": "Windows"}, "operating system", "run this on"),
        ({"machine__architecture": "riscv64"}, "processor", "run this on"),
        ({"machine__python": "3.9.2"}, "Python", "make PYTHON="),
        ({"machine__cpus": 1.5}, "CPUs", "minikube_cpus"),
        ({"machine__memory_mib": 7167}, "memory", "minikube_memory_mib"),
        ({"disks__cache": {"path": "/", "free_gib": 24.9}}, "disk (cache)", "platform_cache_dir"),
        ({"disks__docker": {"path": "/", "free_gib": 1.0}}, "disk (docker)", "docker system prune"),
        ({"programs": {"apt-get": "2.6.1"}}, "cc", "apt-get install gcc"),
    ],
)
def test_lack_is_named_with_its_remedy(changes: dict[str, Any], check: str, remedy: str) -> None:
    found = [one for one in failures(**changes) if one["check"] == check]
    assert len(found) == 1
    assert remedy in found[0]["remedy"]


def test_all_failures_are_listed_at_once() -> None:
    checks = {one["check"] for one in failures(machine__cpus=1.0, machine__memory_mib=512)}
    assert checks == {"CPUs", "memory"}


def test_foreign_port_names_its_holder_and_the_setting() -> None:
    port = {"port": 8080, "free": False, "ours": False, "holder": "nginx (process 7)"}
    (one,) = failures(ports=[port])
    assert one["found"] == "held by nginx (process 7)"
    assert "platform_http_port" in one["remedy"]


def test_missing_program_that_root_can_install_is_no_failure() -> None:
    assert failures(programs={"apt-get": "2.6.1"}, machine__may_become_root=True) == []


def test_missing_program_without_a_package_is_a_failure_even_for_root() -> None:
    facts = copy.deepcopy(FACTS)
    facts["machine"]["may_become_root"] = True
    helm = {"name": "helm", "modes": ["open", "mirrors"], "why": "Helm 3.17 or later"}
    (one,) = preflight.preflight_machine_failures(facts, WANTED | {"programs": [helm]})
    assert (one["check"], one["expected"]) == ("helm", "Helm 3.17 or later")
    assert "apt-get" not in one["remedy"]


NO_DOCKER = {"answers": False, "root": "", "cluster": False}


@pytest.mark.parametrize(
    ("changes", "expected", "remedy"),
    [
        ({"machine__docker": NO_DOCKER}, "install or start Docker", "usermod -aG docker"),
        ({"built": False}, "base images of the bundle", "sudo -v"),
    ],
)
def test_rights_that_a_role_is_about_to_need_are_asked_for(
    changes: dict[str, Any], expected: str, remedy: str
) -> None:
    (one,) = failures(**changes)
    assert one["check"] == "rights"
    assert expected in one["expected"]
    assert remedy in one["remedy"]
    assert failures(**changes, machine__may_become_root=True) == []
    # Where there is no apt nothing is installed: the roles say themselves what is missing.
    assert failures(**changes, programs={"cc": "12.2.0"}) == []


def test_missing_program_of_another_mode_is_no_failure() -> None:
    facts = copy.deepcopy(FACTS) | {"programs": {}}
    assert preflight.preflight_machine_failures(facts, WANTED | {"network_mode": "open"}) == []


SHARED = {"network_mode": {"type": "str", "choices": ["auto", "open", "mirrors"]}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one role, an inventory, and a variable of the user's own in use there."""
    files = {
        "roles/minikube/meta/argument_specs.yml": "argument_specs: {main: {options: {"
        "minikube_cpus: {type: int}, minikube_driver: {type: str, choices: [docker]},"
        "minikube_merge: {type: bool}}}}",
        "roles/secrets/meta/argument_specs.yml": "argument_specs: {main: {options: {"
        "secrets_api_key: {type: int}}}}",
        "roles/minikube/tasks/main.yml": "- debug: {msg: '{{ minikube_cpus }}'}",
        "site.yml": "- hosts: all",
        "inventory/hosts.yml": "all: {}",
        "inventory/group_vars/all/platform.yml": "# minikube_cpu is a slip\nminikube_cpu: 4\n"
        "minikube_size: 2\nminikube_cpus: '{{ minikube_size }}'\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def judge(project: Path, **variables: Any) -> list[preflight.Failure]:
    inventory = [str(project / "inventory" / "hosts.yml")]
    return preflight.preflight_variable_failures(variables, str(project), inventory, SHARED)


def test_slip_is_refused_with_a_suggestion(project: Path) -> None:
    (one,) = judge(project, minikube_cpu=4)
    assert one["check"] == "variable minikube_cpu"
    assert one["remedy"] == "did you mean minikube_cpus?"


def test_slip_of_a_shared_variable_is_refused(project: Path) -> None:
    (one,) = judge(project, netwrok_mode="open")
    assert one["remedy"] == "did you mean network_mode?"


def test_unread_name_with_a_roles_prefix_is_refused(project: Path) -> None:
    (one,) = judge(project, minikube_colour="blue")
    assert "README" in one["remedy"]


@pytest.mark.parametrize("name", ["minikube_size", "colour", "ansible_user", "__internal"])
def test_names_that_are_read_or_not_ours_are_accepted(project: Path, name: str) -> None:
    assert judge(project, **{name: "1"}) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("roles/minikube/tasks/more.yaml", "- debug: {msg: '{{ minikube_colour }}'}"),
        ("playbooks/more.yaml", "- hosts: '{{ minikube_colour }}'"),
        ("inventory/more.yaml", "all: {vars: {other: '{{ minikube_colour }}'}}"),
        ("inventory/group_vars/all/more.yaml", "other: '{{ minikube_colour }}'"),
        (
            "roles/minikube/meta/argument_specs.yml",
            "argument_specs: {more: {options: {minikube_colour: {type: str}}}}",
        ),
        (
            "roles/other/meta/argument_specs.yaml",
            "argument_specs: {main: {options: {minikube_colour: {type: str}}}}",
        ),
    ],
)
def test_name_is_read_or_specified_wherever_ansible_looks(
    project: Path, name: str, text: str
) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert judge(project, minikube_colour="blue") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n",
        "argument_specs:",
        "argument_specs: {main: }",
        "argument_specs: {main: {options: }}",
    ],
)
def test_specification_that_specifies_nothing(project: Path, text: str) -> None:
    (project / "roles/minikube/meta/argument_specs.yml").write_text(text)
    assert judge(project, secrets_api_key=1) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minikube_cpus", 2),
        ("minikube_cpus", "2"),
        ("minikube_merge", "yes"),
        ("network_mode", "open"),
    ],
)
def test_values_that_ansible_understands_are_accepted(project: Path, name: str, value: Any) -> None:
    assert judge(project, **{name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("minikube_cpus", "many", "a whole number"),
        ("minikube_cpus", None, "a whole number"),
        ("minikube_merge", "perhaps", "true or false"),
        ("minikube_driver", "vmware", "one of docker"),
        ("network_mode", "closed", "one of auto, open, mirrors"),
    ],
)
def test_wrong_value_is_refused(project: Path, name: str, value: Any, expected: str) -> None:
    (one,) = judge(project, **{name: value})
    assert (one["found"], one["expected"]) == (repr(value), expected)
    assert name in one["remedy"]


def test_wrong_secret_is_refused_and_never_shown(project: Path) -> None:
    (one,) = judge(project, secrets_api_key="tell-nobody")
    assert one["check"] == "variable secrets_api_key"
    assert "tell-nobody" not in "".join(one.values())
    assert one["found"] == "a str, not shown"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "192.168.1.20", "Todo.Example.Org", "a..b", "::1", ""]
)
def test_a_public_name_that_an_ingress_refuses(project: Path, host: str) -> None:
    (one,) = judge(project, platform_host=host)
    assert one["check"] == "variable platform_host"
    assert "DNS name" in one["expected"]
    for fit in ("localhost", "todo.example.org", "x1.2-b.test"):
        assert judge(project, platform_host=fit) == []


@pytest.mark.parametrize("port", [0, 80880, "65536"])
def test_a_port_that_is_none(project: Path, port: Any) -> None:
    (one,) = judge(project, platform_http_port=port)
    assert (one["check"], one["expected"]) == ("variable platform_http_port", "a port, 1 to 65535")


def test_one_port_cannot_be_both(project: Path) -> None:
    (one,) = judge(project, platform_http_port=8080, platform_https_port="8080")
    assert "as platform_http_port" in one["found"]
    assert judge(project, platform_http_port=8080, platform_https_port=8443) == []


def test_existing_cluster_without_a_registry_is_refused(project: Path) -> None:
    (one,) = judge(project, existing_cluster_kubeconfig="/c", images_registry="")
    assert one["check"] == "variable images_registry"
    assert "docker login" in one["remedy"]
    assert judge(project, existing_cluster_kubeconfig="/c", images_registry="r.example/t") == []
    assert judge(project, existing_cluster_kubeconfig="", images_registry="") == []


QUESTIONS = [{"name": "a", "url": "https://a.example/"}]


def memory(**changes: Any) -> dict[str, Any]:
    known = {"mode": "open", "urls": ["https://a.example/"], "time": time.time() - 3600}
    return known | changes


def test_answer_of_an_hour_ago_is_fresh() -> None:
    assert preflight.preflight_is_fresh(memory(), QUESTIONS, 24)
    shortly = memory(mode="mirrors", time=time.time() - 1800)
    assert preflight.preflight_is_fresh(shortly, QUESTIONS, 24)


@pytest.mark.parametrize(
    "known",
    [
        memory(time=time.time() - 25 * 3600),
        memory(time=time.time() + 3600),
        memory(urls=["https://b.example/"]),
        memory(mode="auto"),
        # Who did not answer may do so in a moment.
        memory(mode="mirrors", time=time.time() - 2 * 3600),
        {},
        "nonsense",
    ],
)
def test_other_answers_are_not_fresh(known: Any) -> None:
    assert not preflight.preflight_is_fresh(known, QUESTIONS, 24)


def test_report_counts_and_shows_every_failure() -> None:
    report = preflight.preflight_report(
        [
            preflight.failure("CPUs", "1", "2", "buy one"),
            preflight.failure("disk", "0", "1", "tidy"),
        ]
    )
    assert report.startswith("2 preflight check(s) failed; nothing was changed.")
    assert all(word in report for word in ("CPUs", "buy one", "disk", "tidy"))
