"""Which checks there are, in which order, how large each is, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Tier = Literal["quick", "standard", "full"]

# A driver's first call, an NPU's first compilation of a kernel, an image on a cold disk: tens of seconds
# (facts S2). A limit is for what hangs, not for what is slow.
START_S = 120.0
LIMIT_S = 120.0
COMPILE_S = 180.0  # facts S2, row 14


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check: which function of the probes it is."""

    id: str
    module: str
    function: str
    # Each tier's sizes. Of a CPU they are smaller: it is to be tried, not heated.
    card: Mapping[Tier, Mapping[str, Any]] = field(default_factory=dict)
    cpu: Mapping[Tier, Mapping[str, Any]] = field(default_factory=dict)
    limit_s: float = LIMIT_S
    alone: bool = False  # in a process of its own
    needed: bool = False  # without it the others need not be tried
    tiers: tuple[Tier, ...] = ("quick", "standard", "full")

    def planned(self, tier: Tier) -> dict[str, Any]:
        """Return it as the probes take it: which sizes count is decided where the device is known.

        A tier that leaves it out has it, when it is named, in the sizes of the smallest that has it.
        """
        nearest = tier if tier in self.tiers else self.tiers[0]
        sizes = {"card": dict(self.card.get(nearest, {})), "cpu": dict(self.cpu.get(nearest, {}))}
        return {
            "id": self.id,
            "module": f"smoke_{self.module}",
            "function": self.function,
            "arguments": sizes,
            "limit_s": self.limit_s,
            "alone": self.alone,
            "needed": self.needed,
        }


Sizes = Mapping[Tier, Mapping[str, Any]]


def _same(**arguments: Any) -> Sizes:
    return {"quick": arguments, "standard": arguments, "full": arguments}


def _of_tiers(quick: Mapping[str, Any], standard: Mapping[str, Any], full: Mapping[str, Any]) -> Sizes:
    return {"quick": quick, "standard": standard, "full": full}


def _right(name: str, dtype: str, card: int, cpu: int) -> Check:
    large, small = _same(dtype=dtype, size=card), _same(dtype=dtype, size=cpu)
    return Check(id=f"{name} {dtype}", module="math", function=name, card=large, cpu=small)


_TYPES = ("float32", "bfloat16", "float16")

CHECKS: tuple[Check, ...] = (
    Check(id="import", module="device", function="import_torch", limit_s=START_S, needed=True),
    Check(id="device", module="device", function="see", needed=True),
    *(_right("matmul", dtype, 1024, 256) for dtype in _TYPES),
    *(_right("conv", dtype, 56, 16) for dtype in _TYPES),
    *(_right("attention", dtype, 512, 128) for dtype in _TYPES),
    Check(id="autocast", module="math", function="autocast", card=_same(size=512), cpu=_same(size=256)),
    Check(
        id="matmul speed",
        module="speed",
        function="flops",
        # facts S2, row 7: the best of three sizes, the median of 30 runs; what has no room is left out
        card=_of_tiers(
            {"sizes": [4096, 8192], "times": 30},
            {"sizes": [4096, 8192, 16384], "times": 30},
            {"sizes": [4096, 8192, 16384], "times": 100},
        ),
        cpu=_of_tiers(
            {"sizes": [1024], "times": 10},
            {"sizes": [1024, 2048], "times": 10},
            {"sizes": [2048], "times": 30},
        ),
    ),
    Check(
        id="memory speed",
        module="speed",
        function="bandwidth",
        # facts S2, row 8: 1 GiB is several times any card's cache, and 128 MiB most CPUs'
        card=_of_tiers({"mib": 1024, "times": 20}, {"mib": 1024, "times": 50}, {"mib": 4096, "times": 100}),
        cpu=_of_tiers({"mib": 128, "times": 5}, {"mib": 256, "times": 10}, {"mib": 512, "times": 20}),
    ),
    *(
        Check(
            id=name,
            module="speed",
            function="copy",
            card=_of_tiers(
                {"mib": 256, "times": 10, "pinned": pinned},
                {"mib": 256, "times": 20, "pinned": pinned},
                {"mib": 1024, "times": 20, "pinned": pinned},
            ),
            cpu=_same(mib=64, times=5, pinned=pinned),
        )
        for name, pinned in (("copy", False), ("copy pinned", True))
    ),
    Check(
        id="allocator",
        module="memory",
        function="allocator",
        card=_same(share=0.9, most_mib=0),
        cpu=_of_tiers(*({"share": 0.25, "most_mib": most} for most in (256, 512, 2048))),
    ),
    Check(
        id="training",
        module="training",
        function="training",
        card=_of_tiers(*({"steps": steps, "width": 512} for steps in (60, 200, 1000))),
        cpu=_of_tiers(*({"steps": steps, "width": 64} for steps in (60, 200, 1000))),
    ),
    Check(
        id="loader",
        module="training",
        function="loader",
        # More than Docker's own 64 MiB of /dev/shm at once: that is where loaders die (facts N4, row 27).
        card=_of_tiers(
            {"workers": 4, "batches": 16, "mib": 16},
            {"workers": 4, "batches": 32, "mib": 32},
            {"workers": 8, "batches": 64, "mib": 32},
        ),
        cpu=_of_tiers(
            {"workers": 2, "batches": 8, "mib": 24},
            {"workers": 2, "batches": 16, "mib": 24},
            {"workers": 4, "batches": 32, "mib": 32},
        ),
    ),
    Check(id="checkpoint", module="training", function="checkpoint", card=_same(mib=256), cpu=_same(mib=16)),
    Check(
        id="all-reduce",
        module="ranks",
        function="all_reduce",
        card=_of_tiers(*({"mib": mib, "times": 20, "limit_s": LIMIT_S} for mib in (256, 512, 1024))),
        cpu=_same(mib=16, times=5, limit_s=LIMIT_S),
        limit_s=LIMIT_S + 30,
    ),
    Check(
        id="compile",
        module="training",
        function="compile_",
        card=_same(size=1024),
        cpu=_same(size=256),
        limit_s=COMPILE_S,
        alone=True,
        tiers=("standard", "full"),
    ),
    Check(
        id="soak",
        module="speed",
        function="soak",
        card={"full": {"size": 8192, "seconds": 60.0}},  # facts S2, row 17
        cpu={"full": {"size": 1024, "seconds": 20.0}},
        limit_s=LIMIT_S + 60,
        tiers=("full",),
    ),
)


def of_tier(tier: Tier, only: tuple[str, ...]) -> tuple[Check, ...]:
    """Return a tier's checks in their order: all, or those that are named and what they need.

    A name stands for every check that begins with it: `matmul` is five of them.
    """
    named = tuple(check for check in CHECKS if not only or check.needed or _is_meant(check.id, only))
    return tuple(check for check in named if tier in check.tiers or _is_meant(check.id, only))


def _is_meant(check: str, only: tuple[str, ...]) -> bool:
    return any(check == name or check.startswith(f"{name} ") for name in only)


def names() -> tuple[str, ...]:
    """Return what can be named."""
    ids = [check.id for check in CHECKS if not check.needed]
    return tuple(dict.fromkeys([*(one.split()[0] for one in ids), *ids]))
