"""What the module go_program says when a module of a program cannot be had."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import go_program
import pytest

# As Go 1.26 prints them; the part before the last line only says what is under way.
NO_FILE = """\
go: downloading example.org/gone v1.0.0
main.go:9:2: example.org/gone@v1.0.0: reading file:///proxy/example.org/gone.zip: no such file
"""
IN_ANOTHER_MODULE = (
    "/cache/modules/k8s.io/kubernetes@v1.35.4/cmd/app.go:31:2: k8s.io/api@v0.35.4: "
    "reading https://mirror/k8s.io/api/@v/v0.35.4.zip: 404 Not Found\n"
)
NO_SERVER = (
    "main.go:3:8: example.org/gone@v1.0.0: "
    'Get "http://127.0.0.1:9/example.org/gone/@v/v1.0.0.zip": dial tcp: connection refused\n'
)
OTHER_CONTENT = """\
go: downloading example.org/gone v1.0.0
verifying example.org/gone@v1.0.0/go.mod: checksum mismatch
\tdownloaded: h1:Uqt1jzLs/x5LQT2ZOQas6zgV/E998xO/A6Ve4eTUaI4=
\tgo.sum:     h1:abc=
"""
REQUIRED = "go: example.org/a@v1.0.0 requires\n\texample.org/b@v0.2.0: unknown revision v0.2.0\n"


@pytest.mark.parametrize(
    ("said", "module", "reason"),
    [
        (NO_FILE, "example.org/gone@v1.0.0", "no such file"),
        (IN_ANOTHER_MODULE, "k8s.io/api@v0.35.4", "404 Not Found"),
        (NO_SERVER, "example.org/gone@v1.0.0", "connection refused"),
        (OTHER_CONTENT, "example.org/gone@v1.0.0", "checksum mismatch"),
        (REQUIRED, "example.org/b@v0.2.0", "unknown revision"),
    ],
)
def test_the_module_that_is_missing_is_named(said: str, module: str, reason: str) -> None:
    message = go_program.explain("the program", go_program.UNFETCHABLE.search(said), said)
    assert f"needs the Go module {module}, which could not be had: " in message
    assert reason in message
    assert "Remedy: see that GOPROXY" in message


def test_a_program_that_does_not_compile_blames_no_module() -> None:
    said = "# k8s.io/api@v0.35.4\n/cache/k8s.io/api@v0.35.4/x.go:3:4: undefined: Missing\n"
    assert go_program.UNFETCHABLE.search(said) is None
    assert "undefined: Missing" in go_program.explain("the program", None, said)


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is installed by the role where it lacks")
def test_what_this_machines_go_says_is_understood(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module toy\n\ngo 1.24\n\nrequire example.org/gone v1.0.0\n")
    (tmp_path / "go.sum").write_text(
        "example.org/gone v1.0.0 h1:abc=\nexample.org/gone v1.0.0/go.mod h1:abc=\n"
    )
    (tmp_path / "main.go").write_text(
        'package main\n\nimport _ "example.org/gone"\n\nfunc main() {}\n'
    )
    environment = {
        "GOPROXY": f"file://{tmp_path}/proxy",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    done = subprocess.run(
        ["go", "build", "."],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    missing = go_program.UNFETCHABLE.search(done.stderr)
    assert missing, done.stderr
    assert missing["module"] == "example.org/gone@v1.0.0"
