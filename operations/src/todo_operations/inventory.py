"""Settings of the inventory as they are written: nothing is templated or decrypted here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# Below the project's folder.
FOLDER = Path("inventory/group_vars/all")


class _Loader(yaml.SafeLoader):
    """Takes what only Ansible can read (!vault, !unsafe) as nothing."""


_Loader.add_multi_constructor("!", lambda *_: None)


def setting(name: str, folder: Path = FOLDER) -> Any:
    """A setting of all hosts, None where no file has it; the last file that names it wins, as for
    Ansible."""
    value = None
    for path in sorted(folder.glob("*.yml")):
        found = (_Loader(path.read_text(encoding="utf-8")).get_single_data() or {}).get(name)
        value = value if found is None else found
    return value
