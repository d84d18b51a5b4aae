"""One attempt of a run: its folder and what begins it."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, List, Tuple

from . import boot
from . import run_commands as commands
from .run_evidence import identity, keep_room, write
from .run_limit import Limited

Facts = Dict[str, Any]
# torchrun itself computes nothing: its `import torch` need not bring a backend (torch_npu takes seconds).
AUTOLOAD = "TORCH_DEVICE_BACKEND_AUTOLOAD"
_WRAPPER = ("boot", "run_rank", "run_process", "run_evidence")


class Attempt:
    """Where an attempt's evidence lies, and what it was asked."""

    def __init__(self, request: Facts, number: int) -> None:
        self.request = request
        self.number = number
        self.folder = os.path.join(request["folder"], "attempts", str(number))
        node = request.get("node")
        self.several = request["nproc"] > 1 or bool(node and node["count"] > 1)
        self.ranks = commands.ranks(request)
        where = f"{node['names'][node['rank']]} " if node and node["count"] > 1 else ""
        self.names = {rank: f"{where}rank {rank}" for rank in self.ranks}  # in the log of all

    def path(self, *names: str) -> str:
        """Return where something of it lies."""
        return os.path.join(self.folder, *names)

    def log(self, rank: int) -> str:
        """Return a process's log."""
        return self.path(f"rank-{rank}.log")

    def limited(self) -> List[Limited]:
        """Return the logs that are kept within a limit, where there is one."""
        limit = self.request.get("log_limit")
        merged = [self.path("all.log")] if self.several else []
        return [Limited(path, limit) for path in [*map(self.log, self.ranks), *merged]] if limit else []

    def prepare(self) -> None:
        """Make the folder, and write what can be said before the script begins."""
        os.makedirs(self.path("shim"), exist_ok=True)
        os.makedirs(os.path.join(self.request["folder"], "model"), exist_ok=True)
        os.makedirs(os.path.join(self._whole(), "model"), exist_ok=True)
        write(self.path("supervisor.json"), identity(), sync=False)
        asked = {**self.request, "attempt": self.number}
        write(self.path("request.json"), asked, sync=False)
        for name, text in _shims().items():
            with open(self.path("shim", f"{name}.py"), "w", encoding="utf-8") as file:
                file.write(text)
        keep_room(self.folder)

    def _whole(self) -> str:
        """Return the folder of MODEL_PATH: a node's part has another of its own."""
        whole = self.request["env"].get("MODEL_PATH", self.request["name"])
        return os.path.join(os.path.dirname(str(self.request["folder"])), str(whole))

    def leave(self) -> None:
        """Remove the folder of MODEL_PATH from a node's machine when the script wrote nothing into it."""
        whole = self._whole()
        if whole == self.request["folder"]:
            return
        with contextlib.suppress(OSError):
            if os.listdir(whole) == ["model"]:  # else it is node 0's, too: they share the home
                os.rmdir(os.path.join(whole, "model"))
                os.rmdir(whole)

    def command(self) -> Tuple[List[str], Dict[str, str], str]:
        """Return what to start, its environment, and the file for its output."""
        env = commands.environment(self.request, self.number)
        added = commands.for_scripts(self.request, env, self.path("shim"))
        words = commands.script(self.request)
        if not self.several:
            return words, {**env, **added}, self.log(0)
        os.makedirs(self.path("launch"), exist_ok=True)
        plan = {
            "words": words,
            "directory": self.request["directory"],
            "env": {**added, **({AUTOLOAD: env[AUTOLOAD]} if AUTOLOAD in env else {})},
            "without": [] if AUTOLOAD in env else [AUTOLOAD],
            "folder": self.folder,
        }
        sources = {name: boot.BUNDLE["sources"][name] for name in _WRAPPER}
        with open(self.path("launch", "boot.py"), "w", encoding="utf-8") as file:
            file.write(sources["boot"])
        with open(self.path("launch", "rank.json"), "w", encoding="utf-8") as file:
            json.dump({"sources": sources, "run": "run_rank", "plan": plan}, file)
        each = [
            *self.request["python"],
            "-I",
            "-S",
            self.path("launch", "boot.py"),
            self.path("launch", "rank.json"),
        ]
        return (
            commands.launcher(self.request, each),
            {**env, AUTOLOAD: "0"},
            self.path("launch", "torchrun.log"),
        )


def _shims() -> Dict[str, str]:
    """Return what Python loads before the script, by the names under which it finds it."""
    found = {}
    for name, text in boot.BUNDLE["sources"].items():
        if name.startswith("shim_"):
            found["sitecustomize" if name == "shim_sitecustomize" else name[len("shim_") :]] = text
    return found
