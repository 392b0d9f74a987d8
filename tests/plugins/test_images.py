"""Filters and modules of the role images: tags from content, what is built, loaded, removed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from modules import run_module

import images

PREFIX = "localhost/todo"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("base", "app", "core"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
        (tmp_path / name / "main.py").write_text("print()\n")
    return tmp_path


APP = {"name": "app", "context": "app", "contexts": {"core": "core"}, "bases": {"BASE": "base"}}
BASE = {"name": "base", "context": "base", "load": False}


def plan(project: Path, *given: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    return images.images_plan(
        list(given or (APP, BASE)), directory=str(project), **({"prefix": PREFIX} | options)
    )


def references(project: Path, *given: dict[str, Any], **options: Any) -> dict[str, str]:
    return images.images_references(plan(project, *given, **options))


def test_reference_is_prefix_name_and_twelve_digits(project: Path) -> None:
    name, _, tag = references(project)["app"].rpartition(":")
    assert name == "localhost/todo/app"
    assert len(tag) == 12
    assert int(tag, 16) >= 0


def test_names_and_targets_in_a_context_may_be_any_bytes(project: Path) -> None:
    before = references(project)["app"]
    (project / "app" / os.fsdecode(b"caf\xe9")).symlink_to(os.fsdecode(b"th\xe9"))
    assert references(project)["app"] != before


def test_bases_come_first_and_are_given_as_arguments(project: Path) -> None:
    base, app = plan(project)
    assert (base["name"], app["name"]) == ("base", "app")
    assert app["args"] == {"BASE": base["reference"]}
    assert app["needs"] == [base["reference"]]


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("app/main.py", {"app"}),
        ("app/Dockerfile", {"app"}),
        ("core/main.py", {"app"}),
        ("base/main.py", {"app", "base"}),
    ],
)
def test_changed_file_changes_the_tags_that_depend_on_it(
    project: Path, path: str, changed: set[str]
) -> None:
    before = references(project)
    (project / path).write_text("# changed\n")
    after = references(project)
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.parametrize(
    "key", [{"args": {"A": "1"}}, {"target": "build"}, {"contexts": {"other": "core"}}]
)
def test_every_input_of_a_build_counts(project: Path, key: dict[str, Any]) -> None:
    assert references(project)["app"] != references(project, APP | key, BASE)["app"]


def test_arguments_of_all_images_count(project: Path) -> None:
    before = references(project)
    after = references(project, args={"SOURCE_DATE_EPOCH": 1})
    assert all(before[name] != after[name] for name in before)


def test_registry_does_not_change_the_tag(project: Path) -> None:
    tags = {
        prefix: references(project, prefix=prefix)["app"].rpartition(":")[2]
        for prefix in (PREFIX, "registry.example:5000/todo")
    }
    assert len(set(tags.values())) == 1


def test_renamed_file_changes_the_tag(project: Path) -> None:
    before = references(project)["app"]
    (project / "app/main.py").rename(project / "app/other.py")
    assert references(project)["app"] != before


def test_executable_bit_counts_and_other_permissions_do_not(project: Path) -> None:
    before = references(project)["app"]
    (project / "app/main.py").chmod(0o600)
    assert references(project)["app"] == before
    (project / "app/main.py").chmod(0o755)
    assert references(project)["app"] != before


def test_time_stamps_do_not_count(project: Path) -> None:
    before = references(project)["app"]
    os.utime(project / "app/main.py", (1, 1))
    assert references(project)["app"] == before


def test_link_counts_by_where_it_points(project: Path) -> None:
    link = project / "app/link"
    link.symlink_to("main.py")
    before = references(project)["app"]
    link.unlink()
    link.symlink_to("nowhere")
    assert references(project)["app"] != before


@pytest.mark.parametrize(
    ("patterns", "path", "seen"),
    [
        ("node_modules", "node_modules/a/b.js", False),
        ("node_modules", "src/node_modules.ts", True),
        ("# a comment\n\n*.log", "build.log", False),
        ("*.log", "logs/build.log", True),
        ("**/*.log", "logs/deep/build.log", False),
        ("*\n!src", "src/deep/a.py", True),
        ("*\n!src", "tests/a.py", False),
        ("*\n!src\n**/__pycache__", "src/__pycache__/a.pyc", False),
        ("/docs", "docs/a.md", False),
    ],
)
def test_dockerignore_hides_what_buildkit_does_not_see(
    project: Path, patterns: str, path: str, seen: bool
) -> None:
    (project / "app/.dockerignore").write_text(f"{patterns}\n.dockerignore\n")
    file = project / "app" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    before = references(project)["app"]
    file.write_text("content")
    assert (references(project)["app"] != before) is seen


def test_unreadable_kinds_of_files_are_left_out(project: Path) -> None:
    before = references(project)["app"]
    os.mkfifo(project / "app/pipe")
    assert stat.S_ISFIFO((project / "app/pipe").stat().st_mode)
    assert references(project)["app"] == before


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([APP], "base, which is not in the list"),
        ([APP, BASE, BASE], "twice"),
        ([BASE | {"context": "nowhere"}], "has no"),
        ([BASE | {"contexts": {"core": "nowhere"}}], "nowhere is not a folder"),
        ([BASE | {"name": "Base"}], "no image name"),
        ([BASE | {"contxt": "base"}], "unknown keys contxt"),
        ([{"name": "base"}], "no context"),
        ([BASE | {"bases": {"A": "app"}}, APP], "bases of each other"),
    ],
)
def test_unusable_list_is_refused_by_name(
    project: Path, given: list[dict[str, Any]], named: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=named):
        plan(project, *given)


def test_digests_are_those_that_docker_knows(project: Path) -> None:
    both = plan(project, {"name": "base", "context": "base"}, {"name": "app", "context": "app"})
    known = {both[0]["reference"]: "sha256:1", "localhost/other:1": "sha256:2"}
    assert images.images_digests(both, known) == {both[0]["name"]: "sha256:1"}


def test_without_a_choice_what_clusters_run_is_chosen(project: Path) -> None:
    assert [i["name"] for i in images.images_selected(plan(project), [])] == ["app"]


def test_unknown_choice_is_refused(project: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"names bakend; .* base, app"):
        images.images_selected(plan(project), ["bakend"])


def to_build(project: Path, host: list[str], node: list[str] | None) -> list[str]:
    known = plan(project)
    names = images.images_references(known)
    nodes = {} if node is None else {"node": {names[n]: ["sha256:1"] for n in node}}
    missing = images.images_to_build(
        known, images.images_selected(known, []), {names[n]: "sha256:1" for n in host}, nodes
    )
    return [image["name"] for image in missing]


@pytest.mark.parametrize(
    ("host", "node", "built"),
    [
        ([], [], ["base", "app"]),
        ([], None, ["base", "app"]),
        (["base"], [], ["app"]),
        (["app"], [], []),
        ([], ["app"], []),
        (["base", "app"], None, []),
    ],
)
def test_only_what_nobody_has_is_built(
    project: Path, host: list[str], node: list[str] | None, built: list[str]
) -> None:
    assert to_build(project, host, node) == built


@pytest.mark.parametrize(
    ("host", "node", "built", "loaded"),
    [
        ({"a": "1"}, {}, [], {"node": ["a"]}),
        ({"a": "1"}, {"a": ["2"]}, [], {"node": ["a"]}),
        ({"a": "1"}, {"a": ["2", "1"]}, [], {}),
        ({}, {"a": ["2"]}, [], {}),
        ({}, {"a": ["2"]}, ["a"], {"node": ["a"]}),
    ],
)
def test_a_node_gets_what_it_lacks(
    host: dict[str, str], node: dict[str, list[str]], built: list[str], loaded: dict[str, list[str]]
) -> None:
    assert images.images_to_load(["a"], host, {"node": node}, built) == loaded


def test_crowded_are_repositories_with_too_many_tags() -> None:
    host = {"r/a:1": "", "r/a:2": "", "r/b:1": "", "r/b:2": ""}
    crowded = images.images_crowded(["r/a:3", "r/b:2"], 2, host, {"node": {}})
    assert crowded == ["r/a:3"]
    node: dict[str, list[str]] = {"r/b:1": [], "r/b:0": [], "r/b:2": []}
    assert images.images_crowded(["r/b:2"], 2, {}, {"node": node}) == ["r/b:2"]
    assert images.images_crowded(["r/b:3"], 3, {}, {"node": node}) == ["r/b:3"]


def probe(**changes: Any) -> dict[str, Any]:
    well = {"problem": "", "node_problems": {}, "registry_problem": ""}
    return well | {"host": {}, "nodes": {"node": {}}} | changes


@pytest.mark.parametrize(
    ("given", "load", "named"),
    [
        (probe(problem="docker is not installed"), [], "--tags container_engine"),
        (probe(node_problems={"minikube": "No such container"}), [], "--tags minikube"),
        (probe(registry_problem="connection refused"), [], "docker login"),
        (probe(), ["docker.io/library/traefik:v3"], "docker.io/library/traefik:v3"),
    ],
)
def test_problem_names_its_remedy(given: dict[str, Any], load: list[str], named: str) -> None:
    (problem,) = images.images_problems(given, load)
    assert named in problem


def test_image_that_all_nodes_have_is_no_problem() -> None:
    assert images.images_problems(probe(nodes={"node": {"a/b:1": ["1"]}}), ["a/b:1"]) == []


DOCKER = """#!/bin/sh
set -eu
[ "$1" != context ] || { echo desktop-linux; exit; }
[ "$1" != image ] || exit 0
for word in "$@"; do
    case $word in --tag=*) reference=${word#--tag=} ;; esac
done
printf '%s\\n' "$@" >"$STATE/${reference##*/}.arguments"
echo "start $reference" >>"$STATE/order"
case $reference in
    *broken*) echo "the compiler is not amused"; exit 3 ;;
    */left:* | */right:*)
        # Each waits for the other: this ends only when both run at the same time.
        touch "$STATE/${reference##*/}.here"
        tries=0
        until [ -e "$STATE/left:1.here" ] && [ -e "$STATE/right:1.here" ]; do
            tries=$((tries + 1)); [ $tries -lt 500 ] || exit 9; sleep 0.02
        done ;;
esac
echo "end $reference" >>"$STATE/order"
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker that writes down what it is asked for."""
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("STATE", str(state))
    program = tmp_path / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    return program


def image(name: str, *needs: str) -> dict[str, Any]:
    return {
        "name": name,
        "reference": f"todo/{name}:1",
        "context": "/context",
        "contexts": {"core": "/core"},
        "dockerfile": "/context/Dockerfile",
        "target": "",
        "args": {"A": "b"},
        "needs": [f"todo/{need}:1" for need in needs],
    }


def run(docker: Path, *given: dict[str, Any], parallel: int = 2) -> Any:
    import images_build

    logs = docker.parent / "logs"
    logs.mkdir()
    return images_build.build_all(
        list(given),
        docker=str(docker),
        ca_bundle="",
        builder="default",
        logs=logs,
        parallel=parallel,
        timeout=60,
    )


def order(docker: Path) -> list[str]:
    return (docker.parent / "state/order").read_text().splitlines()


def test_image_waits_for_what_it_needs(docker: Path) -> None:
    built, problems = run(docker, image("base"), image("app", "base"))
    assert problems == []
    assert list(built) == ["todo/base:1", "todo/app:1"]
    assert order(docker).index("end todo/base:1") < order(docker).index("start todo/app:1")


def test_independent_images_are_built_at_the_same_time(docker: Path) -> None:
    built, problems = run(docker, image("left"), image("right"))
    assert problems == []
    assert set(built) == {"todo/left:1", "todo/right:1"}


def test_no_more_builds_at_once_than_allowed(docker: Path) -> None:
    run(docker, image("a"), image("b"), image("c"), parallel=1)
    events = [line.split()[0] for line in order(docker)]
    assert events == ["start", "end"] * 3


def test_failure_names_image_and_log_and_starts_nothing_else(docker: Path) -> None:
    built, (problem,) = run(docker, image("broken"), image("app", "broken"))
    assert built == {}
    assert "image broken ended with 3" in problem
    assert "the compiler is not amused" in problem
    assert str(docker.parent / "logs/broken.log") in problem
    assert order(docker) == ["start todo/broken:1"]


def test_dockers_own_builder_builds_whichever_is_chosen(docker: Path) -> None:
    """A builder in a container would look for bases such as localhost/todo/base in a registry."""
    logs = str(docker.parent / "logs")
    answer = run_module("images_build", images=[image("app")], docker=str(docker), log_dir=logs)
    assert list(answer["built"]) == ["todo/app:1"]
    arguments = (docker.parent / "state/app:1.arguments").read_text().splitlines()
    assert "--builder=desktop-linux" in arguments


def test_missing_docker_is_said(tmp_path: Path) -> None:
    _, (problem,) = run(tmp_path / "docker", image("a"))
    assert "is not installed" in problem


def test_secret_is_given_only_with_a_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    import images_build

    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    without = images_build.command(image("app"), "docker", "", "default")
    given = images_build.command(image("app"), "docker", "/etc/ca.pem", "default")
    assert [word for word in given if word not in without] == ["--secret=id=ca,src=/etc/ca.pem"]
    assert without[-1] == "/context"


def test_a_build_can_be_done_without_what_earlier_ones_left() -> None:
    import images_build

    usual = images_build.command(image("app"), "docker", "", "default")
    anew = images_build.command(image("app"), "docker", "", "default", cache=False)
    assert [word for word in anew if word not in usual] == ["--no-cache"]


def test_proxy_of_the_host_reaches_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    import images_build

    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    line = images_build.command(image("app"), "docker", "", "default")
    assert "--build-arg=HTTPS_PROXY" in line
    assert "secret" not in " ".join(line)


@pytest.mark.parametrize(
    ("protected", "gone"),
    [(set(), ["3", "4"]), ({"4"}, ["2", "3"]), ({"2", "3", "4"}, []), ({"1"}, ["3", "4"])],
)
def test_newest_and_used_tags_stay(protected: set[str], gone: list[str]) -> None:
    import images_prune

    tags = ["1", "2", "3", "4"]
    assert images_prune.surplus(tags, current="1", keep=2, protected=protected) == gone


def test_current_tag_stays_even_when_it_is_the_oldest() -> None:
    import images_prune

    assert images_prune.surplus(["1", "2", "3"], current="3", keep=1, protected=set()) == ["1", "2"]


def test_docker_that_fails_without_a_word_is_named(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n[ $1 = image ] || exit 3\n")
    docker.chmod(0o755)
    answer = run_module("images_prune", references=["localhost/todo/app:1"], docker=str(docker))
    assert answer["msg"] == f"Old images could not be removed: {docker} ended with 3"


# The node's disk is full: its import ends while Docker still has most of the image to give.
FULL_NODE = """#!/bin/sh
case "$1 $2" in
    "image ls") echo "localhost/todo/app:1 sha256:1" ;;
    save*) head -c 20000000 /dev/zero ;;
    exec*) echo "no space left on device" >&2; exit 1 ;;
esac
"""


def test_import_that_ends_early_ends_the_loading(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(FULL_NODE)
    docker.chmod(0o755)
    loads = {"node": ["localhost/todo/app:1"]}
    answer = run_module("images_load", loads=loads, docker=str(docker), timeout=30)
    assert answer["failed"]
    assert "into node node: no space left on device. Run the same" in answer["msg"]
