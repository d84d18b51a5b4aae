"""On PYTHONPATH beside cpu_operators.py: whoever imports torch_npu gets the stand-in's operators with it."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec


class _WhenImported(importlib.abc.MetaPathFinder):
    """Finds torch_npu as ever, and adds a last line to its import."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "torch_npu":
            return None
        sys.meta_path.remove(self)  # the search that follows is the usual one
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_install(module: object) -> None:
            run(module)
            import cpu_operators

            cpu_operators.install()

        spec.loader.exec_module = run_and_install
        return spec


sys.meta_path.insert(0, _WhenImported())
