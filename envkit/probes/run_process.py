"""A run's processes: start one, find all that belong to it, tell them to end, kill them.

Everything of a run carries ENVKIT_RUN in its environment, and what loses its parent becomes the supervisor's
child: the two together find whatever is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Dict, Iterator, List, Mapping, NoReturn, Sequence, Set, Tuple

from .run_evidence import stat_of, ticks_of

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
SHELLS = {"sh", "dash", "bash", "ash", "busybox", "zsh", "ksh", "mksh", "csh", "tcsh", "fish"}
# Where memory ends, the kernel takes the script and not its supervisor (proc(5): -1000 to 1000).
_OOM_SCORE = b"500"
# What Python's multiprocessing and torch start for themselves; they end a moment after their script.
_HELPERS = ("multiprocessing", "torch_shm_manager", "compile_worker")

Known = Tuple[int, int]  # a process: its number and when it started


class NotStartedError(Exception):
    """A program could not be started: what the kernel said."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__(words)
        self.code = 127 if number == 2 else 126  # as a shell has it: not found, cannot be executed


def hold_signals() -> None:
    """Have this process take its signals one by one, by `next_signal`, rather than die of them."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def next_signal(limit_s: float) -> int:
    """Wait for the next signal; 0 if none came."""
    came = signal.sigtimedwait(SIGNALS, max(0.0, limit_s))
    return came.si_signo if came else 0


def start(words: Sequence[str], directory: str, env: Mapping[str, str], log: str) -> int:
    """Start a program in a session of its own, its output at the end of a file, and return its number."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(words, directory, env, (log, writing))
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read().decode("utf-8", "replace")
    if told:
        os.waitpid(pid, 0)
        number, _, text = told.partition(" ")
        raise NotStartedError(int(number), text)
    return pid


def _become(words: Sequence[str], directory: str, env: Mapping[str, str], files: Tuple[str, int]) -> NoReturn:
    log, writing = files
    what = log
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as score:
            score.write(_OOM_SCORE)
        what = directory
        os.chdir(directory)
        what = words[0]
        os.execvpe(words[0], list(words), dict(env))
    except OSError as error:
        os.write(writing, f"{error.errno} {what}: {error.strerror}".encode("utf-8", "replace"))
    finally:
        os._exit(127)


def adopt_orphans() -> None:
    """Become the parent of whatever of this run loses its own, as process 1 is anyway."""
    if os.getpid() == 1:
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, prctl(2)


def reaped() -> Iterator[Tuple[int, int]]:
    """Yield every child that has ended, with its wait status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def how(status: int) -> Tuple[int, str]:
    """Return a wait status as an exit code and a signal's name; a death by signal 9 has the code 137."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return 128 + number, signal_name(number)
    return os.WEXITSTATUS(status), ""


def signal_name(number: int) -> str:
    """Return SIGKILL for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def send(process: Known, number: int) -> None:
    """Send a signal to exactly this process; one that is gone has no need of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if ticks_of(process[0]) == process[1]:
            os.kill(process[0], number)


def knows_only_ctrl_c(pid: int) -> bool:
    """Tell whether a script dies of SIGTERM in the middle of a line, and of Ctrl-C does not.

    That is a Python without a handler of its own: SIGTERM skips its `except KeyboardInterrupt`, its `finally`
    and `atexit`, and what its SummaryWriter has not written yet.
    """
    if not _program(pid).startswith("python"):
        return False
    masks = _signal_masks(pid)
    caught = masks.get("SigCgt", 0)
    taken = caught | masks.get("SigIgn", 0) | masks.get("SigBlk", 0)
    return bool(caught & _bit(signal.SIGINT)) and not taken & _bit(signal.SIGTERM)


def press_ctrl_c(script: Known) -> None:
    """Send to a script, and to what it started in its group, what a terminal sends at Ctrl-C."""
    children, waiting = _children(), [script]
    group = _group(script[0])
    while waiting:
        one = waiting.pop()
        if _group(one[0]) == group:
            waiting += [known(child) for child in children.get(one[0], [])]
            send(one, signal.SIGINT)


def _group(pid: int) -> str:
    fields = stat_of(pid)
    return fields[2] if fields else ""


def _children() -> Dict[int, List[int]]:
    children: Dict[int, List[int]] = {}
    for child, fields in _processes():
        children.setdefault(int(fields[1]), []).append(child)
    return children


def _signal_masks(pid: int) -> Dict[str, int]:
    """Return which signals a process blocks, ignores and catches: bits, as proc(5) has them."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if line.startswith("Sig"))
    except OSError:
        return {}
    return {name: int(text, 16) for name, text in fields.items() if name in ("SigBlk", "SigIgn", "SigCgt")}


def _bit(number: int) -> int:
    return 1 << (number - 1)


def known(pid: int) -> Known:
    """Return a process so that it is not taken for a later one of its number."""
    return pid, ticks_of(pid)


def script_and_what_it_wraps(pid: int) -> List[Known]:
    """Return who hears that the run should end: the script; if that is a shell, also what the shell started.

    Not the children of anything else: the workers of a DataLoader must live while their script saves.
    """
    found, waiting, children = [], [pid], _children()
    while waiting:
        one = waiting.pop()
        found.append(known(one))
        if _program(one) in SHELLS:
            waiting += children.get(one, [])
    return found


def _program(pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def _processes() -> Iterator[Tuple[int, List[str]]]:
    """Yield every process that has not ended, with its fields from /proc/PID/stat."""
    for name in os.listdir("/proc"):
        fields = stat_of(int(name)) if name.isdigit() else None
        if fields and fields[0] not in "ZX":
            yield int(name), fields


def left(run: str, not_these: Set[int]) -> List[Known]:
    """Return what lives of a run: what carries its name, and all that descend from us, but for some."""
    ours, parents = [], {}
    mark = f"ENVKIT_RUN={run}".encode("utf-8", "surrogateescape")
    for pid, fields in _processes():
        parents[pid] = int(fields[1])
    for pid in parents:
        line = _line(pid, parents)
        if pid == os.getpid() or not_these.intersection(line):
            continue
        if os.getpid() in line or _carries(pid, mark):
            ours.append(known(pid))
    return ours


def on_its_own(those: Sequence[Known], sessions: Set[int]) -> List[str]:
    """Return the command lines of what a script meant to go on without it, as `&` and daemons do.

    The workers of a script, Pythons in its session, are not meant to, and only not gone yet.
    """
    found = []
    for pid, _ in those:
        fields = stat_of(pid)
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")
            is_worker = int(fields[3]) in sessions and _program(pid).startswith("python") if fields else True
            if words[0] and not is_worker and not any(helper in one for one in words for helper in _HELPERS):
                found.append(" ".join(words).strip())
    return found


def _line(pid: int, parents: Mapping[int, int]) -> Set[int]:
    """Return a process with all whom it descends from."""
    line: Set[int] = set()
    while pid and pid not in line:
        line.add(pid)
        pid = parents.get(pid, 0)
    return line


def _carries(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def kill_all(run: str, not_these: Set[int], limit_s: float) -> List[Known]:
    """Kill all that lives of a run, and what it starts meanwhile; return what cannot be killed (state D)."""
    until = time.monotonic() + limit_s
    while True:
        rest = left(run, not_these)
        if not rest or time.monotonic() > until:
            return rest
        for process in rest:
            send(process, signal.SIGKILL)
        time.sleep(0.02)
