"""The host's folder behind /work/cache: what lies there, and what nobody used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from envkit import paths
from envkit.environment import folders
from envkit.errors import EnvkitError, HostError, UsageError
from envkit.hosts.base import Command, Host
from envkit.plan.durations import seconds

SETTING = "ENVKIT_CACHE_RETENTION"
DEFAULT = "3d"  # design.md, section 4
_PROGRAMS = ("cache_look", "cache_remove", "cache_main")
_TIMEOUT_S = 4 * 3600.0  # millions of files on a slow disk; a run that is cut off is gone on with
_AUTO_TIMEOUT_S = 120.0  # it looks for at most 10 s, and then removes

Mode = Literal["status", "dry", "clean", "auto", "wipe"]

# Why an automatic run stopped → what to say. Silent: it was here only hours ago.
_STOPPED = {
    "clock": "the clock jumped by more than a day since the last run",
    "half": "more than half of it would go",
    "large": "it is too large to look through while you wait",
}


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """What goes as a whole: a package, a model, a tool's folder."""

    name: str
    state: str
    bytes: int
    unused_s: int


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much there is of a state."""

    entries: int
    bytes: int
    files: int


@dataclass(frozen=True, kw_only=True)
class CacheReport:
    """What lies in a cache folder, or what became of it."""

    folder: str
    filesystem: str
    reading_leaves_a_trace: bool
    retention_s: float
    states: dict[str, Amount]
    entries: tuple[CacheEntry, ...]
    finished: int  # left by an earlier run that was cut off
    stopped: str
    failures: tuple[str, ...]

    def amount(self, state: str) -> Amount:
        """Return how much there is of a state."""
        return self.states.get(state, Amount(entries=0, bytes=0, files=0))


def retention_s(text: str | None) -> float:
    """Return the retention in seconds: what was asked for, the setting, or three days; `0` is no time."""
    option = SETTING if text is None else "--retention"
    asked = os.environ.get(SETTING, DEFAULT) if text is None else text
    return 0.0 if asked.strip() == "0" else seconds(asked, option=option)


def look(host: Host, folder: str, keep_s: float, mode: Mode = "status") -> CacheReport:
    """Run the cache's program on the folder's own machine; UsageError when it is no cache of ours."""
    real = folders.resolve(host, folder, option="--cache")
    asked = json.dumps({"folder": real, "mode": mode, "retention_s": keep_s})
    timeout_s = _AUTO_TIMEOUT_S if mode == "auto" else _TIMEOUT_S
    command = Command(words=("python3", "-I", "-", asked), stdin=program(), timeout_s=timeout_s)
    done = host.run(command)
    if done.code != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise HostError(f"looking at the cache {real} failed: {last}", fix="look at the folder's permissions")
    told: dict[str, Any] = json.loads(done.stdout)
    if "refused" in told:
        raise _refusal(real, str(told["refused"]))
    return _report(told)


def tidy(host: Host, folder: str, keep_s: float, report: Callable[[str], None]) -> None:
    """Remove what nobody used, as `up` does by itself; what stands in the way is told, and no failure."""
    try:
        done = look(host, folder, keep_s, "auto")
    except EnvkitError as error:
        report(f"the cache was not cleaned: {error.what} ({error.fix})")
        return
    why = _STOPPED.get(done.stopped)
    if why:
        report(
            f"the cache was not cleaned: {why} (look at it: `envkit cache status`, or `envkit cache clean`)"
        )
    gone = done.amount("removed")
    if gone.entries:
        report(f"cache: {gone.bytes / 1e6:.1f} MB removed that nobody used for {keep_s / 86_400:g} days")


def wipe(host: Host, folder: str) -> None:
    """Remove a cache with its folder; one that is gone is fine."""
    if host.run(Command(words=("stat", "--", folder))).code != 0:
        return
    done = look(host, folder, 0, "wipe")
    if done.failures:
        raise HostError(
            f"the cache {folder} could not be removed: {'; '.join(done.failures[:3])}",
            fix="remove what it names, and run the command again",
        )
    host.run(Command(words=("rmdir", "--", folder)))  # where that is not allowed, it stays, empty


def program() -> bytes:
    """Return the program, in one piece: its modules, and the word to run the last."""
    texts = {name: (paths.probes() / f"{name}.py").read_text("utf-8") for name in _PROGRAMS}
    return (
        "import json, sys, types\n"
        "sys.modules['sweep'] = types.ModuleType('sweep')\n"
        "sys.modules['sweep'].__path__ = []\n"
        f"for name, text in {texts!r}.items():\n"
        "    module = types.ModuleType('sweep.' + name)\n"
        "    module.__package__ = 'sweep'\n"
        "    sys.modules[module.__name__] = module\n"
        "    exec(compile(text, name + '.py', 'exec'), module.__dict__)\n"
        "print(json.dumps(module.main(json.loads(sys.argv[1]))))\n"
    ).encode()


def _refusal(folder: str, why: str) -> EnvkitError:
    if why == "not marked":
        return UsageError(
            f"{folder} was not made by envkit as a cache, and is not empty: nothing in it is removed",
            fix=f"if all in it may go when nobody uses it: touch {folder}/.envkit-cache",
        )
    if why == "not there":
        return UsageError(f"there is no cache {folder} yet", fix="`envkit up` makes it")
    if why == "another run is at it":
        return EnvkitError(f"another run is cleaning {folder}", fix="wait for it; nothing is left undone")
    return UsageError(f"the cache {folder}: {why}", fix="name another folder with --cache")


def _report(told: dict[str, Any]) -> CacheReport:
    return CacheReport(
        **{
            **told,
            "states": {state: Amount(**amount) for state, amount in told["states"].items()},
            "entries": tuple(CacheEntry(**entry) for entry in told["entries"]),
            "failures": tuple(told["failures"]),
        }
    )
