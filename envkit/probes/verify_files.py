"""Try what a user does to the files: install a package, write to HOME. Runs under the user's own Python."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path

from .verify_net import SLOWER

NAME = "envkit_verify_package"
METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: envkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = f"[console_scripts]\n{NAME}={NAME}:main\n"


def make_wheel(folder: Path) -> Path:
    """Write a wheel with one module and one program."""
    path = folder / f"{NAME}-1.0-py3-none-any.whl"
    inside = {
        f"{NAME}.py": "def main():\n    print('installed')\n",
        f"{NAME}-1.0.dist-info/METADATA": METADATA,
        f"{NAME}-1.0.dist-info/WHEEL": WHEEL,
        f"{NAME}-1.0.dist-info/entry_points.txt": ENTRY_POINTS,
    }
    record = f"{NAME}-1.0.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in inside.items():
            archive.writestr(name, text)
        archive.writestr(record, "".join(f"{name},,\n" for name in [*inside, record]))
    return path


def installers() -> list[tuple[str, ...]]:
    """Return the installers that this Python has."""
    found: list[tuple[str, ...]] = []
    if subprocess.run((sys.executable, "-c", "import pip"), capture_output=True, check=False).returncode == 0:
        found.append(
            (sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-cache-dir", "-q")
        )
    uv = shutil.which("uv")
    if uv:
        found.append(
            (uv, "pip", "install", "--offline", "--no-deps", "--no-cache", "-q", "--python", sys.executable)
        )
    return found


def install() -> dict[str, object]:
    """Install the wheel with the first installer, and run its program."""
    known = installers()
    if not known:
        return {"installer": "", "installed": False, "words": "neither pip nor uv is there"}
    with tempfile.TemporaryDirectory() as folder:
        words = (*known[0], str(make_wheel(Path(folder))))
        done = subprocess.run(words, capture_output=True, text=True, timeout=60 * SLOWER, check=False)
    program = Path(sysconfig.get_path("scripts")) / NAME
    ran = ""
    if done.returncode == 0 and program.is_file():
        ran = subprocess.run(
            (str(program),), capture_output=True, text=True, timeout=30 * SLOWER, check=False
        ).stdout
    words_said = (done.stderr or done.stdout)[-300:]
    return {"installer": " ".join(known[0][:3]), "installed": ran.strip() == "installed", "words": words_said}


def look_at(path: str) -> dict[str, object]:
    """Tell who owns a folder, its mode, and whether this user can make a file there."""
    found: dict[str, object] = {"path": path, "exists": Path(path).is_dir(), "writes": False}
    if not found["exists"]:
        return found
    about = Path(path).stat()
    found.update(uid=about.st_uid, gid=about.st_gid, mode=oct(stat.S_IMODE(about.st_mode)))
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=path):
        found["writes"] = True
    return found


def main() -> None:
    """Print the facts."""
    began = time.monotonic()
    folders = [
        sysconfig.get_path("purelib"),
        sysconfig.get_path("scripts"),
        os.environ.get("HOME") or "/nowhere",
    ]
    facts: dict[str, object] = {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "folders": [look_at(folder) for folder in folders],
        "install": install(),
        "path": os.environ.get("PATH", ""),
    }
    print(json.dumps({**facts, "seconds": round(time.monotonic() - began, 2)}))
