"""One process of several, between torchrun and the script: it records how the script ended.

torchrun tells of an exit code or a signal only that something failed, and ends everybody's processes with
SIGTERM and, 30 s later, SIGKILL. This stands in between: while the run is being stopped, the supervisor alone
asks the scripts to end, and torchrun's signal is not handed on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, Dict

from . import run_process as processes
from .run_evidence import write

Facts = Dict[str, Any]


def main(plan: Facts) -> None:
    """Run the script as its child, and end as it did."""
    rank = int(os.environ["RANK"])
    base = os.path.join(plan["folder"], f"rank-{rank}")
    record: Facts = {"rank": rank, "local_rank": int(os.environ["LOCAL_RANK"]), "started": time.time()}
    processes.hold_signals()
    if _is_stopping(plan["folder"]):
        sys.exit(143)  # asked to end before it began
    env = {key: text for key, text in os.environ.items() if key not in plan["without"]}
    env.update(plan["env"])
    try:
        pid = processes.start(plan["words"], plan["directory"], env, f"{base}.log")
    except processes.NotStartedError as error:
        write(f"{base}.json", {**record, "ended": time.time(), "code": error.code, "signal": None})
        print(f"envkit: not started: {error}", file=sys.stderr)
        sys.exit(error.code)
    write(f"{base}.json", {**record, "pid": pid, "started_ticks": processes.known(pid)[1]}, sync=False)
    status = _wait(pid, plan["folder"])
    code, name = processes.how(status)
    write(f"{base}.json", {**record, "pid": pid, "ended": time.time(), "code": code, "signal": name or None})
    sys.exit(code)


def _wait(pid: int, folder: str) -> int:
    """Wait for the script; torchrun's SIGTERM (another rank failed) is handed to it once."""
    told = False
    while True:
        number = processes.next_signal(60)
        for child, status in processes.reaped():
            if child == pid:
                return status
        if number in (signal.SIGTERM, signal.SIGINT) and not told and not _is_stopping(folder):
            told = True
            for process in processes.script_and_what_it_wraps(pid):
                processes.send(process, signal.SIGTERM)


def _is_stopping(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, name)) for name in ("stop.json", "launch/stopping"))
