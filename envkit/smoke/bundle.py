"""The smoke test's probes and their plan, as they go to a Python over its stdin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from envkit.container import bundle as shared
from envkit.smoke.checks import LIMIT_S, START_S

MARK = "envkit-smoke "


def sources() -> dict[str, str]:
    """Return the programs by name."""
    return shared.sources("smoke_*")


def program(programs: Mapping[str, str]) -> tuple[str, ...]:
    """Return what follows the word that runs Python."""
    return shared.program(programs)


def bundle(
    programs: Mapping[str, str], checks: Sequence[Mapping[str, Any]], kind: str, ids: tuple[int, ...] | None
) -> bytes:
    """Return what goes to its stdin."""
    plan = {
        "device": kind,
        "ids": None if ids is None else list(ids),
        "checks": list(checks),
        "start_limit_s": START_S + LIMIT_S,  # for Python to start and its first check
    }
    return shared.pack(programs, "smoke_main", plan)


def heard(line: str) -> dict[str, Any] | None:
    """Return what a marked line says; None for anybody else's line."""
    if not line.startswith(MARK):
        return None
    try:
        told = json.loads(line.removeprefix(MARK))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
