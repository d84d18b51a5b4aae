"""The host's side of /work before an environment starts: its folders and its filesystem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from envkit.environment import cache, folders
from envkit.errors import EnvkitError
from envkit.hosts.base import Host
from envkit.plan.run_plan import RunPlan

_MOUNTS = Path("/proc/self/mountinfo")
# SQLite's locks fail, hang or lie on networks' filesystems and FUSE (reliability.md, section 4, row 21).
_UNFIT = ("nfs", "lustre", "fuse", "cifs", "smb", "ceph", "9p", "beegfs", "gpfs", "gfs", "afs")
# Where the IDEs keep databases and runtime files: another filesystem may be mounted at one of them.
_STATE = (".local", ".jupyter", ".ipython", ".config", ".cache")
_OCTAL = re.compile(r"\\([0-7]{3})")


def prepare(host: Host, plan: RunPlan, retention_s: float | None, report: Callable[[str], None]) -> None:
    """Make the folders the caller's, and remove from the cache what nobody used."""
    for path in (plan.home, plan.cache):
        folders.prepare(host, path, plan.caller)
    if retention_s is not None:
        # One of its own goes as a whole, later; the look marks it as a cache, without which nothing may go.
        cache.tidy(host, plan.cache, float("inf") if plan.own_cache else retention_s, report)


@contextmanager
def own_cache_goes_on_failure(host: Host, plan: RunPlan) -> Iterator[None]:
    """Remove a cache of its own when its environment does not come up: nothing else would know of it."""
    try:
        yield
    except BaseException:
        if plan.own_cache:
            with suppress(EnvkitError):  # the failure that led here says more
                cache.wipe(host, plan.cache)
        raise


def home_filesystem(host: Host, home: str) -> str:
    """Return the type of the filesystem below a home when databases do not bear it, else nothing."""
    return unfit_filesystem((host.read(_MOUNTS) or b"").decode("utf-8", "replace"), home)


def unfit_filesystem(mounts: str, home: str) -> str:
    """Return the same, from lines of /proc/self/mountinfo."""
    below, inside = ("", ""), ""
    for line in mounts.splitlines():
        words = line.split()
        if "-" not in words:
            continue
        point, kind = _path(words[4]), words[words.index("-") + 1]
        if PurePosixPath(home).is_relative_to(point) and len(point) >= len(below[0]):
            below = (point, kind)
        elif any(PurePosixPath(point).is_relative_to(f"{home}/{name}") for name in _STATE):
            inside = kind if kind.startswith(_UNFIT) else inside
    return below[1] if below[1].startswith(_UNFIT) else inside


def _path(written: str) -> str:
    """Return a path as mountinfo writes it: a space is \\040."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), written)
