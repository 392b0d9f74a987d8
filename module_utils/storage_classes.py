"""What several modules share: which StorageClass is the default."""

from __future__ import annotations

from typing import Any

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def is_default(storage_class: dict[str, Any]) -> bool:
    return (storage_class["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
