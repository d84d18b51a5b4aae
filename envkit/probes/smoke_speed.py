"""How fast is it? The figures are judged elsewhere; what was copied must have arrived as it was."""

from __future__ import annotations

import time
from typing import Any, Dict, List

import torch

from .smoke_device import Device, Missing, link, median

Facts = Dict[str, Any]
_WARM_UP = 3  # the first runs choose and load kernels


def flops(device: Device, *, sizes: List[int], times: int) -> Facts:
    """Multiply large matrices in the type that cards are praised for; on a CPU in float32."""
    name = "float32" if device.is_cpu else "bfloat16" if device.knows("bfloat16") else "float16"
    found: Dict[str, float] = {}
    for size in sizes:
        if 3 * size * size * 4 > device.free() // 2:
            continue
        left = torch.randn(size, size, device=device.torch).to(getattr(torch, name))
        right = left.t().contiguous()
        out = torch.empty_like(left)
        _warm(device, lambda: torch.mm(left, right, out=out))  # noqa: B023  it runs within this turn
        taken = device.seconds(lambda: torch.mm(left, right, out=out), times)  # noqa: B023
        found[str(size)] = round(2 * size**3 / median(taken) / 1e12, 4)
    if not found:
        raise Missing("there is not enough free memory for the smallest matrix")
    return {"tflops": max(found.values()), "by_size": found, "dtype": name}


def bandwidth(device: Device, *, mib: int, times: int) -> Facts:
    """Copy memory within the device: each byte is read and written."""
    mib = min(mib, device.free() // 4 >> 20)
    source = torch.ones(mib << 18, device=device.torch)
    target = torch.empty_like(source)
    _warm(device, lambda: target.copy_(source))
    taken = median(device.seconds(lambda: target.copy_(source), times))
    return {"gbytes_per_s": round(2 * source.numel() * 4 / taken / 1e9, 2), "mib": mib}


def copy(device: Device, *, mib: int, times: int, pinned: bool) -> Facts:
    """Send random bits to the device, on within it, and back: they must be the same, and take a while."""
    if pinned and device.is_cpu:
        raise Missing("a CPU's memory is its own: nothing is pinned for it")
    made = torch.randint(-(2**31), 2**31, (mib << 18,), generator=torch.Generator().manual_seed(0))
    bits = made.to(torch.int32)
    source = bits.pin_memory() if pinned else bits
    there = torch.empty_like(bits, device=device.torch)
    back = torch.empty_like(source, pin_memory=True) if pinned else torch.empty_like(source)
    _warm(device, lambda: there.copy_(source))
    up = median(device.seconds(lambda: there.copy_(source, non_blocking=pinned), times))
    again = there.clone()
    down = median(device.seconds(lambda: back.copy_(again, non_blocking=pinned), times))
    return {
        "equal": bool(torch.equal(bits, back)),
        "up_gbytes_per_s": round(bits.numel() * 4 / up / 1e9, 2),
        "down_gbytes_per_s": round(bits.numel() * 4 / down / 1e9, 2),
        "mib": mib,
        "link": None if device.is_cpu else link(device),
    }


def soak(device: Device, *, size: int, seconds: float) -> Facts:
    """Compute the same for a while: every result must have the bits of the first."""
    left = torch.randn(size, size, generator=torch.Generator().manual_seed(0)).to(device.torch)
    first = torch.matmul(left, left)
    rounds, different, end = 0, 0, time.monotonic() + seconds
    while rounds < _WARM_UP or time.monotonic() < end:
        different += int(not torch.equal(torch.matmul(left, left), first))
        rounds += 1
    return {"rounds": rounds, "different": different}


def _warm(device: Device, work: Any) -> None:
    for _ in range(_WARM_UP):
        work()
    device.wait()
