#!/usr/bin/env python3
"""Write into each role's README its table of variables and the plugins that it needs.

The table comes from meta/argument_specs.yml, the plugins from the role's tasks and variables.
`--check` writes nothing and ends with 1 when a README is out of date, so that the two never
drift apart. A README holds each between two marker lines.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "roles"


def table(options: dict[str, dict[str, Any]]) -> str:
    """The options of an argument specification as a Markdown table."""
    rows = ["| variable | type | default | what it does |", "| --- | --- | --- | --- |"]
    for name, option in options.items():
        kind = option.get("type", "str")
        if "elements" in option:
            kind += f" of {option['elements']}"
        if "choices" in option:
            kind += ": " + ", ".join(f"`{choice}`" for choice in option["choices"])
        text = option.get("description", "")
        text = " ".join(text if isinstance(text, list) else [text])
        rows.append(f"| `{name}` | {kind} | {shown_default(option)} | {' '.join(text.split())} |")
    return "\n".join(row.replace("\n", " ") for row in rows)


def shown_default(option: dict[str, Any]) -> str:
    if "default" not in option:
        return "required" if option.get("required") else "none"
    default = option["default"]
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    # A bar would end the table's cell.
    return f"`{shown}`".replace("|", "\\|") if shown else "empty"


def plugins(role: Path) -> list[str]:
    """The files outside the role that its tasks and variables use, as paths in the checkout."""
    tasks = "\n".join(path.read_text() for path in sorted(role.glob("tasks/**/*.yml")))
    everything = tasks + "".join(
        path.read_text() for path in sorted(role.glob("*/*")) if path.suffix in (".yml", ".j2")
    )
    called = set(re.findall(r"^ *(?:- )?(\w+):$", tasks, re.M))
    filtered = set(re.findall(r"(?:\||map\()\s*'?(\w+)", everything))
    found = {
        path
        for folder in ("library", "action_plugins")
        for path in ROOT.glob(f"{folder}/*.py")
        if path.stem in called
    }
    # An action plugin may run a module itself.
    named = re.findall(r'module_name="(\w+)"', "".join(path.read_text() for path in found))
    found |= {
        ROOT / "library" / f"{name}.py"
        for name in named
        if (ROOT / "library" / f"{name}.py").exists()
    }
    imported = {
        name
        for path in found
        for name in re.findall(r"^from ansible\.module_utils\.(\w+) import", path.read_text(), re.M)
    }
    found |= {path for path in ROOT.glob("module_utils/*.py") if path.stem in imported}
    found |= {
        path
        for path in ROOT.glob("filter_plugins/*.py")
        if filtered & set(re.findall(r"^def ([a-z]\w+)", path.read_text(), re.M))
    }
    return sorted(str(path.relative_to(ROOT)) for path in found)


def texts(role: Path) -> str:
    """What the role's own files say to Ansible, without comments."""
    files = [path for path in sorted(role.glob("*/**/*")) if path.suffix in (".yml", ".j2")]
    return re.sub(r"^\s*#.*$", "", "\n".join(path.read_text() for path in files), flags=re.M)


def included(role: Path) -> list[str]:
    """The other roles that it runs."""
    called = re.findall(r"(?:include|import)_role:\n\s+name: (\w+)", texts(role))
    return sorted(set(called) - {role.name})


def inventory_variables(role: Path, options: dict[str, Any]) -> list[str]:
    """What the role's templates read of the inventory, but its own and what has a default there."""
    known = {
        name
        for path in ROOT.glob("inventory/group_vars/all/*.yml")
        for name in yaml.safe_load(path.read_text()) or {}
    }
    templates = "\n".join(re.findall(r"\{\{.*?\}\}", texts(role), re.S))
    read = set(re.findall(r"\b([a-z]\w+)\b(?!\s*\|\s*default)", templates))
    return sorted(known & read - options.keys())


def needed(role: Path, options: dict[str, Any]) -> str:
    """A sentence on what must be copied with the role, and set for it."""
    sentences = [
        (", ".join(f"`{name}`" for name in names), words)
        for names, words in (
            (plugins(role), "{}"),
            (included(role), "the role {} with what it needs"),
            (inventory_variables(role, options), "of the inventory {}"),
        )
        if names
    ]
    said = "; ".join(words.format(names) for names, words in sentences)
    return f"Copied alone, the role needs: {said or 'nothing else'}."


def replaced(readme: str, what: str, text: str) -> str:
    """The README with a part made anew. Raises ValueError when it has no marker lines for it."""
    opening, closing = f"<!-- {what}: begin -->", f"<!-- {what}: end -->"
    before, begin, rest = readme.partition(opening)
    _, end, after = rest.partition(closing)
    if not (begin and end):
        raise ValueError(f"has no lines {opening} and {closing}")
    return f"{before}{opening}\n{text}\n{closing}{after}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only tell what is out of date")
    check = arguments.parse_args().check
    status = 0
    for specs in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        readme = specs.parent.parent / "README.md"
        options = yaml.safe_load(specs.read_text())["argument_specs"]["main"].get("options", {})
        try:
            text = readme.read_text()
            fresh = replaced(text, "variables", table(options))
            fresh = replaced(fresh, "files", needed(readme.parent, options))
        except (OSError, ValueError) as error:
            print(f"{readme}: {error}", file=sys.stderr)
            status = 1
            continue
        if fresh == text:
            continue
        if check:
            print(f"{readme} is out of date. Remedy: python tools/role_docs.py", file=sys.stderr)
            status = 1
        else:
            readme.write_text(fresh)
    return status


if __name__ == "__main__":
    sys.exit(main())
