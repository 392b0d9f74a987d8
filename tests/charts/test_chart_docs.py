"""The tool that derives README tables and schema definitions, and that they are up to date."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from .conftest import ROOT


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chart_docs", ROOT / "tools" / "chart_docs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


chart_docs = _load()


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    target = tmp_path / "charts"
    shutil.copytree(ROOT / "charts", target)
    return target


def test_the_repository_is_up_to_date() -> None:
    assert chart_docs.main(["--check"]) == 0


def test_each_leaf_with_a_comment_is_a_row() -> None:
    values = chart_docs.read_values(
        "# Ignored: it is about the group.\n"
        "group:\n"
        "  # First line,\n"
        "  # second line.\n"
        "  leaf: a\n"
        "  # Flow mappings stay whole.\n"
        "  flow: {cpu: 1, memory: 2}\n"
        "# One row for all of it.\n"
        "plain:\n"
        "  a: true\n"
        "  b: []\n"
    )
    assert [(value.path, value.default, value.description) for value in values] == [
        ("group.leaf", '"a"', "First line, second line."),
        ("group.flow", '{"cpu": 1, "memory": 2}', "Flow mappings stay whole."),
        ("plain", '{"a": true, "b": []}', "One row for all of it."),
    ]


def test_a_value_without_a_sentence_is_refused() -> None:
    with pytest.raises(chart_docs.UndocumentedValueError, match=r"line 3: b has no comment"):
        chart_docs.read_values("# Said.\na: 1\nb: 2\n")


def test_pipes_do_not_break_the_table() -> None:
    table = chart_docs.render_table([chart_docs.Value("a", '"x|y"', "one | two")])
    assert '| `a` | `"x\\|y"` | one \\| two |' in table


def test_check_finds_a_changed_default_and_writes_nothing(
    charts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = charts / "backend" / "values.yaml"
    values.write_text(values.read_text("utf-8").replace("replicas: 1", "replicas: 4"), "utf-8")
    readme = (charts / "backend" / "README.md").read_text("utf-8")
    assert chart_docs.main(["--check", "--charts", str(charts)]) == 1
    assert "charts/backend/README.md is out of date" in capsys.readouterr().err
    assert (charts / "backend" / "README.md").read_text("utf-8") == readme
    assert chart_docs.main(["--charts", str(charts)]) == 0
    assert chart_docs.main(["--check", "--charts", str(charts)]) == 0


def test_a_shared_definition_reaches_every_schema_that_uses_it(charts: Path) -> None:
    shared_file = charts / "common" / "schema" / "definitions.json"
    shared = json.loads(shared_file.read_text("utf-8"))
    shared["port"]["minimum"] = 1024
    shared_file.write_text(json.dumps(shared), "utf-8")
    assert chart_docs.main(["--check", "--charts", str(charts)]) == 1
    assert chart_docs.main(["--charts", str(charts)]) == 0
    schema = json.loads((charts / "backend" / "values.schema.json").read_text("utf-8"))
    assert schema["definitions"]["port"]["minimum"] == 1024
    frontend = json.loads((charts / "frontend" / "values.schema.json").read_text("utf-8"))
    assert "port" not in frontend["definitions"]


def test_an_unknown_definition_is_named(charts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = charts / "ingress" / "values.schema.json"
    file.write_text(
        file.read_text("utf-8").replace("definitions/publicName", "definitions/publicNmae"), "utf-8"
    )
    assert chart_docs.main(["--check", "--charts", str(charts)]) == 1
    assert "ingress: 'publicNmae'" in capsys.readouterr().err
