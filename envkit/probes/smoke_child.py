"""Import torch, then run one check after another; each answer is a line of JSON."""

from __future__ import annotations

import faulthandler
import importlib
import json
import math
import os
import time
import traceback
from typing import IO, Any, Dict

from . import boot, smoke_processes
from .smoke_device import Missing, chosen

Facts = Dict[str, Any]
# cuBLAS computes the same twice only with a workspace of fixed size (cuBLAS manual, "Reproducibility").
_FIXED = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def main(plan: Facts) -> None:
    """Run the checks of the plan; end after one that raised: its process may be poisoned."""
    smoke_processes.die_with_parent()
    faulthandler.enable()  # a crash prints where it was
    for name, value in _FIXED.items():
        os.environ.setdefault(name, value)
    with os.fdopen(plan["answers"], "w") as answers:
        for check in plan["checks"]:
            if not answer(plan, check, answers):
                return


def answer(plan: Facts, check: Facts, answers: IO[str]) -> bool:
    """Run one check and tell what came of it; False when it raised."""
    began = time.monotonic()
    faulthandler.dump_traceback_later(max(1.0, check["limit_s"] - 1.0))  # a hang prints where it is
    try:
        facts = run(plan, check)
    except Missing as missing:
        facts = {"missing": str(missing)}
    except BaseException as error:  # noqa: BLE001  whatever it raised is this check's finding
        facts = {"error": _words(error), "words": traceback.format_exc()[-smoke_processes.LAST :]}
    finally:
        faulthandler.cancel_dump_traceback_later()
    seconds = round(time.monotonic() - began, 3)
    told = {"check": check["id"], "facts": _plain(facts), "seconds": seconds}
    answers.write(json.dumps(told, allow_nan=False) + "\n")
    answers.flush()
    return "error" not in facts


def run(plan: Facts, check: Facts) -> Facts:
    """Run the function that the plan names."""
    function = getattr(importlib.import_module(f"{boot.PACKAGE}.{check['module']}"), check["function"])
    if check.get("needed"):
        return dict(function(plan))
    device = chosen(plan)
    return dict(function(device, **check["arguments"]["cpu" if device.is_cpu else "card"]))


def _plain(value: Any) -> Any:
    """Return it as JSON knows it: infinity and what is no number are words."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _words(error: BaseException) -> str:
    """Return an error, and what caused it, in one line."""
    cause = error.__cause__
    said = " ".join(str(error).split())[:400]
    return f"{type(error).__name__}: {said}" + (f" (because of {_words(cause)})" if cause else "")
