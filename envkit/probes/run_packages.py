"""What ran: the commit and what differs from it, and the packages. Collected while the script runs.

In a process of its own, so that a slow disk or a huge repository delays nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .run_evidence import write
from .run_process import SIGNALS

Facts = Dict[str, Any]
DIFF_BYTES = 1_000_000
LIMIT_S = 60
# The folder may be another user's (a mount); the script in it runs anyway, so nothing is risked by reading.
# The fsmonitor is a program that a repository names; it is of no use here.
_GIT = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.quotepath=off")
_DISTRIBUTION = re.compile(r"^(?P<name>[^-]+)-(?P<version>[^-]+?)(?:-py.*)?\.(?:dist-info|egg-info)$")
_WHERE = "import json, sys; print(json.dumps([sys.version.split()[0], sys.path]))"


def collect(python: Sequence[str], directory: str, env: Mapping[str, str], path: str) -> int:
    """Start the collecting; what is found will stand in a file. Return the collector's number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.nice(10)
        version, packages = _packages(python, directory, env)
        found = {"git": _git(directory, env), "python": version, "packages": packages}
        write(path, found, sync=False)
    finally:
        os._exit(0)


def _said(words: Sequence[str], directory: str, env: Mapping[str, str]) -> Optional[bytes]:
    """Return what a program prints; None if it fails, is not there, or takes too long."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            list(words),
            cwd=directory,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None
    return None


def _git(directory: str, env: Mapping[str, str]) -> Optional[Facts]:
    def git(*words: str) -> Optional[bytes]:
        return _said((*_GIT, *words), directory, {**env, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"})

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return None
    branch, changed = git("symbolic-ref", "--short", "HEAD"), git("status", "--porcelain")
    diff = git("diff", "--no-ext-diff", "--no-textconv", "HEAD") or b""
    return {
        "commit": _text(commit),
        "branch": _text(branch or b""),
        "dirty": bool(changed),
        "diff": _cut(diff),
    }


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip()


def _cut(diff: bytes) -> str:
    text = diff[:DIFF_BYTES].decode("utf-8", "replace")
    if len(diff) > DIFF_BYTES:
        text += f"\n[cut: {len(diff) - DIFF_BYTES} of {len(diff)} bytes left out]\n"
    return text


def _packages(python: Sequence[str], directory: str, env: Mapping[str, str]) -> tuple[str, Dict[str, str]]:
    """Return the version of the user's Python and what is installed for it, by the names of its folders."""
    said = _said((*python, "-c", _WHERE), directory, env) if python else None
    if said is None:
        return "", {}
    version, places = json.loads(said.decode())
    return version, installed(places)


def installed(places: List[str]) -> Dict[str, str]:
    """Return the packages of some folders; the first folder that has one wins, as for `import`."""
    found: Dict[str, str] = {}
    for place in places:
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(place or ".")):
                match = _DISTRIBUTION.match(name)
                if match:
                    found.setdefault(re.sub(r"[-_.]+", "-", match["name"]).lower(), match["version"])
    return found
