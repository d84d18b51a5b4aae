"""Names that no other test has: nor an earlier session's whose things were left, nor one that runs beside."""

from __future__ import annotations

import uuid


def fresh(word: str) -> str:
    """Return a name that begins with the word and was never given before."""
    return f"{word}-{uuid.uuid4().hex[:8]}"
