"""Carry out a training run, inside: boot.py runs `main(request)` as process 1, or by exec in an environment.

Standard library only, Python 3.8 and newer. Its process ends with the run's own exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from . import run_process as processes
from .run_attempt import Attempt
from .run_evidence import free_room, identity, read, write
from .run_supervise import ECHO_S, Supervisor

if TYPE_CHECKING:
    from .run_link import Link

Facts = Dict[str, Any]
# What --on names, by how an attempt ended.
_REASONS = {
    "host-memory": "oom",
    "device-memory": "oom",
    "script-error": "error",
    "signal": "error",
    "rendezvous": "error",
    "outside": "killed",
    "engine-lost": "host-lost",
    "node-lost": "host-lost",
}
CANNOT_WRITE = 74  # EX_IOERR, sysexits.h
TERMINATED = 143  # 128 + SIGTERM


def main(request: Facts) -> None:
    """Carry out the run, its retries included."""
    end: Facts
    survives = "host-lost" in request["retry_on"]
    try:
        for path, text in request.pop("account", {}).items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        if not survives:
            _forget_begin(request)
        number, end = _begin(request)
        if request["detach"] and number is not None:
            _detach()
        processes.hold_signals()
        while number is not None:
            end = _attempt(request, number)
            number = _next(request, number, end)
    except OSError as error:
        print(f"envkit: the run's evidence cannot be written: {error}", flush=True)
        sys.exit(CANNOT_WRITE)
    if not survives:
        sys.exit(min(int(end.get("code") or 0), 255))
    # A restart policy must not start again what has ended: 0 tells it so; end.json has the real code. Whoever
    # was asked to end from outside is started again by an engine that went down, and by no `docker stop`.
    if _was_asked_outside(end):
        sys.exit(TERMINATED)
    _forget_begin(request)
    sys.exit(0)


def _forget_begin(request: Facts) -> None:
    """Remove the file that we came in, where we did: who is started again needs it again."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(request["folder"], "begin.json"))


def _begin(request: Facts) -> Tuple[Optional[int], Facts]:
    """Return the attempt to begin with, its folder made; None when all has been done, with the last end."""
    os.makedirs(os.path.join(request["folder"], "attempts"), exist_ok=True)
    number = int(request["attempt"])
    try:
        os.mkdir(_folder(request, number))
        return number, {}
    except FileExistsError:
        last = _last(request)
    own = read(os.path.join(_folder(request, last), "supervisor.json")) or {}
    if os.getpid() != 1 or own.get("container") != identity()["container"]:
        sys.exit(f"envkit: attempt {number} of {request['name']} is there already")
    # We are started again: the engine or the machine ended us, with or without a last word before.
    end = read(os.path.join(_folder(request, last), "end.json")) or {}
    if not end or _was_asked_outside(end):
        end = _lost(request, last, end)
    return _next(request, last, end), end


def _was_asked_outside(end: Facts) -> bool:
    """Tell whether neither the user nor a time limit asked it to end."""
    return (end.get("state"), end.get("cause")) == ("stopped", "outside")


def _folder(request: Facts, number: int) -> str:
    return os.path.join(request["folder"], "attempts", str(number))


def _last(request: Facts) -> int:
    names = os.listdir(os.path.join(request["folder"], "attempts"))
    return max((int(name) for name in names if name.isdecimal()), default=int(request["attempt"]))


def _lost(request: Facts, number: int, told: Facts) -> Facts:
    """Write that an attempt was lost with the engine; `told`: its own last word, if it could say one."""
    from .run_judge import SENTENCES
    from .run_merge import merge_rest
    from .run_summary import Summary

    attempt = Attempt(request, number)
    before = [read(attempt.path(f"rank-{rank}.json")) for rank in attempt.ranks]
    ranks = [rank for rank in before if rank is not None]
    end: Facts = {
        "state": "lost",
        "cause": "engine-lost",
        "code": 255,
        "signal": None,
        "rank": None,
        "words": "",
    }
    end["frame"], end["ranks"] = None, ranks
    end["sentence"] = SENTENCES["engine-lost"]
    end["started"] = min((rank["started"] for rank in ranks), default=None)
    end["ended"] = time.time()
    if told:
        kept = {key: told[key] for key in ("code", "ranks", "started", "ended")}
        end.update(kept, sentence="lost: the engine or the machine went down, and asked it to end first")
    free_room(attempt.folder)
    if attempt.several:
        merge_rest(attempt.folder, attempt.names, attempt.path("all.log"), ECHO_S)
    Summary(request, number, end["started"] or end["ended"]).write(end=end)
    write(attempt.path("end.json"), end)
    return end


def _next(request: Facts, number: int, end: Facts) -> Optional[int]:
    """Return the number of another attempt, its folder made; None when there is none to be."""
    if end["state"] not in ("failed", "killed", "lost") or number - request["attempt"] >= request["retries"]:
        return None
    if _REASONS.get(end["cause"] or "", "error") not in request["retry_on"]:
        return None
    os.mkdir(_folder(request, number + 1))
    return number + 1


def _attempt(request: Facts, number: int) -> Facts:
    """Carry out one attempt, to its last word."""
    attempt = Attempt(request, number)
    attempt.prepare()
    link = _link(request, is_again=number > request["attempt"])
    supervisor = Supervisor(attempt, link)
    started = supervisor.start()
    _tell_parent(f'{{"pid": {os.getpid()}, "attempt": {number}}}')
    # From here on nobody waits for us.
    from .run_merge import Merger
    from .run_packages import collect
    from .run_summary import Summary

    found = attempt.path("packages.json")
    env = {**os.environ, **request["env"]}
    supervisor.leave_alone(collect(request["python"], request["directory"], env, found))
    merged = attempt.path("all.log") if attempt.several else None
    merger = Merger(attempt.folder, attempt.names, merged, request["echo"])
    merger.start()
    summary = Summary(request, number, supervisor.started)
    with contextlib.suppress(OSError):  # a disk that is full from the start: the end will tell
        summary.write()
    if started:
        supervisor.watch()
    end = supervisor.end()
    if link is not None:
        from .run_verdict import agree

        end = agree(link, end, request["grace_s"], supervisor.attend)
    merger.finish(ECHO_S)
    supervisor.close_logs()
    supervisor.wait_for_collector()
    facts = read(found)
    attempt.leave()
    _write_end(attempt, summary, facts, end)
    return end


def _link(request: Facts, *, is_again: bool) -> Optional[Link]:
    """Begin to look for the other nodes, where there are any."""
    node = request.get("node")
    if not node or node["count"] == 1:
        return None
    from .run_link import AGAIN_S, JOIN_S, Link

    link = Link(node, AGAIN_S if is_again else JOIN_S)
    link.start()
    return link


def _write_end(attempt: Attempt, summary: Any, found: Optional[Facts], end: Facts) -> None:
    """Write the end, the summary first; where that cannot be, stdout has it."""
    try:
        with contextlib.suppress(OSError):  # it may be long, and the room kept is not
            summary.write(found=found, end=end)
        write(attempt.path("end.json"), end)
    except OSError as error:
        print(f"envkit: the run's end cannot be written: {error}", flush=True)
        print(f"envkit-end {json.dumps(end, sort_keys=True)}", flush=True)


_parent: Optional[int] = None


def _detach() -> None:
    """Go on alone; who started us gets its words once the script has started, and is let go."""
    global _parent
    reading, _parent = os.pipe()
    sys.stdout.flush()
    if os.fork():
        os.close(_parent)
        with open(reading, "rb") as pipe:
            said = pipe.read().decode("utf-8", "replace")
        print(said or "envkit: the run's supervisor ended before it began", flush=True)
        os._exit(0 if said.startswith("{") else 1)
    os.close(reading)
    os.setsid()
    _silence()


def _silence() -> None:
    """Let go of the terminal or pipe that we were started with."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for file in (0, 1, 2):
        os.dup2(nothing, file)


def _tell_parent(words: str) -> None:
    """Tell who started us, if they wait; once."""
    global _parent
    if _parent is not None:
        os.write(_parent, words.encode())
        os.close(_parent)
        _parent = None
