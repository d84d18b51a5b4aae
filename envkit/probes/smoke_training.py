"""Does training train? A loss that falls, twice the same; loader workers; a checkpoint; the compiler."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any, Dict, List

import torch
from torch.utils.data import DataLoader

from .smoke_device import Device, Missing, indices

Facts = Dict[str, Any]
_MIB = 1 << 20


def training(device: Device, *, steps: int, width: int) -> Facts:
    """Train twice from the same seed; on a CPU by one thread: so small a network has no work for more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if device.is_cpu else threads)
    try:
        began = time.perf_counter()
        first = _train(device, steps, width)
        taken = time.perf_counter() - began
        second = _train(device, steps, width)
    finally:
        torch.set_num_threads(threads)
    return {
        "losses": [first[0], first[-1]],
        "finite": all(loss == loss and abs(loss) != float("inf") for loss in first),
        "same": first == second,
        "steps": steps,
        "steps_per_s": round(steps / taken, 1),
    }


def _train(device: Device, steps: int, width: int) -> List[float]:
    """Teach a small network to tell four clusters of points apart; return its losses."""
    torch.manual_seed(0)
    labels = torch.arange(256) % 4
    centres = torch.randn(4, 32)
    points = (centres[labels] + 0.3 * torch.randn(256, 32)).to(device.torch)
    labels = labels.to(device.torch)
    layers = (torch.nn.Linear(32, width), torch.nn.ReLU(), torch.nn.Linear(width, 4))
    model = torch.nn.Sequential(*layers).to(device.torch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(points), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return [float(loss.item()) for loss in losses]


class Rows:
    """Batches that can be told apart: each is full of its own number."""

    def __init__(self, count: int, mib: int) -> None:
        self._count, self._mib = count, mib

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def __getitem__(self, number: int) -> torch.Tensor:
        """Return one."""
        return torch.full((self._mib * _MIB,), number % 100, dtype=torch.uint8)


def loader(device: Device, *, workers: int, batches: int, mib: int, patience_s: float = 30) -> Facts:
    """Have workers hand batches over through /dev/shm: all of them that are on their way lie there."""
    size = shutil.disk_usage("/dev/shm").total >> 20 if Path("/dev/shm").is_dir() else 0
    # Forked, as ever on Linux: as of Python 3.14 the default starts a Python that does not have this module.
    loading = DataLoader(
        Rows(batches, mib),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=2,
        multiprocessing_context="fork",
        pin_memory=not device.is_cpu,
        timeout=patience_s,
    )
    began = time.perf_counter()
    try:
        wrong = _load(device, loading, workers * 2)
    except RuntimeError as error:  # a worker that finds it full dies, or is silent
        raise RuntimeError(f"{error}; /dev/shm has {size} MiB") from None
    seconds = time.perf_counter() - began
    return {
        "batches": batches,
        "wrong": wrong,
        "shm_mib": size,
        "gbytes_per_s": round(batches * mib * _MIB / seconds / 1e9, 2),
    }


def _load(device: Device, loading: Any, keep: int) -> List[int]:
    """Take all batches; return the numbers of those that are not what they should be."""
    kept, wrong, number = [], [], 0
    for number, batch in enumerate(loading):
        there = batch.to(device.torch)
        kept.append(batch)  # as a slow training step would: it stays in /dev/shm meanwhile
        del kept[:-keep]
        if int(there[0].item()) != number % 100 or int(there[-1].item()) != number % 100:
            wrong.append(number)
    return wrong + list(range(number + 1, len(loading)))


def checkpoint(device: Device, *, mib: int) -> Facts:
    """Save what is on the device; load it to the CPU, to the device, and to the next one."""
    made = torch.randn(mib << 18, generator=torch.Generator().manual_seed(0))
    state = {"weight": made.to(device.torch), "step": 7}
    path = device.folder / "checkpoint.pt"
    began = time.perf_counter()
    torch.save(state, path)
    seconds = time.perf_counter() - began
    others = [number for number in indices(device.plan, device.kind) if number != device.index][:1]
    places = ["cpu", *({str(device.torch), *(f"{device.kind}:{number}" for number in others)} - {"cpu"})]
    different = []
    for place in places:
        loaded = torch.load(path, map_location=place, weights_only=True)
        there = str(loaded["weight"].device) == place
        if loaded["step"] != 7 or not there or not torch.equal(loaded["weight"].cpu(), made):
            different.append(place)
    path.unlink()
    return {
        "places": places,
        "different": different,
        "mib": mib,
        "save_mbytes_per_s": round(mib * _MIB / seconds / 1e6),
    }


def compile_(device: Device, *, size: int) -> Facts:
    """Compile a function for the device; it must compute what the plain one does."""
    _refuse_missing(device)
    import torch._dynamo

    torch._dynamo.config.suppress_errors = False

    def layer(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.gelu(x * 2 + 1).sum(-1).softmax(-1)

    x = torch.randn(size, size, generator=torch.Generator().manual_seed(0)).to(device.torch)
    began = time.perf_counter()
    got = torch.compile(layer)(x)
    seconds = time.perf_counter() - began
    off = torch.linalg.vector_norm((got - layer(x)).float()) / torch.linalg.vector_norm(layer(x).float())
    return {"off": float(off.item()), "compile_s": round(seconds, 1)}


def _refuse_missing(device: Device) -> None:
    """Raise Missing when this torch cannot compile for the device here."""
    if not hasattr(torch, "compile"):
        raise Missing("this torch has no compiler (it came with 2.0)")
    if device.is_cpu:
        if not any(shutil.which(name) for name in (os.environ.get("CXX") or "g++", "clang++")):
            raise Missing("no C++ compiler is there, which torch.compile needs for a CPU")
        return
    try:
        from torch.utils._triton import has_triton
    except ImportError:
        raise Missing("this torch does not tell whether it can compile") from None
    if not has_triton():
        raise Missing(f"no Triton for {device.kind} is there, which torch.compile needs")
