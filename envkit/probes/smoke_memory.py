"""Take nearly all of the device's memory, give it back, ask for too much: it must go on as before."""

from __future__ import annotations

import gc
from typing import Any, Dict

import torch

from .smoke_device import Device

Facts = Dict[str, Any]
_PART = 256 << 20
_TOO_MUCH = 1 << 50  # a pebibyte: more than any device has, and than a process may map


def allocator(device: Device, *, share: float, most_mib: int) -> Facts:
    """Fill, look whether what was written stands there, free, ask for too much, and use it again."""
    before = device.memory()
    wanted = int(device.free() * share)
    if device.is_cpu:
        wanted = min(wanted, most_mib << 20)  # its memory is everybody's
    kept = _fill(device, wanted)
    held = device.memory() - before
    right = all(
        int(part[0].item()) == number % 100 == int(part[-1].item()) for number, part in enumerate(kept)
    )
    kept.clear()
    _give_back(device)
    return {
        "wanted_mib": wanted >> 20,
        "held_mib": held >> 20,
        "left_mib": (device.memory() - before) >> 20,
        "right": right,
        **_ask_for_too_much(device),
    }


def _fill(device: Device, wanted: int) -> list[torch.Tensor]:
    kept, size = [], min(_PART, wanted)
    for number in range(wanted // size):
        kept.append(torch.empty(size, dtype=torch.uint8, device=device.torch))
        kept[-1].fill_(number % 100)
    device.wait()
    return kept


def _give_back(device: Device) -> None:
    gc.collect()
    if not device.is_cpu:
        device.module.empty_cache()


def _ask_for_too_much(device: Device) -> Facts:
    try:
        torch.empty(_TOO_MUCH, dtype=torch.uint8, device=device.torch)
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
        refused = type(error).__name__
    else:
        refused = ""
    ones = torch.ones(1000, device=device.torch)
    return {"refused": refused, "usable": float(ones.sum().item()) == 1000.0}
