"""Programs with their plan, as they go to a Python: over its stdin, or in one file. Run by probes/boot.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from envkit import paths

_BOOT = "boot"


def sources(*patterns: str) -> dict[str, str]:
    """Return the programs whose names fit, and what starts them."""
    found = (path for pattern in (*patterns, _BOOT) for path in sorted(paths.probes().glob(f"{pattern}.py")))
    return {path.stem: path.read_text(encoding="utf-8") for path in found}


def program(programs: Mapping[str, str], file: str | None = None) -> tuple[str, ...]:
    """Return what follows the word that runs Python; without a file it reads its stdin."""
    return ("-c", programs[_BOOT], *([file] if file else []))


def pack(programs: Mapping[str, str], run: str, plan: Mapping[str, Any]) -> bytes:
    """Return the programs, which of them runs, and what it is told."""
    return json.dumps({"sources": dict(programs), "run": run, "plan": plan}).encode()
