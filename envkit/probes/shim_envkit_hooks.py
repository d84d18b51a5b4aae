"""Run a function when a module has been imported: nothing is imported for it, and nothing else is slower.

Standard library only, Python 3.8 and newer; it imports nothing that Python has not imported by then.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional

Hook = Callable[[ModuleType], None]


class _Loader:
    """Loads as the module's own loader does, and then runs what waits for the module."""

    def __init__(self, loader: Any, hooks: List[Hook]) -> None:
        self._loader = loader
        self._hooks = hooks

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        """Let the own loader create it."""
        created: Optional[ModuleType] = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Let the own loader run it; an error of the import is nobody's but its own."""
        module.__loader__ = self._loader  # who asks the module later finds what it would without us
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        WAITING.waiting.pop(module.__name__, None)
        for hook in self._hooks:
            hook(module)


class Waiting:
    """Finds nothing by itself: it asks the other finders, for the modules that somebody waits for."""

    def __init__(self) -> None:
        self.waiting: Dict[str, List[Hook]] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Find a module as ever, and take the place of its loader."""
        if name not in self.waiting:
            return None
        for finder in list(sys.meta_path):
            if finder is self:
                continue
            spec: Optional[ModuleSpec] = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module") and hasattr(spec.loader, "create_module"):
                    spec.loader = _Loader(spec.loader, self.waiting[name])  # type: ignore[assignment]
                return spec
        return None


WAITING = Waiting()


def when_imported(name: str, hook: Hook) -> None:
    """Run the hook once the module is imported: now, when it is; what it raises, the import raises."""
    module = sys.modules.get(name)
    if module is not None:
        hook(module)
        return
    if WAITING not in sys.meta_path:
        sys.meta_path.insert(0, WAITING)
    WAITING.waiting.setdefault(name, []).append(hook)
