"""Filters of the role helm_release: the plan of releases, chart versions, image values."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible.errors import AnsibleFilterError

# Helm's own limit; the name must also serve as a DNS label.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")
_DURATION = re.compile(r"([0-9]+(h|m|s))+")
_KEYS = {"name", "chart", "namespace", "values", "timeout", "needs"}
_LOCAL = "file://"
_ROLLBACK = re.compile(r"Rollback to ([0-9]+)")
# Values are kept by Helm and shown by `helm get values`. `existingSecret`, `passwordKey` and the
# like only say where a secret is.
_SECRET_NAME = re.compile(r"(?i)(password|passwd|passphrase|token|api_?key|private_?key)$")
_SECRET_VALUE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]*:[^/\s@]+@")
# What leads Helm elsewhere than its arguments say (`helm env`, and the store of its releases).
_ELSEWHERE = (
    "HELM_DRIVER",
    "HELM_KUBEAPISERVER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBEASUSER",
    "HELM_KUBECAFILE",
    "HELM_KUBECONTEXT",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBETOKEN",
    "HELM_NAMESPACE",
)

# The one in C, where there is one, reads a chart in a fifth of the time.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _chart(directory: Path) -> dict[str, Any]:
    path = directory / "Chart.yaml"
    try:
        chart = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506
    except FileNotFoundError:
        raise AnsibleFilterError(
            f"{path} is missing: `chart` must be the path of a chart's folder"
        ) from None
    except yaml.YAMLError as error:
        raise AnsibleFilterError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(chart, dict) or not {"name", "version"} <= chart.keys():
        raise AnsibleFilterError(f"{path} must name the chart and its version")
    return chart


def _libraries(directory: Path) -> dict[str, Path]:
    """The folders of a chart's file:// dependencies by name, in the chart's order."""
    return {
        dependency["name"]: (directory / dependency["repository"].removeprefix(_LOCAL)).resolve()
        for dependency in _chart(directory).get("dependencies") or []
        if dependency.get("repository", "").startswith(_LOCAL)
    }


def _ignore_rules(directory: Path) -> list[str]:
    """The patterns of a chart's .helmignore, and what Helm ignores anyway."""
    path = directory / ".helmignore"
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    lines = [line.strip() for line in text.splitlines()]
    return [*(line for line in lines if line and not line.startswith("#")), "templates/.?*"]


def _matches(rule: str, path: str) -> bool:
    rule = rule.replace("[^", "[!")
    if "/" not in rule:
        return fnmatch.fnmatchcase(path.rpartition("/")[2], rule)
    wanted, found = rule.removeprefix("/").split("/"), path.split("/")
    return len(wanted) == len(found) and all(map(fnmatch.fnmatchcase, found, wanted))


def _ignored(rules: list[str], path: str, *, folder: bool) -> bool:
    """Whether Helm leaves a path out of a chart's package (its own pkg/ignore)."""
    for rule in rules:
        pattern = rule.removeprefix("!")
        found = (folder or not pattern.endswith("/")) and _matches(pattern.removesuffix("/"), path)
        # Not as git does: whatever an exclamation mark does not name is ignored.
        if found != rule.startswith("!"):
            return True
    return False


def _content(
    directory: Path, place: str = "", rules: list[str] | None = None
) -> Iterator[tuple[str, Path]]:
    """The (path, file) of what makes a chart's package, without what Helm derives from it.

    As the module helm_release_package puts it together: with the libraries inside, on which the
    chart's own .helmignore acts, too.
    """
    rules = _ignore_rules(directory) if rules is None else rules
    libraries = _libraries(directory)
    for folder, folders, files in os.walk(directory, followlinks=True):
        relative = Path(folder).relative_to(directory).as_posix()
        inside = "" if relative == "." else f"{relative}/"
        replaced = libraries if relative == "charts" else {}
        folders[:] = [
            name
            for name in folders
            if name not in replaced and not _ignored(rules, place + inside + name, folder=True)
        ]
        for name in files:
            derived = name == "Chart.lock" or any(
                fnmatch.fnmatchcase(name, f"{library}-[0-9]*.tgz") for library in replaced
            )
            path = Path(folder, name)
            if (
                path.is_file()
                and not derived
                and not _ignored(rules, place + inside + name, folder=False)
            ):
                yield place + inside + name, path
    for name, library in libraries.items():
        yield from _content(library, f"{place}charts/{name}/", rules)


def _digest(directory: Path) -> bytes:
    digest = hashlib.sha256()
    for name, path in sorted(_content(directory)):
        data = path.read_bytes()
        digest.update(os.fsencode(name) + f"\0{len(data)}\0".encode())
        digest.update(data)
    return digest.digest()


def helm_chart_version(chart: str) -> str:
    """The version of a chart folder with a digest of its content: `0.1.0+3f2a9c01b7de`.

    The same content gives the same version wherever it lies; any edit of the chart or of a
    library chart it names by `file://` gives another, but for what .helmignore leaves out.

    Raises AnsibleFilterError when the folder or one of its dependencies is no chart.
    """
    directory = Path(chart).resolve()
    version = str(_chart(directory)["version"]).partition("+")[0]
    return f"{version}+{_digest(directory).hex()[:12]}"


def _null_path(values: Any, path: str = "values") -> str:
    """Where in nested values the first null stands, or ""."""
    if values is None:
        return path
    items: list[tuple[str, Any]] = []
    if isinstance(values, dict):
        items = [(f"{path}.{key}", value) for key, value in values.items()]
    elif isinstance(values, list):
        items = [(f"{path}[{index}]", value) for index, value in enumerate(values)]
    return next(filter(None, (_null_path(value, name) for name, value in items)), "")


def _secret_path(values: Any, path: str = "values") -> str:
    """Where in nested values the first thing stands that looks like a secret, or ""."""
    if isinstance(values, str):
        return path if _SECRET_VALUE.search(values) else ""
    items: list[tuple[str, Any]] = []
    if isinstance(values, dict):
        for key, value in values.items():
            if _SECRET_NAME.search(str(key)) and isinstance(value, str) and value:
                return f"{path}.{key}"
        items = [(f"{path}.{key}", value) for key, value in values.items()]
    elif isinstance(values, list):
        items = [(f"{path}[{index}]", value) for index, value in enumerate(values)]
    return next(filter(None, (_secret_path(value, name) for name, value in items)), "")


def _suggestion(word: str, known: set[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}."


def _check(release: dict[str, Any], names: set[str]) -> None:
    name = release.get("name", "")
    where = f"helm_release_releases: release {name!r}"
    for key in sorted(release.keys() - _KEYS):
        raise AnsibleFilterError(f"{where} has the unknown key {key!r}; {_suggestion(key, _KEYS)}")
    for key in ("name", "chart", "namespace"):
        if not release.get(key):
            raise AnsibleFilterError(f"{where} lacks {key!r}")
    if not _NAME.fullmatch(name):
        raise AnsibleFilterError(
            f"{where}: a name is 1 to 53 lower-case letters, digits and dashes"
        )
    if not _DURATION.fullmatch(str(release.get("timeout", "5m"))):
        raise AnsibleFilterError(
            f"{where}: timeout {release['timeout']!r} is no duration; write 90s, 5m or 1h30m"
        )
    if not isinstance(release.get("values", {}), dict):
        raise AnsibleFilterError(f"{where}: values must be one mapping")
    if null := _null_path(release.get("values", {})):
        raise AnsibleFilterError(
            f"{where}: {null} is null, which Helm drops and no comparison can see; "
            "leave the key out or give it a value"
        )
    if secret := _secret_path(release.get("values", {})):
        raise AnsibleFilterError(
            f"{where}: {secret} looks like a secret, and whoever may read a release reads its "
            "values; put it into a Secret (role secrets, Ansible Vault) and name that instead"
        )
    for need in release.get("needs", []):
        if need not in names:
            raise AnsibleFilterError(
                f"{where} needs the unknown release {need!r}; {_suggestion(need, names)}"
            )


def _combined(values: Any, more: Any) -> Any:
    """Values with others over them: mappings are combined, anything else is replaced."""
    if not (isinstance(values, Mapping) and isinstance(more, Mapping)):
        return more
    return {**values, **{key: _combined(values.get(key), more[key]) for key in more}}


def _with_values(releases: list[dict[str, Any]], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The releases with `values`, by release name, over their own."""
    names = {str(release.get("name", "")) for release in releases}
    for name in values:
        if name not in names:
            hint = _suggestion(name, names)
            raise AnsibleFilterError(f"helm_release_values: unknown release {name!r}; {hint}")
    return [
        {**release, "values": _combined(release.get("values", {}), values[release["name"]])}
        if release.get("name") in values
        else release
        for release in releases
    ]


def helm_release_plan(
    releases: list[dict[str, Any]],
    timeout: str = "5m",
    values: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The releases with every default filled in, the chart's name, its version and a title.

    `values`, by release name, are put over the releases' own.

    Adds to each release `chart_name`, `chart_version` (see helm_chart_version), `title`
    ("backend (4/7)"), `level` (0 for a release that needs no other, else one more than the
    highest level among its needs).

    Raises AnsibleFilterError that names the release, the key and the remedy.
    """
    names = [str(release.get("name", "")) for release in releases]
    for name in names:
        if names.count(name) > 1:
            raise AnsibleFilterError(f"helm_release_releases names {name!r} twice; use it once")
    releases = _with_values(releases, values or {})
    for release in releases:
        _check(release, set(names))
    needs = {release["name"]: release.get("needs", []) for release in releases}
    levels: dict[str, int] = {}
    while len(levels) < len(needs):
        ready = {
            name: 1 + max((levels[need] for need in wanted), default=-1)
            for name, wanted in needs.items()
            if name not in levels and all(need in levels for need in wanted)
        }
        if not ready:
            circle = ", ".join(sorted(needs.keys() - levels.keys()))
            raise AnsibleFilterError(
                f"helm_release_releases: {circle} need each other in a circle; drop one of `needs`"
            )
        levels |= ready
    return [
        {
            "timeout": timeout,
            "values": {},
            "needs": [],
            **release,
            "chart": str(Path(release["chart"]).resolve()),
            "chart_name": _chart(Path(release["chart"]).resolve())["name"],
            "chart_version": helm_chart_version(release["chart"]),
            "title": f"{release['name']} ({position}/{len(releases)})",
            "level": levels[release["name"]],
        }
        for position, release in enumerate(releases, start=1)
    ]


def helm_release_selected(releases: list[dict[str, Any]], run_tags: list[str]) -> list[str]:
    """The names of the releases that a run's tags ask for: those named, or all when none is.

    `run_tags` are Ansible's ansible_run_tags.
    """
    names = [str(release["name"]) for release in releases if release.get("name")]
    return [name for name in names if name in run_tags] or names


def helm_release_undo(
    releases: list[dict[str, Any]], before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The releases of `before` that `after` differs from, the last to be released first.

    `before` and `after` are what `helm list --output json` said, which orders by name; a release
    may need those that stand before it in `releases`, so it goes back before them.
    """
    changed = {found["name"]: found for found in before if found not in after}
    names = [str(release["name"]) for release in reversed(releases)]
    return [changed[name] for name in names if name in changed]


def helm_release_waves(
    plan: list[dict[str, Any]], states: dict[str, dict[str, Any]]
) -> list[list[dict[str, Any]]]:
    """The releases with work to do, grouped so that a group needs only the groups before it.

    `states` is what the module helm_release_probe answered. A release's state is merged
    in, and `line` says it in words. Of a release whose state is unknown nothing can be said.
    """
    waves: dict[int, list[dict[str, Any]]] = {}
    for release in plan:
        state = states[release["name"]]
        if state["state"] not in ("current", "unknown"):
            line = f"{release['title']}: {state['state']}, {state['reason']}"
            waves.setdefault(release["level"], []).append({**release, **state, "line": line})
    return [waves[level] for level in sorted(waves)]


def helm_release_earlier_revision(history: list[dict[str, Any]]) -> int:
    """The newest good revision with another content than what was released last, 0 for none.

    `history` is the answer of `helm history --output json`. A rollback is a revision of its own,
    which says in its description which one it repeats: going back from it to the revision before
    would bring back what was given up.
    """
    entries = {int(entry["revision"]): entry for entry in history}

    def content(revision: int) -> int:
        repeated = _ROLLBACK.fullmatch(entries.get(revision, {}).get("description") or "")
        return content(int(repeated[1])) if repeated else revision

    latest = max(entries, default=0)
    running = [number for number, entry in entries.items() if entry["status"] == "deployed"]
    if running and max(running) < latest:
        # What came after it failed.
        return max(running)
    good = [
        number
        for number, entry in entries.items()
        if entry["status"] == "superseded" and content(number) < content(latest)
    ]
    return max(good, default=0)


def helm_release_environment(programs: list[str]) -> dict[str, str]:
    """The environment in which Helm is the one meant and works on the cluster meant.

    `programs` are names or paths: the folders of those come first on the PATH. So a program can be
    called by its name where its path, which may hold spaces, would be split. Of the user's own
    environment nothing leads Helm to another cluster, user, namespace or store of releases.
    """
    folders = [str(Path(program).parent) for program in programs if "/" in program]
    path = ":".join(dict.fromkeys([*folders, os.environ["PATH"]]))
    return {"PATH": path} | dict.fromkeys(_ELSEWHERE, "")


def helm_release_seconds(duration: str) -> int:
    """A Go duration of whole hours, minutes and seconds, such as "1h30m", in seconds."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"([0-9]+)([hms])", duration))


def address_port(url: str) -> int:
    """The port that a server's address names, else its scheme's; 443 where there is no address."""
    return urlsplit(url).port or (80 if url.startswith("http://") else 443)


def image_values(reference: str) -> dict[str, str]:
    """The chart values of an image reference: its repository and its tag or digest.

    Raises AnsibleFilterError for a reference with neither: it would mean `latest`.
    """
    repository, _, digest = reference.partition("@")
    if digest:
        return {"repository": repository, "digest": digest}
    head, colon, tag = repository.rpartition(":")
    if not colon or "/" in tag:
        raise AnsibleFilterError(f"image {reference!r} needs a tag or a digest")
    return {"repository": head, "tag": tag}


class FilterModule:
    """Makes the functions known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter name to function."""
        return {
            "address_port": address_port,
            "helm_chart_version": helm_chart_version,
            "helm_release_earlier_revision": helm_release_earlier_revision,
            "helm_release_environment": helm_release_environment,
            "helm_release_plan": helm_release_plan,
            "helm_release_seconds": helm_release_seconds,
            "helm_release_selected": helm_release_selected,
            "helm_release_undo": helm_release_undo,
            "helm_release_waves": helm_release_waves,
            "image_values": image_values,
        }
