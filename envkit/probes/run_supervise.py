"""Start an attempt, watch it, end it when it is to end, and say how it ended.

A single thread takes signals one by one; what the script prints goes past it, straight to the disk.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set

from . import run_process as processes
from .run_attempt import Attempt
from .run_commands import missing
from .run_evidence import free_room, is_full, read, tail, write
from .run_memory import oom_kills

if TYPE_CHECKING:
    from .run_link import Link

Facts = Dict[str, Any]
TICK_S = 0.25  # how late a time limit, a peer's death or a rank's record may be noticed
OTHERS_S = 30.0  # for the ranks here when another node's have failed: what torchrun gives its own
# What outlives its script is asked to end at once. What does not within what `docker stop` gives a container
# ignores it, a server that somebody forgot: it must not hold the run's end, and the cards, any longer.
LEFTOVER_S = 10.0
KILL_S = 10.0  # a process that outlives SIGKILL for so long is in the kernel, and no longer waited for
COLLECT_S = 5.0  # what is not known about the code by then is left out
ECHO_S = 30.0  # for a slow reader of our stdout


class Supervisor:
    """One attempt while it runs."""

    def __init__(self, attempt: Attempt, link: Optional[Link] = None) -> None:
        self._attempt, self._link = attempt, link
        self._request = attempt.request
        self._main: Optional[int] = None
        self._status: Optional[int] = None  # the wait status of the script, or of torchrun
        self._not_started: Optional[List[Any]] = None
        self._collector: Set[int] = set()
        self._ranks: Dict[int, Facts] = {}
        self._told: Set[processes.Known] = set()
        self._told_ranks: Set[int] = set()
        self._asked = False  # whether it is being stopped, by whom ever
        self._for_others = False  # another node has failed: what happens here is no reason
        self._kill_at: Optional[float] = None  # when patience ends
        self._timeout_at: Optional[float] = None
        self._left_at: Optional[float] = None  # when the script had ended, and something of it was left
        self._behind: List[str] = []  # the command lines of that
        self._oom_kills = oom_kills()
        self._logs = attempt.limited()
        self._unkillable = 0
        self.started = time.time()

    def start(self) -> bool:
        """Start the script; False if that failed, which `end` will tell."""
        lacking = missing(self._request)
        if lacking:
            self._not_started = [lacking, 127]
            return False
        if self._link is not None and not self._meet(self._link):
            return False
        words, env, log = self._attempt.command()
        try:
            self._main = processes.start(words, self._request["directory"], env, log)
        except processes.NotStartedError as error:
            self._not_started = [str(error), error.code]
            return False
        if not self._attempt.several:
            self._ranks[0] = {"rank": 0, "local_rank": 0, "pid": self._main, "started": time.time()}
            self._ranks[0]["started_ticks"] = processes.known(self._main)[1]
            self._keep(0)
        if self._request.get("timeout_s"):
            self._timeout_at = time.monotonic() + self._request["timeout_s"]
        processes.adopt_orphans()
        return True

    def _meet(self, link: Link) -> bool:
        """Wait until all nodes are there, so that the script starts on all or on none."""
        while not link.is_complete():
            if processes.next_signal(TICK_S) in (signal.SIGTERM, signal.SIGINT):
                self._hear()
            self.obey()
            if self._asked:
                return False
            absent = link.missing()
            if absent:
                self._not_started = [absent, 1]
                return False
        return True

    def leave_alone(self, pid: int) -> None:
        """Take a process of ours for none of the run's."""
        self._collector.add(pid)

    def watch(self) -> None:
        """Return when nothing of the run is left."""
        while not self._is_over():
            number = processes.next_signal(TICK_S)
            self._reap()
            if number in (signal.SIGTERM, signal.SIGINT):
                self._hear()
            self._look()
        self._reap()  # what ended since: it lives no more, and how it ended is not known yet

    def _is_over(self) -> bool:
        if self._main is not None and self._status is None:
            return False
        rest = processes.left(self._request["name"], self._collector)
        if not rest:
            return True
        now = time.monotonic()
        if self._left_at is None:
            self._left_at = now
        if self._kill_at is None:
            self._kill_at = now + LEFTOVER_S
        if now - self._left_at >= TICK_S:  # what only reads a pipe to its end, as `tee` does, is gone by then
            self._end_rest(rest)
        return False

    def _end_rest(self, rest: List[processes.Known]) -> None:
        if not self._behind and not self._asked:
            ranks = {int(record["pid"]) for record in self._records().values() if "pid" in record}
            by_hand = self._request["kind"] in ("shell", "command")
            self._behind = processes.on_its_own(rest, set() if by_hand else ranks)
        self._tell(rest)

    def _reap(self) -> None:
        for pid, status in processes.reaped():
            self._collector.discard(pid)
            if pid == self._main:
                self._status = status
            for rank, record in self._records().items():
                if record.get("pid") == pid and "ended" not in record:
                    code, name = processes.how(status)
                    self._ranks[rank] = {**record, "ended": time.time(), "code": code, "signal": name or None}
                    self._keep(rank)

    def _records(self) -> Dict[int, Facts]:
        """Return what is known of the ranks; of several, each one's wrapper writes it."""
        if self._attempt.several:
            for rank in self._attempt.ranks:
                if "ended" not in self._ranks.get(rank, {}):
                    found = read(self._attempt.path(f"rank-{rank}.json"))
                    if found is not None:
                        self._ranks[rank] = found
        return self._ranks

    def _keep(self, rank: int) -> None:
        with contextlib.suppress(OSError):  # a full disk: end.json, for which room was kept, has it too
            write(self._attempt.path(f"rank-{rank}.json"), self._ranks[rank], sync=False)

    def _hear(self) -> None:
        """Act on SIGTERM: the first asks the scripts to end, a second one ends them."""
        stop = read(self._attempt.path("stop.json")) or {}
        is_now = self._asked or bool(stop.get("now"))
        if is_now:
            self._kill_at = time.monotonic()
        self._pass_on(str(stop.get("by", "outside")), is_now)
        self._stop()

    def _pass_on(self, by: str, is_now: bool) -> None:
        if self._link is not None:
            self._link.tell({"order": {"by": by, "now": is_now}})

    def obey(self) -> None:
        """Do what another node asks for, and hear whoever asks us."""
        order = self._link.order() if self._link is not None else None
        if order is None:
            return
        path = self._attempt.path("stop.json")
        if order["by"] != "node" and read(path) is None:
            with contextlib.suppress(OSError):
                write(path, {"by": order["by"], "time": time.time(), "now": order["now"]})
        self._for_others = self._for_others or (order["by"] == "node" and not self._asked)
        if order["now"]:
            self._kill_at = time.monotonic()
        elif order["by"] == "node" and self._kill_at is None:
            self._kill_at = time.monotonic() + min(self._request["grace_s"], OTHERS_S)
        self._stop()

    def attend(self) -> None:
        """Go on listening after all has ended here, while other nodes have not."""
        if processes.next_signal(0) in (signal.SIGTERM, signal.SIGINT):
            self._hear()
        self.obey()

    def _stop(self) -> None:
        """Begin to stop: from now on every script that is or comes is asked to end."""
        if self._asked:
            return
        self._asked = True
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._request["grace_s"]
        if self._attempt.several:  # the ranks' wrappers look for it
            with contextlib.suppress(OSError), open(self._attempt.path("launch", "stopping"), "wb"):
                pass

    def _stop_by(self, by: str) -> None:
        if self._asked:
            return
        with contextlib.suppress(OSError):
            write(self._attempt.path("stop.json"), {"by": by, "time": time.time(), "now": False})
        self._pass_on(by, False)
        self._stop()

    def _look(self) -> None:
        """Do what the time asks for."""
        now = time.monotonic()
        if self._timeout_at is not None and now >= self._timeout_at and self._status is None:
            self._stop_by("timeout")
        self.obey()
        for log in self._logs:
            log.look()
        if self._asked:
            self._tell_scripts()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill()

    def _tell_scripts(self) -> None:
        for rank, record in self._records().items():
            if rank not in self._told_ranks and "pid" in record and "ended" not in record:
                self._told_ranks.add(rank)
                if processes.known(record["pid"])[1] == record.get("started_ticks"):
                    self._ask(record["pid"])

    def _ask(self, pid: int) -> None:
        """Ask a script to end: by SIGTERM, or as Ctrl-C does it by hand where only that lets it save.

        Not where several train together: of those, whoever waits for a peer in C code hears no Ctrl-C.
        """
        for process in processes.script_and_what_it_wraps(pid):
            if not self._attempt.several and processes.knows_only_ctrl_c(process[0]):
                self._told.add(process)
                processes.press_ctrl_c(process)
            else:
                self._tell([process])

    def _tell(self, those: List[processes.Known]) -> None:
        """Ask to end, each process once."""
        for process in those:
            if process not in self._told:
                self._told.add(process)
                processes.send(process, signal.SIGTERM)

    def _kill(self) -> None:
        rest = processes.kill_all(self._request["name"], self._collector, KILL_S)
        self._unkillable = len(rest)
        self._reap()
        if rest:  # nothing more can be done; the end is told without them
            self._status = self._status if self._status is not None else signal.SIGKILL
            self._main, self._collector = None, self._collector | {pid for pid, _ in rest}

    def end(self) -> Facts:
        """Return how it ended."""
        from .run_judge import judge

        self._records()
        asked = self._asked and not self._for_others
        code = 0 if self._status is None else processes.how(self._status)[0]
        seen: Facts = {
            "stop": read(self._attempt.path("stop.json")) if asked else None,
            "asked": asked,
            "not_started": self._not_started,
            "ranks": [self._ranks[rank] for rank in sorted(self._ranks)],
            "host": self._link.name if self._link is not None else "",
            "expected": len(self._attempt.ranks),
            "code": code,
            "oom_kills": oom_kills() > self._oom_kills,
            "tails": {rank: tail(self._attempt.log(rank)) for rank in self._attempt.ranks},
            "launcher": tail(self._attempt.path("launch", "torchrun.log")),
            "shell": self._request["kind"] in ("shell", "command"),
            "unkillable": self._unkillable,
            "behind": self._behind,
            "is_full": is_full(self._attempt.folder),
        }
        free_room(self._attempt.folder)
        shutil.rmtree(self._attempt.path("launch"), ignore_errors=True)
        return {**judge(seen), "started": self.started, "ended": time.time(), "ranks": seen["ranks"]}

    def close_logs(self) -> None:
        """Make the logs whole files again, once nobody writes any more."""
        for log in self._logs:
            log.close()

    def wait_for_collector(self) -> None:
        """Wait for what is still being found out about the code, but not for ever."""
        until = time.monotonic() + COLLECT_S
        while self._collector and time.monotonic() < until:
            processes.next_signal(TICK_S)
            self._reap()
        for pid in self._collector:
            processes.send(processes.known(pid), signal.SIGKILL)
