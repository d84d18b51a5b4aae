"""Where environments and runs live; apart from what starts them, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.engines.base import Engine
from envkit.environment.door import Ask, ask
from envkit.hosts.base import Host


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where environments live: an engine, its machine, and how its ports are reached."""

    engine: Engine
    host: Host
    home: str
    cache: str
    ask: Ask = ask
    here: str = ""  # the folder of this machine that the user is in
    user_home: str | None = None  # of a host over SSH: what `~` and relative paths mean there
