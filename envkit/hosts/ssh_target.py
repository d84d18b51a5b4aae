"""Which machine is meant: `user@host:port`, as a user writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit.errors import UsageError

# A leading dash would be an option of ssh.
_TARGET = re.compile(
    r"(?:ssh://)?(?:(?P<user>[\w.][\w.@+\\-]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w][\w.-]*)(?::(?P<port>\d{1,5}))?/?"
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A machine in words; what is None is left to ~/.ssh/config."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user + '@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}"


def parse_target(text: str) -> Target:
    """Read `[user@]host[:port]`; the host may be a name of ~/.ssh/config."""
    found = _TARGET.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if not found or (port is not None and not 1 <= port <= 65535):
        raise UsageError(f"{text!r} is no machine", fix="write user@host or user@host:port")
    return Target(host=found["host"].strip("[]"), user=found["user"], port=port)
