"""Proposals from measured use, and the patch of the inventory that holds them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from todo_operations import cli, optimize
from todo_operations.optimize import (
    INVENTORY,
    Place,
    Proposal,
    Resources,
    Use,
    as_text,
    left_out,
    patched,
    propose,
)

ROOT = Path(__file__).resolve().parents[2]
WEB = Place("todo", "backend", "backend", "backend")
CURRENT: Resources = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"cpu": "1", "memory": "256Mi"},
}
MANY = 20


def proposed(
    cpu: Sequence[float],
    memory: Sequence[float],
    *,
    killed: bool = False,
    current: Resources = CURRENT,
) -> dict[str, str]:
    use = Use(list(cpu), list(memory), current, killed)
    return {item.path: item.proposed for item in propose({WEB: use})}


def test_values_that_fit_are_left_alone() -> None:
    assert proposed([80] * MANY, [105] * MANY) == {}


def test_too_much_is_lowered_with_a_fifth_to_spare() -> None:
    assert proposed([20] * MANY, [50] * MANY) == {"requests.cpu": "25m", "requests.memory": "64Mi"}


def test_a_few_samples_lower_nothing() -> None:
    assert proposed([5] * 3, [50] * 3) == {}


def test_a_few_samples_are_enough_to_raise() -> None:
    assert proposed([300], [180]) == {"requests.cpu": "360m", "requests.memory": "224Mi"}


def test_a_peak_in_one_of_ten_samples_does_not_decide_the_cpu_request() -> None:
    assert "requests.cpu" not in proposed([90] * 19 + [600], [105] * MANY)


def test_a_peak_decides_the_memory_request() -> None:
    assert proposed([80] * MANY, [50] * 19 + [180])["requests.memory"] == "224Mi"


def test_a_limit_that_is_near_is_raised() -> None:
    found = proposed([950] * MANY, [230] * MANY)
    assert found["limits.cpu"] == "1450m"
    assert found["limits.memory"] == "352Mi"


def test_a_request_stays_below_its_limit() -> None:
    assert proposed([950] * MANY, [230] * MANY)["requests.cpu"] == "1"


def test_a_kill_for_memory_raises_the_limit_whatever_was_measured() -> None:
    assert proposed([80], [105], killed=True) == {"limits.memory": "384Mi"}


def test_a_limit_is_never_lowered() -> None:
    assert not any(path.startswith("limits") for path in proposed([1] * MANY, [1] * MANY))


def test_a_container_without_values_gets_requests() -> None:
    found = proposed([80] * MANY, [105] * MANY, current={})
    assert found == {"requests.cpu": "100m", "requests.memory": "128Mi"}


def proposal(release: str, path: str, value: str, container: str = "") -> Proposal:
    place = Place("todo", release, container or release, release)
    return Proposal(place, path, "none", value, "measured")


@pytest.fixture
def inventory() -> str:
    return (ROOT / INVENTORY).read_text()


def applied(inventory: str, patch: str, folder: Path) -> str:
    """The inventory with the patch in it, as git applies it."""
    path = folder / INVENTORY
    path.parent.mkdir(parents=True)
    path.write_text(inventory)
    subprocess.run(
        ["git", "apply", "--unsafe-paths", "-"], input=patch, text=True, cwd=folder, check=True
    )
    return path.read_text()


def values(text: str, release: str) -> dict[str, object]:
    for item in yaml.safe_load(text)["helm_release_releases"]:
        if item["name"] == release:
            return dict(item["values"])
    raise KeyError(release)


def test_the_patch_applies_and_changes_nothing_else(inventory: str, tmp_path: Path) -> None:
    proposals = [
        proposal("backend", "requests.cpu", "75m"),
        proposal("backend", "limits.memory", "384Mi"),
        proposal("postgres", "requests.memory", "160Mi"),
    ]
    text = applied(inventory, patched(inventory, proposals), tmp_path)
    assert values(text, "backend")["resources"] == {
        "requests": {"cpu": "75m"},
        "limits": {"memory": "384Mi"},
    }
    assert values(text, "postgres")["resources"] == {"requests": {"memory": "160Mi"}}
    kept = [line for line in text.splitlines() if line in inventory.splitlines()]
    assert kept == inventory.splitlines()
    for release in ("backend", "postgres"):
        rest = {key: item for key, item in values(text, release).items() if key != "resources"}
        assert rest == values(inventory, release)


def test_a_second_patch_replaces_the_first(inventory: str, tmp_path: Path) -> None:
    first = applied(
        inventory, patched(inventory, [proposal("backend", "requests.cpu", "75m")]), tmp_path / "1"
    )
    second = applied(
        first, patched(first, [proposal("backend", "requests.cpu", "90m")]), tmp_path / "2"
    )
    assert values(second, "backend")["resources"] == {"requests": {"cpu": "90m"}}
    assert second.count("resources:") == first.count("resources:")


@pytest.mark.parametrize(
    "item",
    [
        proposal("", "requests.cpu", "75m", "web"),
        proposal("stranger", "requests.cpu", "75m"),
        proposal("backend", "requests.cpu", "75m", container="sidecar"),
    ],
)
def test_what_the_inventory_does_not_hold_is_not_patched(inventory: str, item: Proposal) -> None:
    assert patched(inventory, [item]) == ""


def test_what_does_not_fit_into_the_patch_is_told(inventory: str) -> None:
    fits = proposal("backend", "requests.cpu", "75m")
    stays = proposal("backend", "requests.memory", "64Mi", container="sidecar")
    left = left_out(inventory, [fits, stays])
    assert left == [stays]
    text = as_text({}, [fits, stays], patched(inventory, [fits, stays]), left, [])
    told = text.partition("Not in the patch")[2]
    assert "todo/backend/sidecar requests.memory: 64Mi" in told


OWN = "helm_release_values: {backend: {resources: {requests: {cpu: 100m}}}}\n"


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        (OWN, ["requests.memory"]),
        # Only Ansible can read what it is.
        ("helm_release_values: !vault secret\n", ["requests.cpu", "requests.memory"]),
        ("helm_release_values: '{{ mine }}'\n", ["requests.cpu", "requests.memory"]),
    ],
)
def test_a_value_that_another_file_overrides_is_told_and_not_patched(
    own: str,
    kept: list[str],
    inventory: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / INVENTORY
    path.parent.mkdir(parents=True)
    path.write_text(inventory)
    path.with_name("zz_own.yml").write_text(own)
    monkeypatch.setattr(optimize, "CHECKOUT", tmp_path)
    monkeypatch.setattr(optimize, "Api", lambda _: None)
    used = {WEB: Use([300.0] * MANY, [180.0] * MANY, CURRENT)}
    monkeypatch.setattr(optimize, "measure", lambda *_, **__: used)
    assert cli.main(["optimize", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    proposed = {item["path"]: item["in_patch"] for item in said["proposals"]}
    assert [name for name, is_in in proposed.items() if is_in] == kept
    assert set(proposed) == {"requests.cpu", "requests.memory"}
    text = applied(inventory, said["patch"], tmp_path / "applied")
    resources = values(text, "backend")["resources"]
    assert isinstance(resources, dict)
    assert [f"requests.{name}" for name in resources["requests"]] == kept
    assert cli.main(["optimize"]) == 0
    told = capsys.readouterr().out.partition("helm_release_values in the inventory sets it")[2]
    assert ("todo/backend/backend requests.cpu: 360m" in told) is (own == OWN)


@pytest.mark.parametrize("text", ["", "helm_release_releases: []\n", "{", "other: 1\n"])
def test_another_inventory_is_left_alone(text: str) -> None:
    assert patched(text, [proposal("backend", "requests.cpu", "75m")]) == ""


@pytest.mark.parametrize("window", ["-1", "soon", "1.5", "9999999"])
def test_a_wrong_window_is_refused(window: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["optimize", f"--window={window}"])
    assert ended.value.code == 2
    assert "seconds" in capsys.readouterr().err


def test_without_a_cluster_the_remedy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["optimize", "--kubeconfig", str(tmp_path / "none")]) == 2
    assert "Remedy" in capsys.readouterr().err
