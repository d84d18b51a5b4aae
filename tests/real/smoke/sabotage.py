"""What goes wrong, one at a time: it runs where the smoke test runs, as one of its programs.

The plan names a function here as it names a check: it breaks torch until `mend`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Callable
from typing import Any

from . import boot

Facts = dict[str, Any]
_BEFORE: list[tuple[Any, str, Any]] = []
_SOURCES: dict[str, str] = {}


def mend(device: Any) -> Facts:
    """Put everything back."""
    while _BEFORE:
        owner, name, value = _BEFORE.pop()
        setattr(owner, name, value)
    boot.BUNDLE["sources"].update(_SOURCES)
    return {}


def _replace(owner: Any, name: str, make: Callable[[Any], Any]) -> Facts:
    before = getattr(owner, name)
    _BEFORE.append((owner, name, before))
    setattr(owner, name, make(before))
    return {}


def _rewrite(module: str, old: str, new: str) -> Facts:
    """Change a program that other processes will run."""
    sources = boot.BUNDLE["sources"]
    _SOURCES.setdefault(module, sources[module])
    assert old in sources[module]
    sources[module] = sources[module].replace(old, new)
    return {}


def _scaled(dtype: str) -> Callable[[Any], Any]:
    """Make a function's results of one type wrong by a tenth."""
    import torch

    def of(right: Any) -> Any:
        def wrong(*given: Any, **options: Any) -> Any:
            made = right(*given, **options)
            return made * 1.1 if made.dtype is getattr(torch, dtype) else made

        return wrong

    return of


def wrong_product(device: Any, *, dtype: str) -> Facts:
    """Multiply wrongly in one type."""
    import torch

    return _replace(torch, "matmul", _scaled(dtype))


def wrong_convolution(device: Any, *, dtype: str) -> Facts:
    """Convolve wrongly in one type."""
    import torch

    return _replace(torch.nn.functional, "conv2d", _scaled(dtype))


def wrong_gradient(device: Any) -> Facts:
    """Convolve rightly, and go back wrongly."""
    import torch

    def of(right: Any) -> Any:
        def wrong(images: Any, weights: Any, **options: Any) -> Any:
            weights.register_hook(lambda gradient: gradient * 1.1)
            return right(images, weights, **options)

        return wrong

    return _replace(torch.nn.functional, "conv2d", of)


def wrong_attention(device: Any, *, dtype: str) -> Facts:
    """Attend wrongly in one type."""
    import torch

    return _replace(torch.nn.functional, "scaled_dot_product_attention", _scaled(dtype))


def no_kernel(device: Any) -> Facts:
    """Fail as a build of torch does that has no code for its card (facts N4, row 13)."""
    import torch

    def of(right: Any) -> Any:
        def refused(*given: Any, **options: Any) -> Any:
            raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

        return refused

    return _replace(torch, "arange", of)


def no_autocast(device: Any) -> Facts:
    """Let autocast do nothing."""
    import torch

    return _replace(torch, "autocast", lambda right: lambda *given, **options: contextlib.nullcontext())


def wrong_device(device: Any) -> Facts:
    """Make what was asked for elsewhere."""
    import torch

    def of(right: Any) -> Any:
        def wrong(*given: Any, **options: Any) -> Any:
            return right(*given, **({**options, "device": "meta"} if given == (1000,) else options))

        return wrong

    return _replace(torch, "arange", of)


def wrong_sum(device: Any) -> Facts:
    """Count from one to a thousand."""
    import torch

    def of(right: Any) -> Any:
        return lambda *given, **options: right(*given, **options) + int(given == (1000,))

    return _replace(torch, "arange", of)


def corrupted_copy(device: Any) -> Facts:
    """Change one bit on the way."""
    import torch

    def of(right: Any) -> Any:
        def wrong(tensor: Any, **options: Any) -> Any:
            made = right(tensor, **options)
            if made.dtype is torch.int32:
                made[made.numel() // 2] ^= 1
            return made

        return wrong

    return _replace(torch.Tensor, "clone", of)


def kept_memory(device: Any) -> Facts:
    """Never give back what was taken."""
    import torch

    kept: list[Any] = []

    def of(right: Any) -> Any:
        def wrong(*given: Any, **options: Any) -> Any:
            kept.append(right(*given, **options))
            return kept[-1]

        return wrong

    return _replace(torch, "empty", of)


def rising_loss(device: Any) -> Facts:
    """Go up the hill."""
    import torch

    return _replace(torch.optim, "AdamW", lambda right: functools.partial(right, maximize=True))


def another_seed(device: Any) -> Facts:
    """Start elsewhere each time."""
    import torch

    seeds = iter(range(1, 10_000))
    return _replace(torch, "manual_seed", lambda right: lambda seed: right(next(seeds)))


def wrong_batch(device: Any) -> Facts:
    """Hand over the same batch again."""
    from .smoke_training import Rows

    return _replace(Rows, "__getitem__", lambda right: lambda rows, number: right(rows, 0))


def other_checkpoint(device: Any) -> Facts:
    """Load something else than was saved."""
    import torch

    def of(right: Any) -> Any:
        def wrong(*given: Any, **options: Any) -> Any:
            state = right(*given, **options)
            state["weight"][-1] += 1
            return state

        return wrong

    return _replace(torch, "load", of)


def wrong_compiler(device: Any) -> Facts:
    """Compile to something else; a compiler for C++ need not be there for that."""
    import shutil

    import torch

    _replace(shutil, "which", lambda right: lambda name: "/usr/bin/c++")
    return _replace(torch, "compile", lambda right: lambda function: lambda x: function(x) + 0.01)


def unsteady_product(device: Any) -> Facts:
    """Compute another last bit now and then."""
    import torch

    calls = iter(range(1, 1_000_000))

    def of(right: Any) -> Any:
        def wrong(*given: Any, **options: Any) -> Any:
            made = right(*given, **options)
            return torch.nextafter(made, made + 1) if next(calls) % 5 == 0 else made

        return wrong

    return _replace(torch, "matmul", of)


def dropped_rank(device: Any) -> Facts:
    """Let a rank leave before the others are done."""
    meet = "    dist.init_process_group("
    return _rewrite("smoke_ranks", meet, f"    if rank == 1:\n        os._exit(3)\n{meet}")


def silent_rank(device: Any) -> Facts:
    """Let a rank never come."""
    meet = "    dist.init_process_group("
    return _rewrite("smoke_ranks", meet, f"    if rank == 1:\n        time.sleep(600)\n{meet}")


def lone_rank(device: Any) -> Facts:
    """Let each rank keep what it has."""
    return _rewrite("smoke_ranks", "    dist.all_reduce(bits)\n", "")


def leave(device: Any) -> Facts:
    """End the process in the middle, as a fault in a library does."""
    os.abort()


def fail(device: Any) -> Facts:
    """Raise."""
    raise RuntimeError("it broke")


def not_a_number(device: Any) -> Facts:
    """Return what JSON does not know."""
    return {"off": math.nan, "losses": (math.inf, 1.0)}


def hang(device: Any) -> Facts:
    """Never return."""
    import time

    time.sleep(600)
    return {}
