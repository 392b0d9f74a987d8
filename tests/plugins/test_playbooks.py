"""What the playbooks and roles ask of kubectl, answered by a stand-in that writes it down."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Like the real one it hands its input on only where it is told to.
KUBECTL = f"""#!{sys.executable}
import json, pathlib, re, sys
folder = pathlib.Path(__file__).parent
asked = " ".join(sys.argv[1:])
reads = re.search(r"--stdin|(-f|--filename|--patch-file) (-|/dev/stdin)", asked)
given = sys.stdin.read() if reads else ""
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([asked, given]) + "\\n")
for pattern, answer in json.loads((folder / "answers.json").read_text()):
    if re.search(pattern, asked + "\\n" + given):
        if answer.startswith("error: "):
            sys.exit(answer)
        print(answer)
        break
"""


@dataclass
class Cluster:
    """A cluster that says what it was told to say; what starts with `error: ` is a failure."""

    folder: Path

    def ansible(self, *command: str) -> tuple[int, str]:
        """Status and output of a command of Ansible's on this cluster."""
        given = {"platform_state_dir": str(self.folder), "kubeconfig": "nowhere"}
        done = subprocess.run(
            [*command, "--extra-vars", json.dumps(given)],
            cwd=ROOT,
            env=os.environ
            | {"PATH": f"{self.folder}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def playbook(self, name: str, *options: str, **settings: Any) -> tuple[int, str]:
        extra = ("--extra-vars", json.dumps(settings))
        return self.ansible("ansible-playbook", f"playbooks/{name}.yml", *options, *extra)

    def role(self, name: str, tasks: str, **settings: Any) -> tuple[int, str]:
        role = ("ansible.builtin.include_role", "--args", f"name={name} tasks_from={tasks}")
        extra = ("--extra-vars", json.dumps(settings))
        return self.ansible("ansible", "localhost", "--module-name", *role, *extra)

    def calls(self, pattern: str) -> list[str]:
        """The calls that match: what was asked, and what was handed in."""
        lines = (self.folder / "calls.jsonl").read_text().splitlines()
        return [call for line in lines if re.search(pattern, call := "\n".join(json.loads(line)))]


@pytest.fixture
def cluster(tmp_path: Path) -> Callable[[Sequence[tuple[str, str]]], Cluster]:
    """Makes a cluster of its answers: a pattern of the call, and what is printed for it."""

    def make(answers: Sequence[tuple[str, str]]) -> Cluster:
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        (tmp_path / "calls.jsonl").write_text("")
        program = tmp_path / "kubectl"
        program.write_text(KUBECTL)
        program.chmod(0o755)
        return Cluster(tmp_path)

    return make


Make = Callable[[Sequence[tuple[str, str]]], Cluster]
SEGMENT = "000000010000000000000007"
RECOVERY = {
    "spec": {
        "jobTemplate": {
            "metadata": {"labels": {"app.kubernetes.io/name": "postgres"}},
            "spec": {"template": {"spec": {"containers": [{"name": "recovery", "env": []}]}}},
        }
    }
}
RECOVERED = [
    ("get cronjob postgres-recovery", json.dumps(RECOVERY)),
    ("get job ", "Complete"),
    ("logs ", "backup: wrote recovered-20260131T183000Z.dump, 1 kept"),
]
TIME = "2026-01-31T18:30:00Z"


def test_a_recovery_waits_until_the_newest_changes_are_archived(cluster: Make) -> None:
    there = cluster(
        [
            ("get pod postgres-0", "true"),
            (r"psql.*\n(.*\n)*.*pg_switch_wal", SEGMENT),
            ("last_archived_wal", SEGMENT),
            *RECOVERED,
        ]
    )
    status, output = there.playbook("recover", recover_time=TIME)
    assert status == 0, output
    assert "make restore FILE=recovered-20260131T183000Z.dump" in output
    assert there.calls("last_archived_wal")
    assert len(there.calls(f'"RECOVERY_TIME", "value": "{TIME}"')) == 1


def test_a_recovery_stops_where_the_newest_changes_are_not_archived(cluster: Make) -> None:
    there = cluster([("get pod postgres-0", "true"), *RECOVERED])
    status, output = there.playbook("recover", recover_time=TIME)
    assert status != 0
    assert "its newest changes do not reach the archive; nothing was changed" in output
    assert not there.calls("^.*create --filename")


def test_a_lost_database_is_recovered_from_what_it_had_archived(cluster: Make) -> None:
    there = cluster(RECOVERED)
    status, output = there.playbook("recover", recover_time=TIME)
    assert status == 0, output
    assert "its last changes, which it did not archive, cannot be recovered" in output
    assert not there.calls("psql")


@pytest.mark.parametrize("name", ["backup", "recover"])
def test_check_mode_looks_and_makes_no_job(cluster: Make, name: str) -> None:
    """It would wait half an hour for a job that it did not make."""
    there = cluster([("get cronjob postgres-backup", "cronjob.batch/postgres-backup"), *RECOVERED])
    status, output = there.playbook(name, "--check", recover_time=TIME)
    assert status == 0, output
    assert there.calls("get cronjob")
    assert not there.calls("get job |create|exec")


def test_check_mode_judges_a_backup_and_restores_nothing(cluster: Make) -> None:
    tables = [f"1; 2 3 TABLE public {name} owner" for name in ("alembic_version", "tasks", "users")]
    answers = [("ls /backups", "todo-1.dump"), ("pg_restore --list", "\n".join(tables))]
    status, output = cluster(answers).playbook("restore", "--check", restore_file="todo-1.dump")
    assert status == 0, output
    status, output = cluster(answers).playbook("restore", "--check", restore_file="todo-2.dump")
    assert status != 0
    assert "nothing was changed. Remedy: name one of these: todo-1.dump" in output
    there = cluster(answers[:1])
    status, output = there.playbook("restore", "--check", restore_file="todo-1.dump")
    assert status != 0
    assert "It lacks the tables" in output
    assert not there.calls("scale|load|swap")


def test_status_tells_the_same_in_check_mode(cluster: Make) -> None:
    there = cluster([("get nodes", "one-node Ready")])
    (there.folder / "kubeconfig").write_text("")
    unreachable = {"platform_url": "http://127.0.0.1:9"}
    status, output = there.playbook("status", "--check", **unreachable)
    assert status == 0, output
    assert "one-node Ready" in output
    assert "http://127.0.0.1:9: " in output


@pytest.mark.parametrize(
    ("name", "asks"),
    [("backup", "get cronjob"), ("status", "get nodes"), ("recover", "get cronjob")],
)
def test_kubectl_is_the_one_of_the_inventory(cluster: Make, name: str, asks: str) -> None:
    there = cluster([])
    (there.folder / "kubeconfig").write_text("")
    program = there.folder / "other programs" / "kubectl-1"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {there.folder}/kubectl "$@" --as-named\n')
    program.chmod(0o755)
    settings = {"platform_url": "http://127.0.0.1:9", "recover_time": TIME}
    there.playbook(name, "--check", helm_release_kubectl=str(program), **settings)
    assert there.calls(f"{asks}.* --as-named")


def test_restore_that_fails_says_which_command_failed_and_why(
    cluster: Make, tmp_path: Path
) -> None:
    """It is one of several that a loop runs."""
    server = {"metadata": {"name": "backend", "annotations": {}}, "spec": {"replicas": 2}}
    tables = "\n".join(f"1; 2 3 TABLE public {n} o" for n in ("alembic_version", "tasks", "users"))
    there = cluster(
        [
            ("ls /backups", "todo.dump"),
            ("pg_restore --list", tables),
            ("get deployments", json.dumps({"items": [server]})),
            ("scale deployment/backend --replicas 0", "error: the admission webhook says no"),
        ]
    )
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\n")
    helm.chmod(0o755)
    status, output = there.playbook("restore", restore_file="todo.dump", restore_force=True)
    assert status != 0
    assert "the old data serves again. Change it: error: the admission webhook says no" in output
    assert there.calls("scale deployment/backend --replicas 2")


EVERY_POD = "annotate pod --selector app.kubernetes.io/part-of=todo --overwrite"


def test_a_new_password_is_never_logged(cluster: Make) -> None:
    """Not even by a server that logs all statements, those that fail, or those that take long."""
    given = {"data": {"mcp-server-password": base64.b64encode(b"a new one").decode()}}
    there = cluster(
        [
            ("get pod postgres-0", "True"),
            ("get secret todo-database", json.dumps(given)),
            ("cat /run/secrets/postgres/mcp-server-password", "a new one"),
        ]
    )
    status, output = there.role("secrets", "passwords")
    assert status == 0, output
    (session,) = there.calls("ALTER ROLE")
    before, _, _ = session.partition("BEGIN;")
    for setting, value in {
        "log_statement": "'none'",
        "log_min_error_statement": "'panic'",
        "log_min_duration_statement": "-1",
    }.items():
        assert f"SET {setting} = {value};" in before
    assert "a new one" not in session
    assert len(there.calls(EVERY_POD)) == 1


def test_rotation_leaves_a_given_password_among_the_generated(cluster: Make) -> None:
    keys = ("superuser-password", "owner-password", "backend-password", "mcp-server-password")
    before = {key: base64.b64encode(key.encode()).decode() for key in keys}
    labels = {"app.kubernetes.io/managed-by": "ansible"}
    secret = {
        "kind": "Secret",
        "metadata": {"name": "todo-database", "labels": labels},
        "data": before,
    }
    namespace = {"kind": "Namespace", "metadata": {"name": "todo"}}
    there = cluster(
        [
            ("get --namespace todo --ignore-not-found", json.dumps({"items": [namespace, secret]})),
            ("get pod postgres-0", "False"),
        ]
    )
    settings = {"secrets_owner_password": "owner-password", "secrets_authority_path": ""}
    status, output = there.role("secrets", "rotate_passwords", **settings)
    assert status == 0, output
    (written,) = there.calls("replace -f")
    after = json.loads(written.partition("\n")[2])["data"]
    assert [key for key in keys if after[key] == before[key]] == ["owner-password"]


def test_a_new_certificate_is_pointed_out_to_the_clients_too(cluster: Make) -> None:
    """They trust the authority that came with it: the two must not come a minute apart."""
    there = cluster(
        [
            ("get pod postgres-0", "todo-database todo-postgres-tls True"),
            ("get secret todo-postgres-tls", base64.b64encode(b"certificate").decode()),
            ("cat /run/secrets/tls/tls.crt", "certificate"),
        ]
    )
    status, output = there.role("secrets", "reload")
    assert status == 0, output
    assert len(there.calls(EVERY_POD)) == 1
    assert len(there.calls("pg_reload_conf")) == 1


def test_an_uninstall_names_the_volumes_that_stay(cluster: Make) -> None:
    there = cluster([("get persistentvolumeclaims", "data-postgres-0 postgres-backup ")])
    helm = there.folder / "helm"
    helm.write_text("#!/bin/sh\necho '[]'\n")
    helm.chmod(0o755)
    status, output = there.playbook(
        "teardown",
        existing_cluster_kubeconfig="elsewhere",
        teardown_force=True,
        helm_release_releases=[],
    )
    assert status == 0, output
    assert "Its volumes stay, with all data: data-postgres-0, postgres-backup." in output
    assert "delete persistentvolumeclaim data-postgres-0 postgres-backup" in output
    assert not there.calls("delete")


def kubeconfig(token: str, server: str = "https://127.0.0.1:9") -> str:
    """Of one context, as `kubectl config view --minify` shows it."""
    return json.dumps(
        {
            "clusters": [{"name": "theirs", "cluster": {"server": server}}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": "mine", "context": {"cluster": "theirs", "user": "me"}}],
            "current-context": "mine",
        }
    )


def taken(there: Cluster) -> dict[str, str]:
    """Settings of a cluster of the user's, which the project has taken before."""
    (there.folder / "theirs").write_text("")
    (there.folder / "kubeconfig").write_text(kubeconfig("old"))
    return {"existing_cluster_kubeconfig": str(there.folder / "theirs")}


def test_renewed_credentials_reach_the_projects_own_kubeconfig(cluster: Make) -> None:
    """Those of the same context, whatever the current one is by now."""
    there = cluster([("config view", kubeconfig("new")), ("get nodes", "one-node Ready")])
    status, output = there.playbook("status", **taken(there))
    assert status == 0, output
    assert '"new"' in (there.folder / "kubeconfig").read_text()
    assert "one-node Ready" in output
    assert len(there.calls("--context mine config view")) == 1
    # The cluster was checked when it was taken.
    assert not there.calls("auth can-i|storageclasses")


def test_a_services_tag_takes_renewed_credentials_and_names_the_fitting_remedy(
    cluster: Make,
) -> None:
    there = cluster([("config view", kubeconfig("new"))])
    given = taken(there) | {"images_registry": "registry.example/todo", "network_mode": "open"}
    inventories = ("-i", "inventory/hosts.yml", "-i", "inventory/cluster.yml")
    site = ("site.yml", "--tags", "namespace", "--extra-vars", json.dumps(given))
    status, output = there.ansible("ansible-playbook", *inventories, *site)
    assert '"new"' in (there.folder / "kubeconfig").read_text()
    assert status != 0
    assert "see that your cluster runs and that its kubeconfig is not out of date" in output
    assert "--tags minikube" not in output


def test_credentials_of_another_cluster_are_not_taken(cluster: Make) -> None:
    there = cluster([("config view", kubeconfig("new", "https://elsewhere.example"))])
    status, output = there.playbook("teardown", teardown_force=True, **taken(there))
    assert status != 0
    assert (
        "leads to https://elsewhere.example, but the platform is on https://127.0.0.1:9" in output
    )
    assert "Remedy: set existing_cluster_kubeconfig" in output
    assert '"old"' in (there.folder / "kubeconfig").read_text()


def test_every_tag_that_works_on_the_cluster_takes_renewed_credentials() -> None:
    roles = {
        role["role"]: role for role in yaml.safe_load((ROOT / "site.yml").read_text())[0]["roles"]
    }
    tags = {name: set(role["tags"]) for name, role in roles.items()}
    for name in ("secrets", "helm_release", "kagent", "smoke"):
        assert tags[name] <= tags["existing_cluster"]
