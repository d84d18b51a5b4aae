"""Say what an image really holds: its system, packages, tools and extensions; one JSON object."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ENVKIT = Path("/opt/envkit")
# Runs under any Python: every distribution with its version.
PACKAGES = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)
ELF = b"\x7fELF"
NEEDED = re.compile(rb"GLIBC_2\.(\d+)")


def said(*words: str) -> str:
    """Return what a program prints, or nothing when it cannot be run."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def read_json(path: Path) -> dict[str, object]:
    """Return a JSON object of a file, or an empty one."""
    try:
        value: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value


def system() -> dict[str, str]:
    """Return the distribution, as /etc/os-release says."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.lower(): pairs.get(name, "").strip('"') for name in ("ID", "VERSION_ID", "PRETTY_NAME")}


def apt() -> dict[str, str]:
    """Return the distribution's installed packages."""
    lines = said("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${Package}\t${Version}\n").splitlines()
    rows = (line.split("\t") for line in lines)
    return {name: version for status, name, version in rows if status.startswith("ii")}


def rpm(text: str) -> dict[str, str]:
    """Return the packages of rpm's own list; several of one name in a row."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, version = line.partition("\t")
        if name != "gpg-pubkey":  # a key that was taken in, not a package
            found.setdefault(name, []).append(version)
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(found.items())}


def packages_of(python: str) -> dict[str, str]:
    """Return the packages of a Python."""
    found: dict[str, str] = json.loads(said(python, "-I", "-c", PACKAGES) or "{}") if python else {}
    return found


def code_server_root() -> Path | None:
    """Return the folder of code-server: ours, or the one that the program on PATH belongs to."""
    ours = ENVKIT / "code-server"
    if ours.is_dir():
        return ours
    program = shutil.which("code-server")
    for parent in Path(os.path.realpath(program)).parents if program else ():
        if (parent / "lib" / "vscode").is_dir():
            return parent
    return None


def npm(root: Path | None) -> dict[str, str]:
    """Return code-server and the packages directly below it, with their versions."""
    if root is None:
        return {}
    files = [root / "package.json"]
    for pattern in ("*/package.json", "@*/*/package.json"):
        files += sorted((root / "node_modules").glob(pattern))
    about = [read_json(file) for file in files]
    return {str(row["name"]): str(row["version"]) for row in about if "name" in row and "version" in row}


def extensions(root: Path | None, *, home: bool = True) -> dict[str, str]:
    """Return the extensions that are there, but VS Code's own (publisher `vscode`)."""
    folders = [root / "lib" / "vscode" / "extensions"] if root else []
    if home:
        folders.append(Path(os.environ.get("HOME") or "/root") / ".local/share/code-server/extensions")
    found = {}
    for folder in folders:
        for file in sorted(folder.glob("*/package.json")):
            about = read_json(file)
            if "publisher" in about and "name" in about and about["publisher"] != "vscode":
                found[f"{about['publisher']}.{about['name']}".lower()] = str(about.get("version", ""))
    return found


def programs(root: Path | None, python: str) -> dict[str, str]:
    """Return the versions of the tools that matter."""
    node = str(ENVKIT / "node/bin/node") if (ENVKIT / "node/bin/node").is_file() else "node"
    about = read_json(root / "package.json") if root else {}
    product = read_json(root / "lib/vscode/product.json") if root else {}
    found = {
        "python": said(python, "-I", "-c", "import platform; print(platform.python_version())")
        if python
        else "",
        "node": said(node, "--version").lstrip("v"),
        "code-server": str(about.get("version", "")),
        "vscode": str(product.get("version", "")),
        "tini": said(str(ENVKIT / "bin/tini"), "--version").replace("tini version ", ""),
        "dumb-init": said("sh", "-c", f"{ENVKIT}/bin/dumb-init --version 2>&1").replace("dumb-init v", ""),
    }
    for name in ("git", "gcc", "cmake", "uv"):
        version = re.search(r"\d+(?:\.\d+)+", said(name, "--version"))
        found[name] = version.group(0) if version else ""
    return {name: version for name, version in found.items() if version}


def elf_files(folder: Path) -> Iterator[Path]:
    """Yield the machine-code files below a folder."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if path.is_symlink() or not path.is_file():
                continue
            try:
                with path.open("rb") as file:
                    if file.read(4) == ELF:
                        yield path
            except OSError:
                continue


def glibc_floor(folder: Path) -> str:
    """Return the oldest glibc that all machine code below a folder runs on; nothing when there is none."""
    needs = [int(minor) for path in elf_files(folder) for minor in NEEDED.findall(path.read_bytes())]
    return f"2.{max(needs)}" if needs else ""


def main() -> None:
    """Read the plan from stdin, print what is there; `running`: in an environment, whose home is no part."""
    plan = json.load(sys.stdin)
    running = bool(plan.get("running"))
    python = str(plan.get("python") or shutil.which("python") or shutil.which("python3") or "")
    root = code_server_root()
    facts = {
        "os": system(),
        "architecture": platform.machine(),
        "glibc": (os.confstr("CS_GNU_LIBC_VERSION") or "").replace("glibc ", "")
        if hasattr(os, "confstr")
        else "",
        "glibc_floor": "" if running else glibc_floor(ENVKIT),
        "apt": apt(),
        "rpm": rpm(said("rpm", "-qa", "--qf", "%{NAME}\\t%{EVR}\\n")),
        "pip": packages_of(python),
        "tools_pip": packages_of(str(ENVKIT / "jupyter/bin/python")) if (ENVKIT / "jupyter").is_dir() else {},
        "npm": npm(root),
        "extensions": extensions(root, home=not running),
        "extensions_record": read_json(ENVKIT / "extensions.json"),
        "tools": programs(root, python),
    }
    print(json.dumps(facts))
