"""Filters of the role helm_release."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import helm_release
import pytest
from ansible.errors import AnsibleFilterError


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A chart `web` over a library chart `shapes`."""
    for name, dependencies in (
        ("shapes", ""),
        ("web", "dependencies: [{name: shapes, version: 1.0.0, repository: file://../shapes}]"),
    ):
        (tmp_path / name / "templates").mkdir(parents=True)
        (tmp_path / name / "Chart.yaml").write_text(
            f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n{dependencies}\n"
        )
        (tmp_path / name / "templates" / "a.yaml").write_text("a: 1\n")
    return tmp_path


def version(charts: Path) -> str:
    return helm_release.helm_chart_version(str(charts / "web"))


def test_same_content_elsewhere_has_the_same_version(charts: Path, tmp_path: Path) -> None:
    before = version(charts)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("web", "shapes"):
        (charts / name).rename(moved / name)
    assert version(moved) == before
    assert before.startswith("1.0.0+")
    assert len(before) == len("1.0.0+") + 12


@pytest.mark.parametrize(
    "edited", ["web/templates/a.yaml", "web/values.yaml", "shapes/templates/a.yaml"]
)
def test_any_edit_changes_the_version(charts: Path, edited: str) -> None:
    before = version(charts)
    (charts / edited).write_text("a: 2\n")
    assert version(charts) != before


def test_renaming_a_template_changes_the_version(charts: Path) -> None:
    before = version(charts)
    (charts / "web/templates/a.yaml").rename(charts / "web/templates/b.yaml")
    assert version(charts) != before


def test_what_helm_derives_does_not_count(charts: Path) -> None:
    before = version(charts)
    (charts / "web/charts").mkdir()
    (charts / "web/charts/shapes-1.0.0.tgz").write_bytes(b"built")
    (charts / "web/Chart.lock").write_text("digest: x\n")
    assert version(charts) == before


@pytest.mark.parametrize("place", ["web/templates", "shapes"])
def test_what_the_chart_ignores_does_not_count(charts: Path, place: str) -> None:
    (charts / "web/.helmignore").write_text("# An editor's.\n*.swp\n")
    before = version(charts)
    (charts / place / ".a.yaml.swp").write_text("being edited")
    assert version(charts) == before
    (charts / place / "b.yaml").write_text("b: 1\n")
    assert version(charts) != before


def test_library_from_elsewhere_counts(charts: Path) -> None:
    (charts / "web/charts").mkdir()
    before = version(charts)
    (charts / "web/charts/other-1.0.0.tgz").write_bytes(b"fetched")
    assert version(charts) != before


def test_name_of_a_file_may_be_any_bytes(charts: Path) -> None:
    before = version(charts)
    (charts / "web" / os.fsdecode(b"caf\xe9.txt")).write_text("latin")
    assert version(charts) != before


def test_folder_without_a_chart_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"Chart\.yaml is missing"):
        helm_release.helm_chart_version(str(tmp_path))


def release(charts: Path, name: str = "web", **other: Any) -> dict[str, Any]:
    return {"name": name, "chart": str(charts / "web"), "namespace": "shop", **other}


def test_plan_fills_in_what_is_left_out(charts: Path) -> None:
    (planned,) = helm_release.helm_release_plan([release(charts)], "7m")
    assert planned["timeout"] == "7m"
    assert planned["values"] == {}
    assert planned["chart_name"] == "web"
    assert planned["title"] == "web (1/1)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"valuse": {}}, "unknown key 'valuse'; did you mean 'values'"),
        ({"name": "Web_1"}, "lower-case"),
        ({"name": "x" * 54}, "1 to 53"),
        ({"timeout": "5 minutes"}, "no duration; write 90s"),
        ({"values": {"a": [{"b": None}]}}, r"values\.a\[0\]\.b is null"),
        ({"values": ["a"]}, "one mapping"),
        ({"values": {"db": {"ownerPassword": "hunter2"}}}, r"values\.db\.ownerPassword looks like"),
        ({"values": {"env": [{"API_KEY": "sk-1"}]}}, r"values\.env\[0\]\.API_KEY looks like"),
        ({"values": {"url": "postgres://me:pw@db/todo"}}, r"values\.url looks like a secret"),
        ({"values": {"pem": "-----BEGIN PRIVATE KEY-----\n"}}, "role secrets, Ansible Vault"),
        ({"needs": ["wep"]}, "unknown release 'wep'; did you mean 'web'"),
        ({"needs": ["web"]}, "need each other in a circle"),
        ({"namespace": ""}, "lacks 'namespace'"),
    ],
)
def test_wrong_release_is_refused_with_the_remedy(
    charts: Path, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        helm_release.helm_release_plan([release(charts) | wrong])


def test_where_a_secret_is_may_be_said(charts: Path) -> None:
    values = {
        "existingSecret": "todo-database",
        "passwordKey": "owner-password",
        "automountServiceAccountToken": False,
        "maxTokens": 2048,
        "token": "",
        "url": "https://models.example:8443/v1",
    }
    (planned,) = helm_release.helm_release_plan([release(charts, values=values)])
    assert planned["values"] == values


def test_values_of_the_user_are_put_over_those_of_a_release(charts: Path) -> None:
    own = {"limits": {"cpu": "1", "memory": "1Gi"}, "hosts": ["a", "b"], "replicas": 1}
    more = {"web": {"limits": {"memory": "2Gi"}, "hosts": ["c"], "debug": {"on": True}}}
    releases = [release(charts, values=own), release(charts, "other", values=own)]
    web, other = helm_release.helm_release_plan(releases, values=more)
    assert web["values"] == {
        "limits": {"cpu": "1", "memory": "2Gi"},
        "hosts": ["c"],
        "replicas": 1,
        "debug": {"on": True},
    }
    assert other["values"] == own


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wep": {}}, "unknown release 'wep'; did you mean 'web'"),
        ({"web": ["a"]}, "one mapping"),
        ({"web": {"a": None}}, r"values\.a is null"),
        ({"web": {"password": "x"}}, "looks like a secret"),
    ],
)
def test_wrong_values_of_the_user_are_refused(
    charts: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        helm_release.helm_release_plan([release(charts)], values=values)


def test_name_used_twice_is_refused(charts: Path) -> None:
    with pytest.raises(AnsibleFilterError, match="'web' twice"):
        helm_release.helm_release_plan([release(charts), release(charts)])


def test_waves_hold_what_needs_work_after_what_it_needs(charts: Path) -> None:
    plan = helm_release.helm_release_plan(
        [
            release(charts, "page", needs=["api"]),
            release(charts, "api", needs=["data"]),
            release(charts, "data"),
            release(charts, "proxy"),
            release(charts, "lost"),
        ]
    )
    states = {name: {"state": "absent", "reason": "new"} for name in ("page", "data", "proxy")}
    states["api"] = {"state": "current", "reason": ""}
    states["lost"] = {"state": "unknown", "reason": "no answer"}
    waves = helm_release.helm_release_waves(plan, states)
    assert [[item["name"] for item in wave] for wave in waves] == [["data", "proxy"], ["page"]]
    assert waves[1][0]["line"] == "page (1/5): absent, new"


@pytest.mark.parametrize(
    ("run_tags", "selected"),
    [(["all"], ["data", "api"]), (["api", "images"], ["api"]), (["helm_release"], ["data", "api"])],
)
def test_tags_select_releases(run_tags: list[str], selected: list[str]) -> None:
    releases = [{"name": "data"}, {"name": "api"}]
    assert helm_release.helm_release_selected(releases, run_tags) == selected


def history(*revisions: str) -> list[dict[str, Any]]:
    """Revisions by status, or by status and the revision that they repeat: `deployed 2`."""
    entries = []
    for number, text in enumerate(revisions, start=1):
        status, _, repeated = text.partition(" ")
        said = f"Rollback to {repeated}" if repeated else "Upgrade complete"
        entries.append({"revision": number, "status": status, "description": said})
    return entries


@pytest.mark.parametrize(
    ("revisions", "target"),
    [
        (("superseded", "superseded", "deployed"), 2),
        # Revision 3 did not work and was taken back.
        (("superseded", "superseded", "superseded", "deployed 2"), 1),
        (("superseded", "superseded", "failed", "deployed 2"), 1),
        (("superseded", "superseded", "failed", "superseded 2", "deployed 4"), 1),
        # Before revision 4 ran what 3 repeats.
        (("superseded", "superseded", "superseded 1", "deployed"), 3),
        (("superseded", "deployed", "failed"), 2),
        (("deployed",), 0),
        (("failed", "deployed 1"), 0),
        ((), 0),
    ],
)
def test_earlier_revision_has_another_content(revisions: tuple[str, ...], target: int) -> None:
    assert helm_release.helm_release_earlier_revision(history(*revisions)) == target


def test_programs_are_found_by_name_and_before_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    programs = ["/opt/a folder/helm", "/opt/kubectl", "kubectl"]
    path = helm_release.helm_release_environment(programs)["PATH"]
    assert path == "/opt/a folder:/opt:/bin:/usr/bin"


def test_nothing_of_the_environment_leads_helm_elsewhere() -> None:
    """Helm itself tells what it takes from there."""

    def settings(environment: dict[str, str]) -> dict[str, str]:
        shown = subprocess.run(
            ["helm", "env"],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        pairs = (line.split("=", 1) for line in shown.splitlines())
        return {
            name: value.strip('"')
            for name, value in pairs
            if name.startswith("HELM_KUBE") or name == "HELM_NAMESPACE"
        }

    emptied = helm_release.helm_release_environment(["helm"])
    elsewhere = dict.fromkeys(settings(emptied), "true")
    assert set(settings(elsewhere).values()) == {"true"}
    assert set(settings(elsewhere | emptied).values()) == {"", "default", "false"}


@pytest.mark.parametrize(("duration", "seconds"), [("90s", 90), ("5m", 300), ("1h30m5s", 5405)])
def test_durations_are_seconds(duration: str, seconds: int) -> None:
    assert helm_release.helm_release_seconds(duration) == seconds


@pytest.mark.parametrize(
    ("reference", "values"),
    [
        ("localhost/todo/api:1a2b", {"repository": "localhost/todo/api", "tag": "1a2b"}),
        ("localhost:5000/api:1", {"repository": "localhost:5000/api", "tag": "1"}),
        ("r.example/api@sha256:ab", {"repository": "r.example/api", "digest": "sha256:ab"}),
    ],
)
def test_image_reference_becomes_chart_values(reference: str, values: dict[str, str]) -> None:
    assert helm_release.image_values(reference) == values


@pytest.mark.parametrize("reference", ["localhost/todo/api", "localhost:5000/api"])
def test_image_without_tag_is_refused(reference: str) -> None:
    with pytest.raises(AnsibleFilterError, match="needs a tag or a digest"):
        helm_release.image_values(reference)


def test_what_changed_goes_back_in_the_order_of_the_releases_reversed() -> None:
    """Not in Helm's, which is that of the alphabet: a release may need the ones before it."""
    releases = [{"name": name} for name in ("namespace", "postgres", "backend", "ingress")]
    names = ("backend", "ingress", "namespace", "postgres")
    before = [{"name": name, "revision": "1"} for name in names]
    after = [{"name": name, "revision": "1" if name == "ingress" else "2"} for name in names]
    undone = helm_release.helm_release_undo(releases, before, after)
    assert [item["name"] for item in undone] == ["backend", "postgres", "namespace"]
    assert {item["revision"] for item in undone} == {"1"}


def test_a_release_that_was_not_there_before_has_nothing_to_go_back_to() -> None:
    new = [{"name": "backend", "revision": "1"}]
    assert helm_release.helm_release_undo([{"name": "backend"}], [], new) == []
