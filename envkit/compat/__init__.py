"""Compatibility data: dated files, each row with its source."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from envkit import paths


@cache
def table(name: str) -> dict[str, Any]:
    """Return a data file (`torch` → `torch.json`); callers only read it."""
    loaded: dict[str, Any] = json.loads((paths.compat() / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@cache
def lock(name: str) -> str:
    """Return a lock of Python packages (`tools` → `tools.lock.txt`), each file with its hashes."""
    return (paths.compat() / f"{name}.lock.txt").read_text(encoding="utf-8")
