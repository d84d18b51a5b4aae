"""Who computes: cpu, cuda, ascend behind one interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from envkit.accelerators.base import Accelerator

# Name → the class, in the module of that name.
_CLASSES = {
    "cpu": "Cpu",
    "cuda": "Cuda",
    "ascend": "Ascend",
}


class _Accelerators(Mapping[str, Accelerator]):
    """By name; each is imported when it is asked for: most commands look at one of them, or at none."""

    def __getitem__(self, name: str) -> Accelerator:
        if name not in _made:
            _made[name] = getattr(import_module(f"{__name__}.{name}"), _CLASSES[name])()
        return _made[name]

    def __contains__(self, name: object) -> bool:
        return name in _CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


_made: dict[str, Accelerator] = {}
ACCELERATORS: Mapping[str, Accelerator] = _Accelerators()
