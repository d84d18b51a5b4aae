"""How the engine is set up, read from what `docker info` and `docker version` are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envkit.engines.trust import trust_of
from envkit.engines.values import EngineSetup


def read_setup(info: Mapping[str, Any], version: Mapping[str, Any]) -> EngineSetup:
    """Return the setup; engines differ in what they tell (Podman tells least)."""
    parts = {
        str(part.get("Name", "")).lower(): str(part.get("Version", ""))
        for part in version.get("Components") or ()
    }
    return EngineSetup(
        parts={name: text for name, text in parts.items() if name and text and name != "engine"},
        storage_driver=str(info.get("Driver") or ""),
        backing={str(row[0]): str(row[1]) for row in info.get("DriverStatus") or () if len(row) == 2},
        cgroup_driver=str(info.get("CgroupDriver") or ""),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        runtimes=tuple(info.get("Runtimes") or ()),
        security=tuple(_option(text) for text in info.get("SecurityOptions") or ()),
        authorization=tuple((info.get("Plugins") or {}).get("Authorization") or ()),
        insecure=trust_of(info).insecure,
        has_proxy=bool(info.get("HttpProxy") or info.get("HttpsProxy")),
        warnings=tuple(str(text) for text in info.get("Warnings") or ()),
    )


def is_podman(version: Mapping[str, Any]) -> bool:
    """Tell by its versions whether it is Podman that answers as Docker does."""
    parts = version.get("Components") or ()
    return any("podman" in str(part.get("Name", "")).lower() for part in parts)


def loads_on_top(info: Mapping[str, Any]) -> bool:
    """Tell whether `docker load` finds lower layers that the archive lacks: containerd's store does not."""
    kinds = [
        str(row[1]) for row in info.get("DriverStatus") or () if len(row) == 2 and row[0] == "driver-type"
    ]
    return bool(info.get("Driver")) and not any(
        kind.startswith("io.containerd.snapshotter") for kind in kinds
    )


def _option(text: object) -> str:
    """Return the name of an option: it comes as `name=seccomp,profile=default`."""
    return str(text).removeprefix("name=").partition(",")[0]
