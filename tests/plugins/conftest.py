"""Filters and modules are plain Python files: let tests import them by name."""

from __future__ import annotations

import sys
from pathlib import Path

import ansible.module_utils

ROOT = Path(__file__).resolve().parents[2]
for folder in ("filter_plugins", "library", "action_plugins"):
    sys.path.insert(0, str(ROOT / folder))
# Ansible puts the project's own beside its own when it ships a module.
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
