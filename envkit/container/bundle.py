"""Programs with their plan, as they go to a Python: over its stdin, or in one file. Run by probes/boot.py."""

from __future__ import annotations

import base64
import importlib.util
import json
import marshal
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from typing import Any

from envkit import paths

_BOOT = "boot"
_FROM_FILE = f'import json, sys; exec(json.load(open(sys.argv[1]))["sources"]["{_BOOT}"])'


def sources(*patterns: str) -> dict[str, str]:
    """Return the programs whose names fit, and what starts them."""
    found = (path for pattern in (*patterns, _BOOT) for path in sorted(paths.probes().glob(f"{pattern}.py")))
    return {path.stem: path.read_text(encoding="utf-8") for path in found}


def program(programs: Mapping[str, str], file: str | None = None) -> tuple[str, ...]:
    """Return what follows the word that runs Python; without a file it reads its stdin."""
    return ("-c", programs[_BOOT], *([file] if file else []))


def program_in(file: str) -> tuple[str, ...]:
    """Return the same for a file that a container's list of processes shows: short words."""
    return ("-c", _FROM_FILE, file)


def pack(programs: Mapping[str, str], run: str, plan: Mapping[str, Any]) -> bytes:
    """Return the programs, which of them runs, and what it is told."""
    return _packed(programs, run, plan)


def pack_compiled(programs: Mapping[str, str], pattern: str, run: str, plan: Mapping[str, Any]) -> bytes:
    """Do the same, with those that fit as bytecode, too: a Python of our version starts 0.03 s sooner."""
    codes = {path.stem: _code(path.stem, str(path)) for path in sorted(paths.probes().glob(f"{pattern}.py"))}
    compiled = {"magic": importlib.util.MAGIC_NUMBER.hex(), "codes": codes}
    return _packed(programs, run, plan, compiled=compiled)


def _packed(programs: Mapping[str, str], run: str, plan: Mapping[str, Any], **more: Any) -> bytes:
    return json.dumps({"sources": dict(programs), "run": run, "plan": plan, **more}).encode()


def _code(name: str, path: str) -> str:
    """Return a program's bytecode, which Python keeps beside it where it may write."""
    code = SourceFileLoader(name, path).get_code(name)
    return base64.b64encode(marshal.dumps(code)).decode()
