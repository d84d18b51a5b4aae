"""Several processes add up what each has, one for each card; on a CPU two of them."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Dict, List

from . import smoke_processes as processes
from .smoke_device import Device, Missing, indices, median

Facts = Dict[str, Any]
# torch knows them itself as of 2.6 (get_default_backend_for_device); older ones must be told.
_BACKENDS = {"cuda": "nccl", "npu": "hccl", "xpu": "xccl", "cpu": "gloo"}
_ON_LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo"}  # a container's own name may lead nowhere


def all_reduce(device: Device, *, mib: int, times: int, limit_s: float) -> Facts:
    """Start the ranks, wait for them, and collect what they found."""
    numbers = indices(device.plan, device.kind)
    if device.is_cpu:
        numbers = [0, 1]
    if len(numbers) < 2:
        raise Missing("there is one card: nobody to reduce with")
    backend = _BACKENDS.get(device.kind, "gloo")
    folder = device.folder / "ranks"
    folder.mkdir()
    plan: Facts = {
        "kind": device.kind, "numbers": numbers, "backend": backend, "folder": str(folder),
        "mib": mib, "times": times, "limit_s": limit_s,
    }  # fmt: skip
    ended = _together(plan, limit_s)
    lost = [f"rank {rank} {how}" for rank, how in enumerate(ended) if how]
    found = [_found(folder / f"{rank}.json") for rank in range(len(numbers))]
    words = (folder / f"{lost[0].split()[1]}.printed").read_text("utf-8", "replace") if lost else ""
    return {
        "backend": backend, "world": len(numbers), "lost": lost, "ranks": [one for one in found if one],
        "words": words[-processes.LAST :],
    }  # fmt: skip


def _together(plan: Facts, limit_s: float) -> List[str]:
    """Run all ranks; return how each ended, empty when well. One that ends badly ends the others."""
    files: List[IO[bytes]] = []
    running = []
    try:
        for rank in range(len(plan["numbers"])):
            files.append((Path(plan["folder"]) / f"{rank}.printed").open("w+b"))
            env = {"RANK": str(rank), **({} if plan["backend"] != "gloo" else _ON_LOOPBACK)}
            running.append(processes.start("smoke_ranks", {**plan, "rank": rank}, files[-1], env=env))
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and any(child.poll() is None for child in running):
            if any(child.poll() for child in running):
                break
            time.sleep(0.02)
        bad = any(child.poll() for child in running)
        return [_how(child, limit_s, bad=bad) for child in running]
    finally:
        for child in running:
            processes.end(child)
        for file in files:
            file.close()


def _how(child: Any, limit_s: float, *, bad: bool) -> str:
    code = child.poll()
    if code is None:
        return "" if bad else f"did not end within {limit_s:.0f} s"
    return "" if code == 0 else processes.how_ended(child)


def _found(path: Path) -> Facts:
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def main(plan: Facts) -> None:
    """Be one rank."""
    processes.die_with_parent()
    import torch
    import torch.distributed as dist

    rank, world = plan["rank"], len(plan["numbers"])
    device = Device(plan["kind"], plan["numbers"][rank], {"folder": plan["folder"]})
    dist.init_process_group(
        plan["backend"],
        init_method=f"file://{plan['folder']}/meeting",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=plan["limit_s"]),
    )
    bits = torch.arange(1 << 16, dtype=torch.int32).to(device.torch) + rank
    dist.all_reduce(bits)
    wanted = torch.arange(1 << 16, dtype=torch.int32) * world + world * (world - 1) // 2
    large = torch.ones(plan["mib"] << 18, device=device.torch)
    taken = median(device.seconds(lambda: dist.all_reduce(large.fill_(1)), plan["times"]))
    found = {
        "rank": rank,
        "right": bool(torch.equal(bits.cpu(), wanted)) and float(large[-1].item()) == float(world),
        # nccl-tests' PERFORMANCE.md: what crosses the slowest link, whatever the number of ranks
        "bus_gbytes_per_s": round(large.numel() * 4 / taken * 2 * (world - 1) / world / 1e9, 3),
    }
    dist.barrier()
    Path(plan["folder"], f"{rank}.json").write_text(json.dumps(found), "utf-8")
    dist.destroy_process_group()
    sys.stdout.flush()
    os._exit(0)  # a library's own end may hang or crash: what it had to say is written
