"""`envkit commit` beside `docker commit`, and beside `docker export | docker import`, of one environment.

In it was installed by pip and apt, as people do. What a save pauses is told by the engine's own events.
By itself: `python -m tests.bench.saves [TIMES]`; it says what it does, on stderr.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from envkit.errors import VerifyError
from envkit.hosts.local import LocalHost
from envkit.image.network import read_network
from envkit.plan.network import script
from tests.bench.builds import ENVKIT, seconds
from tests.bench.smoke import IMAGE
from tests.bench.table import Row

OURS, RAW, FLAT = (f"envkit-bench:{name}" for name in ("saved", "committed", "imported"))
# 480 MB of files, and apt's lists and archives beside them. pip's cache is in a mount.
INSTALL = "apt-get update && apt-get install -y gcc && pip install pandas scipy"
CACHES = ("/var/cache/apt", "/var/lib/apt/lists", "/var/log")
_TIMES = 3
_LONGEST_S = 600


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What one save took, or the middle of some."""

    ours: float
    proof: float  # of that
    ours_paused: float
    raw: float
    raw_paused: float
    flat: float


def measure(times: int = _TIMES) -> list[Row]:
    """Build an image with torch, install in an environment of it, save that; return the rows."""
    _say(f"building {IMAGE}")
    seconds([ENVKIT, "build", "preset:cpu", "--tag", IMAGE])
    try:
        _say("starting an environment")
        with environment() as name:
            _say(f"installing in it: {INSTALL}")
            install(f"envkit-{name}")
            turns = [_saved(name) for _ in range(times)]
        middle = {
            one.name: statistics.median(getattr(turn, one.name) for turn in turns) for one in fields(Saved)
        }
        _say("proving what docker commit made")
        return [*_times(Saved(**middle)), *_sizes()]
    finally:
        subprocess.run(["docker", "rmi", OURS, RAW, FLAT], capture_output=True, check=False)


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


@contextmanager
def environment() -> Iterator[str]:
    """Start an environment; give its name."""
    name = f"bench-save-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder:
        home, cache = Path(folder) / "home", Path(folder) / "cache"
        try:
            seconds([ENVKIT, "up", IMAGE, "--name", name, "--home", str(home), "--cache", str(cache)])
            yield name
        finally:
            subprocess.run([ENVKIT, "rm", name, "--yes"], capture_output=True, check=False)


def install(container: str) -> None:
    """Install in the container's files, by way of this machine's network: not every bridge leads out."""
    variables = subprocess.run(
        ["docker", "exec", container, "env", "-0"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    process = subprocess.run(
        ["docker", "inspect", "--format", "{{.State.Pid}}", container],
        capture_output=True,
        text=True,
        check=True,
    )
    exports = "".join(f"export {shlex.quote(one)}\n" for one in variables if one)
    lines = (
        f"set -e\n{exports}export HOME=/root\n{script(read_network(LocalHost(), os.environ))}\n{INSTALL}\n"
    )
    inside = ["nsenter", "--target", process.stdout.strip(), "--mount", "--", "env", "-i", "sh"]
    done = subprocess.run(
        inside, input=lines, capture_output=True, text=True, timeout=_LONGEST_S, check=False
    )
    if done.returncode:
        raise SystemExit(f"{INSTALL}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _saved(name: str) -> Saved:
    container = f"envkit-{name}"
    subprocess.run(["docker", "rmi", OURS, RAW, FLAT], capture_output=True, check=False)
    with _pause(container) as ours_paused:
        began = time.monotonic()
        said = subprocess.run(
            [ENVKIT, "commit", name, OURS, "--json"], capture_output=True, text=True, check=False
        )
        if said.returncode:
            raise SystemExit(f"envkit commit: exit {said.returncode}\n{said.stderr[-2000:]}")
        ours = time.monotonic() - began
    proof = json.loads(said.stdout)["verdict"]["seconds"]
    _say(f"envkit commit: {ours:.1f} s, {proof:.1f} s of them the proof, paused for {ours_paused[0]:.1f} s")
    with _pause(container) as raw_paused:
        raw = seconds(["docker", "commit", container, RAW])
    _say(f"docker commit: {raw:.1f} s, paused for {raw_paused[0]:.1f} s")
    flat = seconds(["bash", "-c", f"set -o pipefail; docker export {container} | docker import - {FLAT}"])
    _say(f"docker export | docker import: {flat:.1f} s")
    return Saved(
        ours=ours, proof=proof, ours_paused=ours_paused[0], raw=raw, raw_paused=raw_paused[0], flat=flat
    )


@contextmanager
def _pause(container: str) -> Iterator[list[float]]:
    """Listen to the engine meanwhile; the list gets what passed between pausing and unpausing."""
    words = ["docker", "events", "--since", str(time.time()), "--until", str(time.time() + _LONGEST_S)]
    words += ["--filter", f"container={container}", "--filter", "event=pause", "--filter", "event=unpause"]
    found: list[float] = []
    with subprocess.Popen([*words, "--format", "{{.TimeNano}}"], stdout=subprocess.PIPE, text=True) as events:
        yield found
        assert events.stdout is not None  # it was asked for
        times = [events.stdout.readline() for _ in range(2)]
        events.terminate()
        if not all(times):
            raise SystemExit(f"{container} was not seen paused, and going on")
        found.append((int(times[1]) - int(times[0])) / 1e9)


def _times(saved: Saved) -> list[Row]:
    bare, raw = saved.ours - saved.proof, "docker commit"
    proven = saved.raw + _tried(RAW)
    return [
        Row(
            what="commit, proven", ours=saved.ours, baseline=proven, baseline_name=f"{raw}, verify", goal=1.5
        ),
        Row(
            what="commit, without the proof",
            ours=bare,
            baseline=saved.raw,
            baseline_name=raw,
            goal=10,
            more=True,
        ),
        Row(
            what="commit, without the proof",
            ours=bare,
            baseline=saved.flat,
            baseline_name="docker export, import",
            goal=1,
        ),
        Row(
            what="commit, the pause",
            ours=saved.ours_paused,
            baseline=saved.raw_paused,
            baseline_name=raw,
            goal=1.2,
        ),
    ]


def _tried(image: str) -> float:
    """Return how long a proof takes, also one that fails: of what docker commit keeps of the container."""
    began = time.monotonic()
    done = subprocess.run([ENVKIT, "verify", image], capture_output=True, text=True, check=False)
    if done.returncode not in (0, VerifyError.exit_code):
        raise SystemExit(f"envkit verify: exit {done.returncode}\n{done.stderr[-2000:]}")
    _say(f"that took {time.monotonic() - began:.1f} s, exit code {done.returncode}")
    return time.monotonic() - began


def _sizes() -> list[Row]:
    base, ours, raw, flat = (_megabytes(image) for image in (IMAGE, OURS, RAW, FLAT))
    return [
        Row(
            what="commit, its new layers",
            ours=ours - base,
            baseline=raw - base,
            baseline_name="docker commit",
            goal=0.9,
            unit="MB",
        ),
        Row(
            what="commit, its new layers",
            ours=ours - base,
            baseline=flat,  # one layer, which shares nothing with the image that it came from
            baseline_name="docker export, import",
            goal=0.9,
            unit="MB",
        ),
        Row(
            what="  caches and logs in the image",
            ours=_caches(OURS),
            baseline=_caches(RAW),
            baseline_name="docker commit",
            goal=0.1,
            unit="MB",
        ),
    ]


def _megabytes(image: str) -> float:
    words = ["docker", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout) / 1e6


def _caches(image: str) -> float:
    """Return what lies in folders of caches and logs, as a look into the image tells."""
    words = ["docker", "run", "--rm", "--network=none", "--entrypoint=du", "--user=0", image, "-sbc", *CACHES]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return int(told[-1].split()[0]) / 1e6


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure(*map(int, sys.argv[1:2]))))
