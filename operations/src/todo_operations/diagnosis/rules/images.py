"""Images that cannot be had."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding
from todo_operations.diagnosis.rules.remedies import again, value
from todo_operations.diagnosis.view import Container, View, event_line, ref

_REASONS = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
_REFUSED = re.compile(
    r"401 Unauthorized|403 Forbidden|authentication required|pull access denied|denied:", re.I
)
_ABSENT = re.compile(r"(?<!host )not found|manifest unknown|is not present with pull policy", re.I)
# How alike two repositories are when one is a slip of the other (difflib's ratio).
_ALIKE = 0.85


def unavailable(view: View) -> Iterator[Finding]:
    for container in view.broken_containers():
        reason = container.waiting.get("reason")
        if reason not in _REASONS:
            continue
        said = str(container.waiting.get("message", ""))
        events = view.events(
            ref("Pod", container.pod), "Failed", "InspectFailed", "ErrImageNeverPull"
        )
        pulls = [event for event in events if "image" in str(event.get("message", "")).lower()]
        said += " ".join(str(event.get("message", "")) for event in pulls)
        evidence = [container.state_line(), *map(event_line, pulls[-2:])]
        cause, sentence, remedy, confidence = _judge(view, container, str(reason), said)
        yield Finding(cause, container.owner, sentence, remedy, evidence, confidence=confidence)


def _judge(view: View, container: Container, reason: str, said: str) -> tuple[str, str, str, str]:
    image = str(container.spec.get("image", container.status.get("image", "")))
    what = f"{container.owner} needs the image {image}"
    setting = value(view, container.owner, "image")
    if reason == "InvalidImageName":
        return (
            "image-name-wrong",
            f"{what}, which is no valid image name.",
            f"{setting}.",
            "certain",
        )
    repository, tag = _split(image)
    there = {name for item in view.seen("nodes") for name in item["status"].get("images") or []}
    tags = sorted(_split(name)[1] for name in there if _split(name)[0] == repository)
    if tag in tags:
        sentence = f"{what} and asks its registry for it at each start, although the node has it."
        remedy = f"{value(view, container.owner, 'image.pullPolicy')} (IfNotPresent)."
        return "image-asked-for-in-vain", sentence, remedy, "likely"
    # What no registry has (localhost), or the registry says that it does not have. One that does
    # not answer may well have it.
    absent = image.startswith("localhost/") or bool(_ABSENT.search(said))
    near = "" if tags else _nearest(repository, {_split(name)[0] for name in there})
    if near and absent:
        sentence = f"{what}, which is not there, but the node has {near}."
        return "image-name-wrong", sentence, f"{setting}.", "likely"
    if tags and absent:
        sentence = f"{what}; the node has {repository} only with the tag {', '.join(tags[:3])}."
        return "image-missing", sentence, _built(view, container, image), "certain"
    if _REFUSED.search(said):
        sentence = f"{what}, which its registry refuses to give out without the right credentials."
        remedy = "check the image's name; for a private registry make a Secret and " + value(
            view, container.owner, "imagePullSecrets"
        )
        return "registry-refused", sentence, f"{remedy}.", "likely"
    if absent:
        sentence = f"{what}, which is neither on the node nor in its registry."
        return "image-missing", sentence, _built(view, container, image), "certain"
    sentence = f"{what}, which is not on the node, and its registry does not answer."
    hint = f"; the node has {near}" if near else ""
    remedy = (
        f"check the image's name ({tag}{hint}) and the node's way to the registry; this project's "
        "images are built and loaded by `make up TAGS=images`."
    )
    return "registry-unreachable", sentence, remedy, "likely"


def _built(view: View, container: Container, image: str) -> str:
    if image.startswith("localhost/todo/"):
        return f"`make up TAGS=images` loads the images, then {again(view, container.owner)}."
    return f"{value(view, container.owner, 'image.tag')}."


def _split(image: str) -> tuple[str, str]:
    """Repository and tag (or digest) of an image's name, the implied registry written out."""
    name, _, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, "latest"
    first, slash, _ = repository.partition("/")
    if not slash:
        repository = f"docker.io/library/{repository}"
    elif "." not in first and ":" not in first and first != "localhost":
        repository = f"docker.io/{repository}"
    return repository, digest or tag


def _nearest(repository: str, others: set[str]) -> str:
    found = difflib.get_close_matches(repository, sorted(others), n=1, cutoff=_ALIKE)
    return found[0] if found else ""


RULES = [unavailable]
