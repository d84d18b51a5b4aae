"""Let a script that brings in torch_npu by hand, as the manual tells, run where none is there, or needed.

Only for lines of the script itself that nothing guards: who asks first (`try:`, `if`, find_spec, a library)
is told the truth, that there is no torch_npu. So nothing gets into `sys.modules`.
Standard library only, Python 3.8 and newer.
"""

from __future__ import annotations

import builtins
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, List, Optional, Set

PACKAGE = "torch_npu"
_IMPORT = builtins.__import__
_PLAIN = "bBdEhiIOPqRsSuvVx"  # Python's options without a value, as in `-um NAME`


def install(accelerator: str) -> None:
    """Take over the script's own import lines of torch_npu, if it has any and this Python has none."""
    for path in _mains():
        lines = _lines(path)
        if lines and PathFinder.find_spec(PACKAGE) is None:
            builtins.__import__ = _Imports(path, lines, accelerator)
            return


def _mains() -> List[str]:
    """Return what may be the script that this Python runs: a module's file, its first word that is a script.

    Without either it is the run's own: a worker that multiprocessing spawned runs its lines, too.
    """
    words: List[str] = getattr(sys, "orig_argv", [])[1:]
    scripts = [word for word in words if word.endswith(".py")][:1]
    module = _module_file(_module(words))
    found = [module] if module else []
    found += scripts or ([] if found else [os.environ.get("SCRIPT", "")])
    return [os.path.realpath(path) for path in found if path.endswith(".py")]


def _module(words: List[str]) -> str:
    """Return what stands behind `-m`, among Python's own options; nothing if it is not there."""
    for number, word in enumerate(words):
        letters = word[1:].lstrip(_PLAIN) if word.startswith("-") else ""
        if letters.startswith("m"):
            return letters[1:] or "".join(words[number + 1 : number + 2])
        if letters.startswith("c") or (not word.startswith("-") and words[number - 1] not in ("-W", "-X")):
            return ""
    return ""


def _module_file(name: str) -> Optional[str]:
    """Return the file of a module as `-m` finds it; nothing is imported for it, its package neither."""
    place = name.replace(".", os.sep)
    for folder in (os.getcwd(), *sys.path) if name else ():
        for tail in (".py", "/__main__.py"):
            path = os.path.join(folder, place + tail)
            if os.path.isfile(path):
                return os.path.realpath(path)
    return None


def _lines(path: str) -> Set[int]:
    """Return where a script imports torch_npu on its first level, whatever happens."""
    try:
        with open(path, "rb") as file:
            text = file.read()
        if PACKAGE.encode() not in text:
            return set()
        import ast

        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return set()  # Python says it better
    found: Set[int] = set()
    for node in tree.body:
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(_is_ours(name) for name in names):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == PACKAGE


class _Imports:
    """Python's `__import__`, but for those lines."""

    def __init__(self, path: str, lines: Set[int], accelerator: str) -> None:
        self._path, self._lines, self._accelerator = path, lines, accelerator
        self._made: Optional[ModuleType] = None

    def __call__(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        if level or not _is_ours(name) or not self._is_meant():
            return _IMPORT(name, globals, locals, fromlist, level)
        if self._made is None:
            self._made = _stand_in()
            self._tell()
        return self._made if not fromlist else _part(self._made, name)

    def _is_meant(self) -> bool:
        frame = sys._getframe(2)
        file = frame.f_code.co_filename
        return frame.f_lineno in self._lines and os.path.realpath(file) == self._path

    def _tell(self) -> None:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            sys.stderr.write(
                "envkit: %s imports torch_npu, which is not here, and not needed on %s: those lines do "
                "nothing\n" % (os.path.basename(self._path), self._accelerator)
            )


def _stand_in() -> ModuleType:
    """Return what the manual's lines name; torch's own amp does for the card that there is."""
    package = ModuleType(PACKAGE)
    for name in ("npu", "contrib", "contrib.transfer_to_npu"):
        above = _part(package, PACKAGE + "." + name.rpartition(".")[0] if "." in name else PACKAGE)
        setattr(above, name.rpartition(".")[2], ModuleType(PACKAGE + "." + name))
    import torch.cuda.amp

    package.npu.amp = torch.cuda.amp
    return package


def _part(package: ModuleType, name: str) -> ModuleType:
    """Return a module of the package by its whole name; what is not there is an error as ever."""
    found = package
    for word in name.split(".")[1:]:
        if not hasattr(found, word):
            raise ModuleNotFoundError("No module named %r" % name, name=name)
        found = getattr(found, word)
    return found
