"""What a plan says of limits and cards, in the engine's words."""

from __future__ import annotations

from collections.abc import Iterable

from envkit.accelerators.base import Wiring
from envkit.engines.values import DeviceRequest, Limit, Mount
from envkit.plan.limits import Ulimit


def limits(ulimits: Iterable[Ulimit]) -> tuple[Limit, ...]:
    """Return the limits of every process."""
    return tuple(Limit(name=one.name, soft=one.soft, hard=one.hard) for one in ulimits)


def device_request(wiring: Wiring) -> DeviceRequest | None:
    """Return the devices that the engine wires by itself; None: it is asked for none."""
    asked = wiring.request
    return None if asked is None else DeviceRequest(driver=asked.driver, ids=asked.ids)


def libraries(wiring: Wiring) -> tuple[Mount, ...]:
    """Return the host's driver, read-only, at the same place."""
    return tuple(Mount(source=path, target=path, read_only=True) for path in wiring.libraries)
