"""Run programs from memory: `python -c THIS [FILE]`, all of them and the plan as JSON on stdin or in FILE.

Nothing of them is written where they run, so that nothing has to be removed there. Python 3.8 and newer.
The program that the bundle names has a function `main`, which gets the plan.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from types import CodeType
from typing import Any, Dict, List, Optional

PACKAGE = "envkit_inside"
BUNDLE: Dict[str, Any] = {}


class FromMemory(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads modules whose text came in the bundle."""

    def __init__(self, sources: Dict[str, str], compiled: Dict[str, Any]) -> None:
        self._sources = {PACKAGE: "", **{f"{PACKAGE}.{name}": text for name, text in sources.items()}}
        is_ours = compiled.get("magic") == importlib.util.MAGIC_NUMBER.hex()
        self._codes = (
            {f"{PACKAGE}.{name}": code for name, code in compiled["codes"].items()} if is_ours else {}
        )

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Find a module of ours; anybody else's is not found here."""
        if fullname not in self._sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=fullname == PACKAGE)

    def get_source(self, fullname: str) -> str:
        """Return a module's text."""
        return self._sources[fullname]

    def get_code(self, fullname: str) -> Optional[CodeType]:
        """Return a module's bytecode: as it came, if this Python is of the version that made it."""
        if fullname not in self._codes:
            return super().get_code(fullname)
        import base64
        import marshal

        code: CodeType = marshal.loads(base64.b64decode(self._codes[fullname]))
        return code


def start(bundle: Dict[str, Any]) -> None:
    """Run the program that the bundle names."""
    sys.path[:] = [folder for folder in sys.path if folder]  # the folder it was started in is nobody's choice
    sys.meta_path.insert(0, FromMemory(bundle["sources"], bundle.get("compiled", {})))
    own = importlib.import_module(f"{PACKAGE}.boot")
    own.BUNDLE.update(bundle)
    importlib.import_module(f"{PACKAGE}.{bundle['run']}").main(bundle["plan"])


def command() -> List[str]:
    """Return the words that start another Python with these programs; its stdin takes `bundle`."""
    return [sys.executable, "-c", BUNDLE["sources"]["boot"]]


def bundle(run: str, plan: Dict[str, Any]) -> bytes:
    """Return what another Python needs on its stdin to run one of these programs."""
    return json.dumps({"sources": BUNDLE["sources"], "run": run, "plan": plan}).encode()


def _given() -> bytes:
    if len(sys.argv) < 2:
        return sys.stdin.buffer.read()
    with open(sys.argv[1], "rb") as file:
        return file.read()


if __name__ == "__main__":
    start(json.loads(_given().decode()))
