"""The checkout itself: it stands alone, and what it says of itself is true."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent for path in ROOT.glob("roles/*/tasks"))
PACKAGE_INDEXES = ("pypi" + ".org", "registry." + "npmjs", "proxy." + "golang", "deb." + "debian")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text()))
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return found


@pytest.mark.parametrize("host", PACKAGE_INDEXES)
def test_no_package_index_is_named(host: str) -> None:
    """Which mirror serves a package is the machine's own setting."""
    assert [str(path) for path, text in texts() if host in text] == []


def test_no_path_of_a_developers_machine() -> None:
    """Neither this checkout's own place nor anybody's home; `docker` is the node's own user."""
    home = re.compile(r"/(?:home|Users)/(?!docker\b|user\b|\w+\$)\w+/")
    found = {
        str(path.relative_to(ROOT))
        for path, text in texts()
        if path != Path(__file__) and (f"{ROOT}/" in text or home.search(text))
    }
    assert found == set()


def test_no_image_is_taken_by_the_tag_latest() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path, text in texts()
        if path.suffix in {".yml", ".yaml", ".j2", ".tpl"} or path.name.endswith("Dockerfile")
        if re.search(r"^(?!\s*#).*[\w/]:latest\b", text, re.M)
    ]
    assert found == []


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.is_file() else None


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_documents_every_variable(role: Path) -> None:
    """Each default is specified with the same value, and each has a sentence above it."""
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options", {})
    defaults = load(role / "defaults" / "main.yml") or {}
    assert set(defaults) <= set(specs), "a default without a specification"
    lines = (role / "defaults" / "main.yml").read_text().splitlines() if defaults else []
    for position, line in enumerate(lines):
        if match := re.match(r"(\w+):", line):
            assert lines[position - 1].startswith("#"), f"{match[1]} has no sentence above it"
    for name, value in defaults.items():
        # What is worked out is described in the specification, in words or as it is.
        if "{{" not in str(value):
            assert specs[name].get("default") == value, f"{name} is specified with another default"
    for name, option in specs.items():
        assert name.startswith(f"{role.name}_"), f"{name} does not carry the role's name"
        assert option.get("description"), f"{name} has no description"
        assert not (name in defaults and option.get("required")), f"{name} has a default"


@pytest.mark.parametrize("name", ["images", "minikube", "secrets", "helm_release"])
def test_role_for_other_projects_asks_for_no_variable_of_the_platform(name: str) -> None:
    found = [
        f"{path.name}: {line.strip()}"
        for folder in ("defaults", "vars", "tasks")
        for path in (ROOT / "roles" / name / folder).glob("*.yml")
        for line in path.read_text().splitlines()
        if not line.startswith("#") and re.search(r"\bplatform_\w+\b(?! \| default\()", line)
    ]
    assert found == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_has_a_readme_and_a_scenario(role: Path) -> None:
    assert (role / "README.md").is_file()
    assert (ROOT / "molecule" / role.name / "molecule.yml").is_file()


def readme() -> str:
    return (ROOT / "README.md").read_text()


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z][\w -]*?):", (ROOT / "Makefile").read_text(), re.M))
    known = {name for names in targets for name in names.split()}
    named = set(re.findall(r"\bmake (?:[A-Z_]+=\S+ )*([a-z][\w-]*)", "\n".join(code(readme()))))
    assert named
    assert named <= known


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_tags_are_refused_where_they_would_have_nothing_done() -> None:
    assert "--tags" in make("--dry-run", "up", "TAGS=backend").stdout
    refused = make("--dry-run", "upgrade", "TAGS=backend")
    assert refused.returncode != 0
    assert "TAGS is for `make up`" in refused.stderr


def test_skipping_one_service_does_not_skip_them_all(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            "ansible-playbook",
            "site.yml",
            "--check",
            "--skip-tags",
            "frontend",
            "--tags",
            "never-used",
        ]
        # The checkout's own may be in use.
        + ["--extra-vars", f"platform_state_dir={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "would skip every service" in done.stdout


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_is_asked_for_the_cluster(name: str) -> None:
    show = ("--eval", "show: ; @echo $$NO_PROXY; echo $$no_proxy", "show")
    shown = make(*show, **{name: "intra.example"}).stdout.splitlines()
    assert shown == ["intra.example,localhost,127.0.0.1,192.168.0.0/16"] * 2


def test_links_in_the_documentation_lead_somewhere() -> None:
    broken = []
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)\)|<img[^>]* src=\"([^\"]+)\"", path.read_text()):
            link = "".join(target)
            if "://" not in link and not (path.parent / link).exists():
                broken.append(f"{path.relative_to(ROOT)}: {link}")
    assert broken == []


def code(markdown: str) -> list[str]:
    """What stands in code blocks and code spans."""
    blocks = re.findall(r"^(?: {4}|\t)(.*)$|`([^`\n]+)`", markdown, re.M)
    fenced = re.findall(r"^```\w*\n(.*?)^```", markdown, re.M | re.S)
    return ["".join(found) for found in blocks] + fenced


def test_tags_in_the_readme_exist() -> None:
    site = load(ROOT / "site.yml")
    known = {tag for play in site for role in play["roles"] for tag in role.get("tags", [])}
    for play in site:
        known |= set(play.get("tags", []))
    named = set(re.findall(r"TAGS=([\w,-]+)", readme()))
    assert named
    assert {tag for tags in named for tag in tags.split(",")} <= known
