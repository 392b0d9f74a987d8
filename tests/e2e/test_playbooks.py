"""The playbooks beside site.yml that look, and those that refuse."""

from __future__ import annotations

from e2e.support import URL, User, playbook


def test_teardown_with_nobody_to_ask_changes_nothing(user: User) -> None:
    user.add("Still here")
    output = playbook("playbooks/teardown.yml", expect=1)
    assert "Nothing was changed" in output
    assert "FORCE=1" in output
    assert [task["title"] for task in user.tasks()] == ["Still here"]


def test_deleting_the_cluster_by_its_tag_needs_a_word_more(user: User) -> None:
    user.add("Still here")
    output = playbook("site.yml", "--tags", "minikube_delete", expect=1)
    assert "Nothing was deleted" in output
    assert "minikube_delete_force=true" in output
    assert [task["title"] for task in user.tasks()] == ["Still here"]


def test_status_shows_what_runs_and_changes_nothing() -> None:
    output = playbook("playbooks/status.yml")
    for shown in ("postgres-0", "backend-", "frontend-", "traefik-", "data-postgres-0"):
        assert shown in output
    assert f"{URL}: ready" in output
    assert "changed=0" in output
