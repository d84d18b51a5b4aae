"""run.json: what a run is, and how it went last."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

from .run_evidence import read, write

Facts = Dict[str, Any]


class Summary:
    """The run's summary, replaced as a whole whenever something new is known."""

    def __init__(self, request: Facts, attempt: int, started: float) -> None:
        self._path = os.path.join(request["folder"], "run.json")
        before = read(self._path) or {}
        record, node = dict(request["record"]), request.get("node")
        words = record.get("command") or record.get("argv") or [request["target"], *request["args"]]
        self._facts: Facts = {
            "version": 1,
            "name": request["name"],
            "record": record,
            "command": words,
            "script": request["target"],
            "directory": request["directory"],
            "accelerator": request["accelerator"],
            "nproc": request["nproc"],
            "nodes": node["count"] if node else 1,
            "created": before.get("created") or started,
            "attempts": attempt,
            "attempt": {"number": attempt, "started": started, "ended": None, "end": None},
            "git": record.pop("git", None),  # of a copied project its source's: the copy has none
            "packages": {},
            "python": "",
            "retries": request["retries"],
        }

    def write(self, *, found: Optional[Facts] = None, end: Optional[Facts] = None) -> None:
        """Write it, with what was found about the code and how the attempt ended, if that is known."""
        if found:
            self._facts.update({**found, "git": self._facts["git"] or found["git"]})
        if end:
            self._facts["attempt"].update(ended=end["ended"], end=end)
        write(self._path, self._facts)
