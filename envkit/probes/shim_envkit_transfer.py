"""Make an unmodified CUDA script run on Ascend NPUs: bring in torch_npu, its amp and its transfer_to_npu.

A torch_npu that knows the word TORCH_TRANSFER_TO_NPU does it by itself inside `import torch` (facts A5.1).
For all others, and where torch does not load its backends by itself, it is done as `import torch` ends.
A script that has the manual's five import lines finds all of it imported: its lines do nothing.
Standard library only, Python 3.8 and newer.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Iterator, Set

from envkit_hooks import when_imported

WORD = "TORCH_TRANSFER_TO_NPU"
TRANSFER = "torch_npu.contrib.transfer_to_npu"
_DONE: Set[str] = set()


def install() -> None:
    """See to it; a TORCH_TRANSFER_TO_NPU of the user's own is left as it is, and `0` means no."""
    if os.environ.get(WORD) == "0":
        return
    if WORD not in os.environ and knows_the_word():
        os.environ[WORD] = "1"  # Python's children inherit it, and need not look again
    when_imported("torch", imported)
    when_imported("torch_npu", imported)


def knows_the_word() -> bool:
    """Look for the word in the installed torch_npu without importing it; tables of versions age (A5.1)."""
    spec = PathFinder.find_spec("torch_npu")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return any(WORD.encode() in text for folder in folders for text in _texts(folder))


def _texts(folder: str) -> Iterator[bytes]:
    """Read what torch_npu runs when it is imported: the rest is thousands of files."""
    with open(os.path.join(folder, "__init__.py"), "rb") as file:
        yield file.read()
    for place, _, names in os.walk(os.path.join(folder, "_init")):
        for name in names:
            if name.endswith(".py"):
                with open(os.path.join(place, name), "rb") as file:
                    yield file.read()


def imported(module: ModuleType) -> None:
    """Bring the rest in once torch is whole, and torch_npu too where the script itself imports it first.

    What fails here fails in the script's `import torch`: it must not train on less than it was started for.
    """
    _DONE.add(module.__name__)
    if "torch" not in _DONE or ("torch_npu" in sys.modules and "torch_npu" not in _DONE):
        return  # the other one's end comes here again
    if "torch_npu" not in sys.modules and PathFinder.find_spec("torch_npu") is None:
        raise ImportError(
            "this run is for Ascend, and its Python has torch without torch_npu: install the torch_npu "
            "of the same version, or run on another device"
        )
    for name in ("torch_npu", "torch_npu.npu.amp", TRANSFER):
        if name not in sys.modules:
            importlib.import_module(name)
