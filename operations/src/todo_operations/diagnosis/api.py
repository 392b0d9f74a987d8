"""The Kubernetes API, read only: the one place that talks to a cluster."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes import client, config

from todo_operations.cli import OWN_KUBECONFIG, CommandError, bring_up

# Seconds until a connection stands, and until an answer is there.
_CONNECT = 2.0
_READ = 8.0
# What a question may take that is asked just before the patience is used up.
_LEAST = 0.3
# Characters kept of a refusal.
_MESSAGE = 1000
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


_WRITTEN = (
    "`make up` writes that of this checkout's Minikube, .state/kubeconfig, and with "
    f"inventory/cluster.yml that of a cluster of your own, {OWN_KUBECONFIG}, for --kubeconfig."
)


class ReadError(Exception):
    """The API did not give what was asked for; ``status`` is HTTP's, 0 without an answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Api:
    """GET requests with the rights of a kubeconfig; it knows no other verb.

    ``patience`` is how many seconds all questions together may take, without a number any.
    """

    def __init__(self, kubeconfig: Path, patience: float = math.inf) -> None:
        """Raises CommandError when the kubeconfig is missing or unusable."""
        self._end = time.monotonic() + patience
        if not kubeconfig.is_file():
            raise CommandError(
                f"there is no kubeconfig {kubeconfig}, so no cluster to ask. Remedy: {_WRITTEN}"
            )
        try:
            self._client = config.new_client_from_config(config_file=str(kubeconfig))
        except Exception as error:  # the loader raises YAML's, base64's and its own errors
            raise CommandError(
                f"the kubeconfig {kubeconfig} cannot be used: {error}. Remedy: {_WRITTEN}"
            ) from error
        settings = self._client.configuration
        settings.retries = False
        self._client.rest_client = client.rest.RESTClientObject(settings)
        self.server: str = settings.host
        self.bring_up = bring_up(kubeconfig)

    def text(self, path: str, accept: str = "application/json", **query: Any) -> str:
        """The body of an answer; raises ReadError."""
        asked = self._client.param_serialize(
            method="GET",
            resource_path=path + (f"?{urlencode(query)}" if query else ""),
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
        )
        # Many questions, each with a little time of its own, would take long together.
        left = self._end - time.monotonic()
        if left <= 0:
            raise ReadError(0, "the time for all questions was over")
        left = max(left, _LEAST)
        try:
            patience = (min(_CONNECT, left), min(_READ, left))
            answer = self._client.call_api(*asked, _request_timeout=patience)
            body: str = answer.read().decode(errors="replace")
        except client.ApiException as error:
            raise ReadError(error.status or 0, str(error.reason)) from error
        except (TimeoutError, urllib3.exceptions.HTTPError, OSError) as error:
            raise ReadError(0, str(error)) from error
        if answer.status >= 300:
            raise ReadError(answer.status, _message(body) or answer.reason)
        return body

    def json(self, path: str, accept: str = "application/json", **query: Any) -> dict[str, Any]:
        """The object that an answer is; raises ReadError."""
        try:
            said = json.loads(self.text(path, accept, **query))
        except ValueError as error:
            raise ReadError(0, f"{self.server} answers {path} as no Kubernetes API does") from error
        if not isinstance(said, dict):
            raise ReadError(0, f"{self.server} answers {path} as no Kubernetes API does")
        return said

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The objects of a list; raises ReadError."""
        found: list[dict[str, Any]] = self.json(path, **query).get("items") or []
        return found

    def names(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The metadata of a list's objects, without their content; raises ReadError."""
        listed = self.json(path, accept=_METADATA_ONLY, **query)
        return [item["metadata"] for item in listed.get("items") or []]


def _message(body: str) -> str:
    """What a Kubernetes Status object says, or the body of whoever else answered."""
    try:
        said = json.loads(body)
    except ValueError:
        return body[:_MESSAGE]
    if isinstance(said, dict) and said.get("kind") == "Status":
        return str(said.get("message", ""))[:_MESSAGE]
    return body[:_MESSAGE]
