"""Why builds fail: the cause that a log shows, and what to do about it (compat/failures)."""

from __future__ import annotations

from envkit.compat.failures import of_build


def fix_for(lines: tuple[str, ...], earlier: tuple[str, ...] = ()) -> str:
    """Return cause and fix of what the last lines of a log show, or else those before them."""
    for text in ("\n".join(lines), "\n".join(earlier)):
        if known := of_build(text):
            return f"{known.cause}: {known.fix}"
    return "the lines above say what failed; the full log is in the file named here"
