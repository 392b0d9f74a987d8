"""What the module helm_release_package shows of a release, and what it hides."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import helm_release
import helm_release_package as package
import pytest
import yaml

PASSWORD = "correct horse"
CODED = base64.b64encode(PASSWORD.encode()).decode()


def manifest(**content: Any) -> str:
    secret = {"kind": "Secret", "metadata": {"name": "b"}, **content}
    shown = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"greeting": "hello"}}
    return yaml.safe_dump_all([secret, shown])


@pytest.mark.parametrize("content", [{"data": {"key": CODED}}, {"stringData": {"key": PASSWORD}}])
def test_value_of_a_secret_is_hidden_and_nothing_else(content: dict[str, Any]) -> None:
    text = package.masked(manifest(**content))
    assert PASSWORD not in text
    assert CODED not in text
    assert "greeting: hello" in text
    first, second = yaml.safe_load_all(text)
    assert (first["kind"], second["kind"]) == ("ConfigMap", "Secret")


def test_mark_tells_values_apart_and_cannot_be_worked_out() -> None:
    one, same, other = (
        package.masked(manifest(stringData={"key": value})) for value in ("x", "x", "y")
    )
    assert one == same != other
    assert hashlib.sha256(b"x").hexdigest()[:8] not in one


def test_secret_within_a_list_is_hidden_too() -> None:
    items = list(yaml.safe_load_all(manifest(stringData={"key": PASSWORD})))
    text = package.masked(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    assert PASSWORD not in text
    assert text.count("hidden (") == 1


def test_secret_without_values_is_shown_as_it_is() -> None:
    assert "hidden" not in package.masked(manifest(data=None))


RELEASE = {
    "name": "web",
    "namespace": "shop",
    "revision": 3,
    "reason": "values changed: key",
    "state": "outdated",
    "values": {"key": "new"},
}


@pytest.mark.parametrize(
    ("changes", "command"),
    [({}, "upgrade"), ({"state": "pending"}, "template"), ({"revision": 0}, "upgrade")],
)
def test_diff_holds_what_is_released_and_what_would_be(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], command: str
) -> None:
    called = []

    def helm(program: str, *arguments: str, data: str | None = None) -> str:
        called.append(arguments[0])
        if arguments[0] == "get":
            return manifest(stringData={"key": "old"})
        assert json.loads(data or "") == {"key": "new"}
        rendered = manifest(stringData={"key": "new"})
        return rendered if arguments[0] == "template" else json.dumps({"manifest": rendered})

    monkeypatch.setattr(package, "helm", helm)
    found = package.difference("helm", "config", RELEASE | changes, Path("web.tgz"))
    assert called[-1] == command
    assert found["after_header"] == "web (values changed: key)"
    assert "key: hidden (" in found["after"]
    assert found["before"] != found["after"]
    # What was never released has nothing to show.
    assert ("hidden" in found["before"]) is bool((RELEASE | changes)["revision"])
    assert "new" not in found["after"].replace("hidden", "")


REFUSED = (
    "Error: unable to build kubernetes objects from release manifest: resource mapping not found "
    'for name: "a": no matches for kind "Widget" in version "example.org/v1"'
)


@pytest.mark.parametrize(
    ("state", "crds", "said", "shown"),
    [
        ("absent", "kind: CustomResourceDefinition", REFUSED, True),
        ("absent", "\n", REFUSED, False),
        ("absent", "kind: CustomResourceDefinition", "Error: forbidden", False),
        # Helm installs such definitions with the first revision only.
        ("outdated", "kind: CustomResourceDefinition", REFUSED, False),
    ],
)
def test_chart_that_defines_its_kinds_itself_is_shown_before_they_are_there(
    monkeypatch: pytest.MonkeyPatch, state: str, crds: str, said: str, shown: bool
) -> None:
    def helm(program: str, *arguments: str, data: str | None = None) -> str:
        if arguments[0] == "upgrade":
            raise package.HelmError(said)
        return crds if arguments[0] == "show" else manifest()

    monkeypatch.setattr(package, "helm", helm)
    release = RELEASE | {"state": state, "revision": 0}
    if shown:
        found = package.difference("helm", "config", release, Path("web.tgz"))
        assert "greeting: hello" in found["after"]
    else:
        with pytest.raises(package.HelmError, match=said[:20]):
            package.difference("helm", "config", release, Path("web.tgz"))


def chart(folder: Path, name: str) -> Path:
    """A chart folder, in a folder of its own, for charts of the same name."""
    path = folder / name
    (path / "templates").mkdir(parents=True)
    (path / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
    (path / "templates" / "a.yaml").write_text("kind: ConfigMap\n")
    return path


def released(name: str, folder: Path, version: str) -> dict[str, Any]:
    place = {"chart": str(folder), "chart_name": folder.name, "chart_version": version}
    return {"name": name, **place}


def test_package_replaces_those_of_its_own_release_alone(tmp_path: Path) -> None:
    """Not of a chart with the same name, nor of one whose name only begins in the same way."""
    web, redis, redis_6 = (chart(tmp_path / "a", name) for name in ("web", "redis", "redis-6"))
    others = [
        released("other", chart(tmp_path / "b", "web"), "1.0.0+b"),
        released("twin", web, "1.0.0+a"),
        released("queue", redis_6, "1.0.0+a"),
    ]
    first = [released("web", web, "1.0.0+a"), released("cache", redis, "1.0.0+a")]
    second = [released("web", web, "1.0.0+c"), released("cache", redis, "1.0.0+c")]
    folder = tmp_path / "packages"
    for release in first:
        package.package("helm", release, folder)
    kept = [package.package("helm", release, folder) for release in others + second]
    assert sorted(folder.rglob("*.tgz")) == sorted(kept)
    assert len(set(kept)) == len(kept)


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "# people's\n\n.git\n*.swp\n *~ \n",
        "docs/\n",
        "/notes.md\n",
        "docs/*.md\n",
        "*.[^a-l]d\n",
        "notes.md/\nfile?/notes.md\n",
        "!*\n",
    ],
)
def test_version_is_made_of_what_helm_packages(tmp_path: Path, rules: str) -> None:
    web, shapes = chart(tmp_path, "web"), chart(tmp_path, "shapes")
    with (web / "Chart.yaml").open("a") as described:
        described.write("dependencies:\n")
        described.write("  - {name: shapes, version: 1.0.0, repository: file://../shapes}\n")
    (web / ".helmignore").write_text(rules)
    for folder in (web, shapes):
        for name in ("docs/deep/a.md", "docs/a.md", "files/notes.md", "notes.md", "a.swp", "b~"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        (folder / ".git").mkdir()
        (folder / ".git" / "config").write_text("[core]")
        (folder / "templates" / ".hidden").write_text("editor")
        (folder / "Chart.lock").write_text("digest: x")
    for stale in ("charts/shapes-0.9.0.tgz", "charts/shapes/old.yaml"):
        (web / stale).parent.mkdir(parents=True, exist_ok=True)
        (web / stale).write_text("stale")
    (web / ".#lock").symlink_to("nowhere")
    made = package.package("helm", released("web", web, "1.0.0"), tmp_path / "packages")
    with tarfile.open(made) as archive:
        packaged = {name.removeprefix("web/") for name in archive.getnames()}
    assert {name for name, _ in helm_release._content(web)} == packaged
