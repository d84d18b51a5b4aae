"""Whom an engine trusts, and by which way it goes: read from what it tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CERTIFICATES = (Path("/etc/docker/certs.d"), Path("~/.config/docker/certs.d"))  # root's, a rootless engine's


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whom the engine trusts, and by which way it goes."""

    insecure: tuple[str, ...] = ()  # networks, and names of registries
    proxies: Mapping[str, str] = field(default_factory=dict)
    no_proxy: str = ""
    certificates: tuple[Path, ...] = CERTIFICATES


def trust_of(info: Mapping[str, Any]) -> Trust:
    """Read it from what `docker info` is made of."""
    config = info.get("RegistryConfig") or {}
    indexes = (config.get("IndexConfigs") or {}).items()
    names = tuple(name for name, about in indexes if not about.get("Secure", True))
    proxies = {"http": str(info.get("HttpProxy") or ""), "https": str(info.get("HttpsProxy") or "")}
    return Trust(
        insecure=(*map(str, config.get("InsecureRegistryCIDRs") or ()), *names),
        proxies={scheme: url for scheme, url in proxies.items() if url},
        no_proxy=str(info.get("NoProxy") or ""),
    )
