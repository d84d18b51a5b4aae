"""The device under test, whatever it is: which one, its module, its clock, its memory."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

Facts = Dict[str, Any]
_OLDER = ("npu", "cuda", "xpu", "mps")  # who is asked where torch.accelerator is not there yet (before 2.6)


class Missing(Exception):
    """What a check needs is not there: it was not tried."""


class Device:
    """One device of torch, or the CPU."""

    def __init__(self, kind: str, index: int, plan: Facts) -> None:
        import torch

        self.kind, self.index, self.plan = kind, index, plan
        self.folder = Path(plan["folder"])
        self.is_cpu = kind == "cpu"
        self.torch = torch.device("cpu") if self.is_cpu else torch.device(kind, index)
        self.module: Any = None if self.is_cpu else module(kind)
        if self.module is not None:
            self.module.set_device(index)

    def wait(self) -> None:
        """Wait until the device has done what it was given."""
        if not self.is_cpu:
            self.module.synchronize()

    def memory(self) -> int:
        """Return the memory that this process holds on the device."""
        if not self.is_cpu:
            return int(self.module.memory_reserved())
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def free(self) -> int:
        """Return how much memory is free for this process."""
        if self.is_cpu:
            return _free_for_a_process()
        return int(self.module.mem_get_info()[0])

    def knows(self, dtype: str) -> bool:
        """Tell whether the device computes in that type; who does not say knows it."""
        asked = getattr(self.module, "is_bf16_supported", None)
        return dtype != "bfloat16" or asked is None or bool(asked())

    def seconds(self, work: Callable[[], object], times: int) -> List[float]:
        """Return how long each of several runs took, by the device's own clock where it has one."""
        event = getattr(self.module, "Event", None)
        taken = []
        for _ in range(times):
            if event is None:
                began = time.perf_counter()
                work()
                self.wait()
                taken.append(time.perf_counter() - began)
                continue
            first, last = event(enable_timing=True), event(enable_timing=True)
            first.record()
            work()
            last.record()
            self.wait()
            taken.append(first.elapsed_time(last) / 1000)
        return taken


def median(values: List[float]) -> float:
    """Return the middle one: a card's clock drops and rises."""
    return sorted(values)[len(values) // 2]


def chosen(plan: Facts) -> Device:
    """Return the device that the plan asks for; Missing when torch does not see it."""
    kind = kind_of(plan)
    numbers = indices(plan, kind)
    if not numbers:
        raise Missing(f"torch sees no {kind} device")
    return Device(kind, numbers[0], plan)


def kind_of(plan: Facts) -> str:
    """Return the kind that is meant: what was asked for, or what torch computes on by itself."""
    import torch

    wanted = str(plan["device"])
    if wanted != "auto":
        return wanted
    accelerator = getattr(torch, "accelerator", None)
    if accelerator is not None:
        found = accelerator.current_accelerator() if accelerator.is_available() else None
        return found.type if found else "cpu"
    found = [name for name in _OLDER if getattr(getattr(torch, name, None), "is_available", bool)()]
    return found[0] if found else "cpu"


def module(kind: str) -> Any:
    """Return torch's module of a kind of device: torch.cuda, torch.npu; None when it has none."""
    import torch

    return getattr(torch, kind, None)


def count(kind: str) -> int:
    """Return how many devices of the kind torch sees."""
    if kind == "cpu":
        return 1
    asked = module(kind)
    return int(asked.device_count()) if asked is not None and asked.is_available() else 0


def indices(plan: Facts, kind: str) -> List[int]:
    """Return the numbers of the devices that are meant, of those that are there."""
    there = range(count(kind))
    wanted = plan.get("ids")
    return list(there) if wanted is None else [number for number in wanted if number in there]


def import_torch(plan: Facts) -> Facts:
    """Import torch as a program does, with whatever backend loads with it."""
    import torch

    npu = getattr(torch, "npu", None) and __import__("torch_npu").__version__
    return {
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda or "",
        "npu": str(npu or ""),
        "threads": torch.get_num_threads(),
    }


def see(plan: Facts) -> Facts:
    """Compute a little on each device that is meant: 0 + 1 + … + 999 is 499500."""
    import torch

    kind = kind_of(plan)
    seen: Facts = {
        "kind": kind,
        "asked": plan["device"],
        "ids": plan.get("ids"),
        "count": count(kind),
        "code": architectures(kind),
        "cards": [],
    }
    for number in indices(plan, kind):
        device = torch.device("cpu") if kind == "cpu" else torch.device(kind, number)
        card: Facts = {"index": number, "name": name(kind, number), "chip": chip(kind, number)}
        seen["cards"].append(card)
        try:
            numbers = torch.arange(1000, device=device, dtype=torch.int32)
            card["where"] = str(numbers.device.type)
            card["sum"] = int(numbers.sum().item()) if numbers.device.type != "meta" else None
        except RuntimeError as error:  # of a build without code for the card: judged by what is told here
            return {**seen, "error": f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"}
        card["memory_mib"] = _total(kind, number)
    return seen


def architectures(kind: str) -> List[str]:
    """Return what this torch was built for, in its own words: `sm_90`; nothing where it does not say."""
    asked = getattr(module(kind), "get_arch_list", None) if kind != "cpu" else None
    return [str(word) for word in asked()] if asked else []


def chip(kind: str, number: int) -> str:
    """Return a card's compute capability; nothing where there is no such thing (torch_npu says None)."""
    asked = getattr(module(kind), "get_device_capability", None) if kind != "cpu" else None
    told = asked(number) if asked else None
    return ".".join(map(str, told)) if told else ""


def name(kind: str, number: int) -> str:
    """Return the device's name as torch has it; nothing for the CPU."""
    asked = getattr(module(kind), "get_device_name", None) if kind != "cpu" else None
    return str(asked(number)) if asked else ""


def link(device: Device) -> Optional[Facts]:
    """Return the PCIe link that the card can have: its speed and width; None when it cannot be told."""
    properties = device.module.get_device_properties(device.index)
    bus = getattr(properties, "pci_bus_id", None)
    if not isinstance(bus, int):
        return None
    domain, slot = getattr(properties, "pci_domain_id", 0), getattr(properties, "pci_device_id", 0)
    folder = Path(f"/sys/bus/pci/devices/{domain:04x}:{bus:02x}:{slot:02x}.0")
    try:
        speed = float((folder / "max_link_speed").read_text("ascii").split()[0])
        width = int((folder / "max_link_width").read_text("ascii"))
    except (OSError, ValueError, IndexError):
        return None
    return {"gigatransfers": speed, "lanes": width}


def _total(kind: str, number: int) -> Optional[int]:
    if kind == "cpu":
        return None
    properties = module(kind).get_device_properties(number)
    return int(properties.total_memory) >> 20


def _free_for_a_process() -> int:
    """Return what the machine has, or the container's limit leaves (cgroup v2, then v1)."""
    told = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
    there = int(told.group(1)) << 10 if told else 1 << 30
    root = Path("/sys/fs/cgroup")
    both = (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    )
    for limit, used in both:
        with contextlib.suppress(OSError, ValueError):
            left = int((root / limit).read_text("ascii")) - int((root / used).read_text("ascii"))
            return min(there, left)
    return there
