"""Look at an environment before it is saved: sizes, what is in the home, what is at work; writes nothing."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from importlib import metadata
from pathlib import Path

# Programs that leave a half-installed package behind when they are copied in the midst of it.
MANAGERS = ("dpkg", "apt", "apt-get", "aptitude", "rpm", "dnf", "yum", "microdnf")
INSTALLING = re.compile(
    r"\b(pip3?|uv|conda|mamba|npm|pnpm|yarn)\b.* (install|uninstall|sync|add|remove|ci)\b"
)
WHITEOUT = b".wh."  # OCI image layer specification, "Whiteouts"
DEPTH = 3  # how deep below a mount a virtual environment is looked for


def sizes(paths: list[str]) -> list[list[object]]:
    """Return each path's size and whether it is a folder, in their order; a file of two names counts once."""
    found: list[list[object]] = []
    counted = set()
    for path in paths:
        try:
            about = os.lstat(os.fsencode(path))
        except OSError:
            found.append([0, False])
            continue
        size = about.st_size if stat.S_ISREG(about.st_mode) else 0
        if about.st_nlink > 1 and size:
            size = 0 if (about.st_dev, about.st_ino) in counted else size
            counted.add((about.st_dev, about.st_ino))
        found.append([size, stat.S_ISDIR(about.st_mode)])
    return found


def unkept(paths: list[str]) -> list[dict[str, object]]:
    """Return the paths that no layer can hold, and whether the engine would take one for a deletion."""
    found: list[dict[str, object]] = []
    for path in paths:
        folder, name = os.path.split(os.fsencode(path))
        if name.startswith(WHITEOUT):
            other = folder + b"/" + name[len(WHITEOUT) :]
            hides = name.startswith(2 * WHITEOUT) or os.path.lexists(other)
            found.append({"path": path, "why": "its name means a deletion", "hides": hides})
            continue
        try:
            if stat.S_ISSOCK(os.lstat(os.fsencode(path)).st_mode):
                found.append({"path": path, "why": "a socket", "hides": False})
        except OSError:
            continue  # it is gone
    return found


def packages(folder: Path) -> dict[str, str]:
    """Return what pip installed into a folder."""
    named = ((one.metadata["Name"], one.version) for one in metadata.distributions(path=[str(folder)]))
    return {str(name): version for name, version in named if name}


def installed(mount: Path) -> list[dict[str, str]]:
    """Return what was installed below a mount: pip's, extensions, virtual environments."""
    rows: list[dict[str, str]] = []
    for folder in sorted(mount.glob(".local/lib/python3*/site-packages")):
        rows += [
            {"kind": "pip", "name": name, "version": version}
            for name, version in sorted(packages(folder).items())
        ]
    for file in sorted(mount.glob(".local/share/code-server/extensions/*/package.json")):
        try:
            about = json.loads(file.read_text(encoding="utf-8"))
            name = f"{about['publisher']}.{about['name']}".lower()
        except (OSError, ValueError, KeyError):
            continue
        rows.append({"kind": "extension", "name": name, "version": str(about.get("version", ""))})
    for file in environments(mount, DEPTH):
        rows.append({"kind": "virtual environment", "name": str(file.parent), "version": ""})
    return rows


def environments(folder: Path, depth: int) -> list[Path]:
    """Return the virtual environments below a folder, not looking deeper than that."""
    found = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        if entry.name == "pyvenv.cfg":
            return [Path(entry.path)]
        if depth and entry.is_dir(follow_symlinks=False):
            found += environments(Path(entry.path), depth - 1)
    return found


def at_work() -> tuple[list[str], list[str]]:
    """Return the processes that install something, and those in an uninterruptible wait (D)."""
    busy, stuck = [], []
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            words = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
            name = (folder / "comm").read_text(errors="replace").strip()
        except (OSError, IndexError):
            continue  # it has ended
        if int(folder.name) == os.getpid():
            continue
        told = f"{(words or name)[:60]} (pid {folder.name} in it)"
        if name in MANAGERS or INSTALLING.search(words[:400]):
            busy.append(told)
        if state == "D":
            stuck.append(told)
    return busy, stuck


def manual() -> list[str]:
    """Return the packages that somebody asked apt for: the others came with them."""
    try:
        # Without these apt writes megabytes of caches into the environment that is only looked at.
        words = ("apt-mark", "-oDir::Cache::pkgcache=", "-oDir::Cache::srcpkgcache=", "showmanual")
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return []
    return done.stdout.split()


def main() -> None:
    """Read the plan from stdin, print what is there."""
    plan = json.load(sys.stdin)
    facts: dict[str, object] = {"sizes": sizes(plan.get("paths", []))}
    if plan.get("environment"):  # not a copy, in which nothing runs
        facts["busy"], facts["stuck"] = at_work()
        facts["installed"] = {mount: installed(Path(mount)) for mount in plan.get("mounts", [])}
        facts["manual"] = manual()
        facts["unkept"] = unkept(plan.get("paths", []))
    print(json.dumps(facts))
