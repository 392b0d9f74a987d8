"""Playbooks with scripted roles and a scripted Helm: what they decide, not what the roles do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("preflight", "images", "secrets", "helm_release", "kagent", "smoke")
# Answers `helm list` and `helm history` from a file, and keeps the rest.
HELM = """#!/bin/sh
cd {folder}
case $1 in
    version) cat version ;;
    list) if [ -e forward ]; then cat after.json; else cat before.json; fi ;;
    history) cat history.json ;;
    *)
        echo "$*" >> calls
        echo "$HELM_KUBECONTEXT" > context
        [ ! -e stuck ] || {{ echo "helm is stuck" >&2; exit 1; }}
        ;;
esac
"""
# Nobody can chat once something was released, until Helm took it back.
SMOKE = """
- ansible.builtin.fail: {{msg: nobody can chat}}
  when:
    - "'{folder}/forward' is exists"
    - "'{folder}/works' is not exists"
    - "'{folder}/calls' is not exists"
"""
RELEASE = """
- ansible.builtin.file: {{path: {folder}/{name}, state: touch, mode: "0644"}}
"""
ROTATION = """
- ansible.builtin.shell: {{cmd: echo {what} >> {folder}/calls}}
"""
Run = Callable[..., tuple[str, list[str]]]


def listed(*releases: tuple[str, int]) -> str:
    return json.dumps(
        [{"name": name, "namespace": "shop", "revision": str(n)} for name, n in releases]
    )


def revisions(*statuses: tuple[str, str]) -> str:
    return json.dumps(
        [
            {"revision": number, "status": status, "description": said}
            for number, (status, said) in enumerate(statuses, start=1)
        ]
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a playbook; returns what it said and what Helm was told to do."""
    for role in ROLES:
        tasks = tmp_path / "roles" / role / "tasks" / "main.yml"
        tasks.parent.mkdir(parents=True)
        tasks.write_text("[]")
    for role, name in (("helm_release", "forward"), ("kagent", "agents")):
        tasks = tmp_path / "roles" / role / "tasks" / "main.yml"
        tasks.write_text(RELEASE.format(folder=tmp_path, name=name))
    (tmp_path / "roles/smoke/tasks/main.yml").write_text(SMOKE.format(folder=tmp_path))
    for what in ("passwords", "signing_key", "certificates"):
        tasks = tmp_path / "roles" / "secrets" / "tasks" / f"rotate_{what}.yml"
        tasks.write_text(ROTATION.format(folder=tmp_path, what=what))
    helm = tmp_path / "bin" / "helm"
    helm.parent.mkdir()
    helm.write_text(HELM.format(folder=tmp_path))
    helm.chmod(0o755)
    (tmp_path / "version").write_text("v4.2.3+g43e8b7f")

    def play(name: str, **variables: Any) -> tuple[str, list[str]]:
        given = {
            "platform_state_dir": str(tmp_path / "state"),
            "helm_release_kubeconfig": str(tmp_path / "kubeconfig"),
            "helm_release_releases": [{"name": n, "namespace": "shop"} for n in ("api", "page")],
            **variables,
        }
        done = subprocess.run(
            ["ansible-playbook", "-i", str(ROOT / "inventory/hosts.yml")]
            + [str(ROOT / "playbooks" / name)]
            + ["-e", json.dumps(given)],
            cwd=tmp_path,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_ROLES_PATH": str(tmp_path / "roles"),
                "ANSIBLE_NOCOLOR": "1",
                "PATH": f"{helm.parent}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
        )
        calls = tmp_path / "calls"
        return done.stdout, calls.read_text().splitlines() if calls.exists() else []

    return play


def test_failed_upgrade_takes_back_its_own_releases_and_names_the_new_ones(
    tmp_path: Path, run: Run
) -> None:
    """Another program released `stranger` meanwhile."""
    (tmp_path / "before.json").write_text(listed(("api", 3), ("stranger", 1)))
    (tmp_path / "after.json").write_text(listed(("api", 4), ("stranger", 2), ("page", 1)))
    output, calls = run("upgrade.yml")
    (rollback,) = calls
    assert rollback.startswith("rollback api 3 --namespace shop")
    assert "every release is what it was before, and the platform works" in output
    assert "nobody can chat" in output
    assert "helm uninstall page --namespace shop" in output
    assert "Remedy" in output


def test_failed_upgrade_that_cannot_go_back_keeps_its_first_message(
    tmp_path: Path, run: Run
) -> None:
    (tmp_path / "before.json").write_text(listed(("api", 3), ("page", 7)))
    (tmp_path / "after.json").write_text(listed(("api", 4), ("page", 8)))
    (tmp_path / "stuck").touch()
    output, calls = run("upgrade.yml")
    assert len(calls) == 2, "one that cannot go back must not keep the other"
    message = output[output.index("TASK [Say what happened]") :]
    assert "nobody can chat" in message
    assert "so did the way back" in message
    assert "helm is stuck" in message
    assert "the platform works" not in message


def test_upgrade_that_works_takes_nothing_back(tmp_path: Path, run: Run) -> None:
    (tmp_path / "before.json").write_text(listed(("api", 3)))
    (tmp_path / "works").touch()
    output, calls = run("upgrade.yml")
    assert calls == []
    assert "failed=0" in output


@pytest.mark.parametrize("enabled", [True, False])
def test_upgrade_brings_the_agents_forward_where_they_are_wanted(
    tmp_path: Path, run: Run, enabled: bool
) -> None:
    (tmp_path / "before.json").write_text(listed(("api", 3)))
    (tmp_path / "works").touch()
    run("upgrade.yml", kagent_enabled=enabled)
    assert (tmp_path / "agents").exists() == enabled


def test_failed_upgrade_takes_the_agents_back_first(tmp_path: Path, run: Run) -> None:
    """They came last."""
    (tmp_path / "before.json").write_text(
        listed(("agents", 5), ("api", 3), ("kagent", 2), ("page", 7))
    )
    (tmp_path / "after.json").write_text(
        listed(("agents", 6), ("api", 4), ("kagent", 3), ("page", 7))
    )
    output, calls = run("upgrade.yml", kagent_enabled=True)
    assert [call.split(" --")[0] for call in calls] == [
        *("rollback agents 5", "rollback kagent 2", "rollback api 3")
    ]
    assert "every release is what it was before" in output


def test_agents_can_be_rolled_back(tmp_path: Path, run: Run) -> None:
    (tmp_path / "history.json").write_text(revisions(("superseded", ""), ("deployed", "")))
    _, (call,) = run("rollback.yml", rollback_release="agents")
    assert call.startswith("rollback agents 1 --namespace agents")


def test_rollback_after_an_automatic_one_goes_further_back(tmp_path: Path, run: Run) -> None:
    (tmp_path / "history.json").write_text(
        revisions(
            ("superseded", ""), ("superseded", ""), ("failed", ""), ("deployed", "Rollback to 2")
        )
    )
    _, (call,) = run("rollback.yml", rollback_release="api")
    assert call.startswith("rollback api 1 --namespace shop")
    # Over what somebody changed by hand.
    assert call.endswith("--server-side=true --force-conflicts")


def test_rollback_uses_the_helm_of_the_inventory_on_its_own_cluster(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "history.json").write_text(revisions(("superseded", ""), ("deployed", "")))
    (tmp_path / "version").write_text("v3.17.2+gcc0bbbd")
    (tmp_path / "other programs").mkdir()
    program = (tmp_path / "bin" / "helm").rename(tmp_path / "other programs" / "helm-3")
    monkeypatch.setenv("HELM_KUBECONTEXT", "elsewhere")
    _, (call,) = run("rollback.yml", rollback_release="api", helm_release_helm=str(program))
    assert call.startswith("rollback api 1 --namespace shop")
    assert "--force-conflicts" not in call, "Helm 3 does not know it"
    assert (tmp_path / "context").read_text() == "\n"


PASSWORDS = {
    f"secrets_{role}_password": "given-by-the-vault"
    for role in ("superuser", "owner", "backend", "mcp_server")
}
KEY = {"secrets_mcp_private_key": "given by the vault"}


@pytest.mark.parametrize(
    ("given", "rotated", "said"),
    [
        ({}, ["passwords", "signing_key", "certificates"], []),
        (
            PASSWORDS,
            ["signing_key", "certificates"],
            ["Not rotated: passwords. The inventory gives the database passwords"],
        ),
        (
            {"secrets_owner_password": "given-by-the-vault"},
            ["passwords", "signing_key", "certificates"],
            ["Not rotated: what the inventory gives, secrets_owner_password"],
        ),
        (
            {"postgres_external_host": "db.example.org"},
            ["signing_key", "certificates"],
            ["Not rotated: passwords. The database is a server elsewhere, db.example.org"],
        ),
        (
            KEY,
            ["passwords", "certificates"],
            ["Not rotated: signing_key. The inventory gives the signing key (secrets_mcp_private"],
        ),
        (
            PASSWORDS | KEY,
            ["certificates"],
            ["Not rotated: passwords.", "Not rotated: signing_key."],
        ),
    ],
)
def test_rotation_of_all_leaves_out_what_is_given(
    run: Run, given: dict[str, str], rotated: list[str], said: list[str]
) -> None:
    output, calls = run("rotate_secrets.yml", **given)
    assert calls == rotated
    words = " ".join(output.split())
    assert f"Rotated: {', '.join(rotated)}" in words
    assert words.count("Not rotated: ") == len(said)
    assert all(part in words for part in said)
    assert "given-by-the-vault" not in words


@pytest.mark.parametrize(
    ("what", "given", "remedy", "others"),
    [
        ("passwords", PASSWORDS, "change them there and run `make up`", "signing_key"),
        (
            "passwords",
            {"postgres_external_host": "db.example.org"},
            "change them there and in the inventory (secrets_*_password), and run `make up`",
            "signing_key",
        ),
        ("signing_key", KEY, "change it there, with the old and the new public key", "passwords"),
    ],
)
def test_rotation_by_name_of_what_is_given_is_refused(
    run: Run, what: str, given: dict[str, str], remedy: str, others: str
) -> None:
    output, calls = run("rotate_secrets.yml", rotate=what, **given)
    assert calls == []
    words = " ".join(output.split())
    assert "Nothing was changed." in words
    assert remedy in words
    for other in (others, "certificates"):
        assert f"`make rotate ARGS='-e rotate={other}'`" in words.replace("''", "'")
    _, calls = run("rotate_secrets.yml", rotate=others, **given)
    assert calls == [others]


def test_dry_run_tells_what_would_be_pushed(tmp_path: Path) -> None:
    """The registry is empty, and a command that is skipped counts as no change."""
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$1" = image ] || { echo "not found" >&2; exit 1; }\n')
    docker.chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "play.yml").write_text("- {hosts: localhost, gather_facts: false, roles: [images]}")
    given = {
        "images_build": [{"name": "app", "context": str(tmp_path)}],
        "images_registry": "registry.example/todo",
        "images_docker": str(docker),
        "images_log_dir": str(tmp_path / "logs"),
    }
    done = subprocess.run(
        ["ansible-playbook", "--check", "play.yml", "-e", json.dumps(given)],
        cwd=tmp_path,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
    )
    told = done.stdout.partition("TASK [images : Say what would be pushed]")[2]
    assert "changed: [localhost]" in told.partition("TASK [")[0], done.stdout
    assert "registry.example/todo/app:" in told
