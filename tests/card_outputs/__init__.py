"""What the makers' tools printed, as files: SOURCES.md says where each is from."""

from __future__ import annotations

from pathlib import Path


def output(name: str) -> str:
    """Return a recorded output."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
