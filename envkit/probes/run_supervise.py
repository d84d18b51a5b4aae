"""One attempt of a run: start it, watch it, end it when asked, and write down how it went.

The order at the end matters: every process is gone, the logs are whole, run.json tells the end, and end.json
comes last: who sees it, sees all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from typing import Any, Callable, Dict, List, Optional

from . import boot, run_evidence, run_judge, run_memory, run_packages
from . import run_process as processes
from .run_merge import Merger

Facts = Dict[str, Any]

TAIL_BYTES = 65536  # of a log, for its last words: a chained traceback of torch is some kB
LAUNCHER = "launch/torchrun.log"
STOPPING = "launch/stopping"  # tells run_rank that torchrun's signals are not the script's any more
_KILL_S = 10.0  # for the kernel to end what was killed; longer hangs in the kernel (state D)
_MERGE_S = 20.0  # for the last lines to be merged; a reader of stdout that does not read is left
_LOOK_S = 0.5  # between looks at ranks that outlive their launcher: nobody's SIGCHLD tells of those
_PACKAGES_S = 30.0


class Attempt:
    """One attempt, from its folder to its end."""

    def __init__(self, plan: Facts, number: int) -> None:
        self.plan = plan
        self.folder = os.path.join(plan["folder"], "attempts", str(number))
        self.number = number
        self.started = time.time()
        self._asked = False  # by a signal
        self._deadline: Optional[float] = None  # of the grace, monotonic
        self._kills = run_memory.oom_kills()
        self._told: List[processes.Known] = []  # who was asked to end
        self._unkillable = 0

    @property
    def several(self) -> bool:
        """Tell whether torchrun starts the processes."""
        return int(self.plan["nproc"]) > 1

    def run(self, begun: Callable[[], None]) -> Facts:
        """Run it to its end; return the end. `begun` is called when somebody can be asked to stop it."""
        env = self._prepare()
        begun()
        code, not_started = 1, None
        merged = os.path.join(self.folder, "all.log") if self.several else None
        names = {rank: f"rank {rank}" for rank in range(int(self.plan["nproc"]))}
        merger = Merger(self.folder, names, merged, bool(self.plan["echo"]))
        collector = 0
        try:
            pid = self._start(env)
        except processes.NotStartedError as error:
            not_started = (str(error), error.code)
        else:
            merger.start()
            collector = run_packages.collect(
                self.plan["python"], self.plan["directory"], env, self._path("packages.json")
            )
            code = self._watch(pid, collector)
        left = processes.kill_all(self.plan["name"], {collector} if collector else set(), _KILL_S)
        self._unkillable = len(left)
        if collector:
            merger.finish(_MERGE_S)
        return self._end(code, not_started, collector)

    def lost(self) -> Facts:
        """Write down that it ended without a word; return that end."""
        ranks = self._records()
        started = min((rank["started"] for rank in ranks), default=None)
        told = {"cause": "engine-lost", "state": "lost", "code": None, "signal": None, "rank": None}
        end: Facts = {**told, "words": "", "frame": None, "ended": time.time(), "ranks": ranks}
        end["started"] = started
        end["sentence"] = "lost: its container ended without a word, as when the machine or the engine stops"
        run_evidence.free_room(self.folder)
        self._summary(end)
        run_evidence.write(self._path("end.json"), end)
        return end

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _prepare(self) -> Dict[str, str]:
        """Write what was asked and who watches; return the environment of the run."""
        os.makedirs(os.path.join(self.plan["folder"], "model"), exist_ok=True)
        run_evidence.write(self._path("request.json"), {**self.plan, "attempt": self.number})
        run_evidence.write(self._path("supervisor.json"), run_evidence.identity())
        run_evidence.keep_room(self.folder)
        self._summary(None)
        shim = self._path("shim")
        os.makedirs(shim, exist_ok=True)
        os.makedirs(self._path("launch"), exist_ok=True)
        for name, text in boot.BUNDLE["sources"].items():
            if name.startswith("shim_"):
                path = os.path.join(shim, name[len("shim_") :] + ".py")
                run_evidence.replace(path, text.encode(), sync=False)
        paths = [shim, *filter(None, [os.environ.get("PYTHONPATH")])]
        model = os.path.join(self.plan["folder"], "model")
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "ENVKIT_RUN": self.plan["name"],
            "ENVKIT_ATTEMPT": str(self.number),
            **({"ENVKIT_MODEL_DIR": model} if self.plan["redirect"] else {}),
            **self.plan["env"],
        }

    def _start(self, env: Dict[str, str]) -> int:
        words, directory = self._words(), self.plan["directory"]
        if self.several:
            return processes.start(self._launcher(words, env), directory, env, self._path(LAUNCHER))
        pid = processes.start(words, directory, env, self._path("rank-0.log"))
        self._record(pid, {})
        return pid

    def _words(self) -> List[str]:
        kind, target, args = self.plan["kind"], self.plan["target"], list(self.plan["args"])
        if kind == "script":
            return [*self.plan["python"], target, *args]
        if kind == "module":
            return [*self.plan["python"], "-m", target, *args]
        if kind == "shell" and not os.access(target, os.X_OK):
            return ["sh", target, *args]
        return [target, *args]

    def _launcher(self, words: List[str], env: Dict[str, str]) -> List[str]:
        """Return torchrun with one of us between it and each script."""
        own = {"folder": self.folder, "words": words, "directory": self.plan["directory"], "env": {}}
        path = self._path("launch/rank.json")
        run_evidence.replace(path, boot.bundle("run_rank", own))
        nproc = str(self.plan["nproc"])
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", nproc, "--no-python"]
        return [*self.plan["python"], *torchrun, *boot.command()[:1], "-I", *boot.command()[1:], path]

    def _record(self, pid: int, more: Facts) -> None:
        first = {"rank": 0, "local_rank": 0, "pid": pid, "started": self.started}
        run_evidence.write(self._path("rank-0.json"), {**first, **more}, sync=bool(more))

    def _watch(self, pid: int, collector: int) -> int:
        """Wait for it, and for its ranks; pass on what is asked. Return its exit code."""
        limit = self.plan["timeout_s"]
        timeout = None if limit is None else time.monotonic() + limit
        code: Optional[int] = None
        # A shell dies of the signal at once, and torchrun waits for nobody for long: who was asked, may save.
        while code is None or any(_lives(process) for process in self._told):
            number = processes.next_signal(self._pause(timeout, ended=code is not None))
            for child, status in processes.reaped():
                if child == pid:
                    code, name = processes.how(status)
                    if not self.several:
                        self._record(pid, {"ended": time.time(), "code": code, "signal": name or None})
            if number in (signal.SIGTERM, signal.SIGINT):
                self._ask(pid)
            now = time.monotonic()
            if timeout is not None and now > timeout and self._deadline is None and code is None:
                stop = {"by": "timeout", "time": time.time(), "now": False}
                run_evidence.write(self._path("stop.json"), stop)
                self._ask(pid, by_signal=False)
            if self._deadline is not None and now > self._deadline:
                processes.kill_all(self.plan["name"], {collector}, _KILL_S)
                self._told = []
        return code

    def _pause(self, timeout: Optional[float], *, ended: bool) -> float:
        until = [
            one for one in (timeout if self._deadline is None else None, self._deadline) if one is not None
        ]
        rest = min(until) - time.monotonic() if until else 60.0
        return max(0.0, min(_LOOK_S if ended or (until and rest < _LOOK_S) else 60.0, rest)) or 0.02

    def _ask(self, pid: int, *, by_signal: bool = True) -> None:
        """Ask the scripts to end; asked again, or for now, they are killed by the deadline that has come."""
        stop = run_evidence.read(self._path("stop.json")) or {}
        self._asked = self._asked or (by_signal and not stop)
        if self._deadline is not None or stop.get("now"):
            self._deadline = time.monotonic() - 1
            return
        self._deadline = time.monotonic() + float(self.plan["grace_s"])
        if not self.several:
            targets = processes.script_and_what_it_wraps(pid)
        else:
            run_evidence.replace(self._path(STOPPING), b"")
            targets = [one for rank in self._ranks() for one in processes.script_and_what_it_wraps(rank)]
        self._told = targets
        for process in targets:
            processes.send(process, signal.SIGTERM)

    def _ranks(self) -> List[int]:
        """Return the scripts of the ranks that have not ended."""
        found = []
        for rank in self._records():
            pid = rank.get("pid")
            if pid and "ended" not in rank and run_evidence.ticks_of(pid) == rank.get("started_ticks"):
                found.append(int(pid))
        return found

    def _records(self) -> List[Facts]:
        paths = (self._path(f"rank-{rank}.json") for rank in range(int(self.plan["nproc"])))
        return [found for found in map(run_evidence.read, paths) if found is not None]

    def _end(self, code: int, not_started: Any, collector: int) -> Facts:
        ranks = self._records()
        seen = {
            "ranks": ranks,
            "tails": {rank["rank"]: _tail(self._path(f"rank-{rank['rank']}.log")) for rank in ranks},
            "stop": run_evidence.read(self._path("stop.json")),
            "asked": self._asked,
            "not_started": not_started,
            "code": code,
            "launcher": _tail(self._path(LAUNCHER)) if self.several else "",
            "expected": int(self.plan["nproc"]),
            "shell": self.plan["kind"] in ("shell", "command"),
            "oom_kills": run_memory.oom_kills() > self._kills,
            "unkillable": self._unkillable,
        }
        end = {**run_judge.judge(seen), "started": self.started, "ended": time.time(), "ranks": ranks}
        if collector:
            _wait_for(collector, _PACKAGES_S)
        run_evidence.free_room(self.folder)
        self._summary(end)
        shutil.rmtree(self._path("launch"), ignore_errors=True)
        run_evidence.write(self._path("end.json"), end)
        return end

    def _summary(self, end: Optional[Facts]) -> None:
        """Replace run.json; what an earlier attempt found of code and packages stays until this one knows."""
        path = os.path.join(self.plan["folder"], "run.json")
        before = run_evidence.read(path) or {}
        found = run_evidence.read(self._path("packages.json")) or {}
        attempt = {"number": self.number, "started": self.started, "ended": end and end["ended"], "end": end}
        node = self.plan.get("node") or {"count": 1}
        summary = {
            "version": 1,
            "name": self.plan["name"],
            "record": self.plan["record"],
            "command": self.plan["record"].get("argv", []),
            "script": self.plan["target"],
            "directory": self.plan["directory"],
            "accelerator": self.plan["accelerator"],
            "nproc": self.plan["nproc"],
            "nodes": node["count"],
            "created": before.get("created") or self.started,
            "attempts": self.number,
            "attempt": attempt,
            "retries": self.plan["retries"],
            **{key: found.get(key, before.get(key)) for key in ("git", "packages", "python")},
        }
        summary = {key: value for key, value in summary.items() if value is not None or key == "git"}
        run_evidence.write(path, summary)


def _lives(process: processes.Known) -> bool:
    fields = run_evidence.stat_of(process[0])
    return fields is not None and fields[0] not in "ZX" and run_evidence.ticks_of(process[0]) == process[1]


def _tail(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _wait_for(pid: int, limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                time.sleep(0.05)
                continue
        return
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
