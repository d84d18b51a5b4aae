"""What is run on a host: one shell line around the program, the only one that envkit makes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from envkit.hosts.base import Command

# One line without a single quote or an exclamation mark: it must pass through any login shell.
# A word is said before the program's first one, so that what a login shell's own files print is told apart.
# The program gets a group of its own; that group's number is said, and at the end the whole group is ended.
_AROUND = (
    "m=$1 d=$2 e=$3 o=$4; shift 4; s=ok; "
    "PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin; export PATH; "
    'if [ -n "$e" ]; then n=$(printf "\\nx"); n=${n%x}; IFS= read -r l; eval "$l"; fi; '
    'if [ -n "$d" ]; then cd -- "$d" 2>/dev/null || s=folder; fi; '
    'if [ $s = ok ]; then command -v "$1" >/dev/null 2>&1 || s=program; fi; '
    'if [ $s = ok ]; then :; else printf "\\n%s 0 %s\\n" "$m" $s; exit 125; fi; '
    "g=; if command -v setsid >/dev/null 2>&1; then g=setsid; fi; exec 3<&0; "
    '$g sh -c "$o" "$m" "$@" <&3 3<&- & '
    'exec 3<&-; p=$!; wait "$p"; c=$?; kill -s KILL -- "-$p" 2>/dev/null; exit "$c"'
)
_APART = 'printf "\\n%s %s ok\\n" "$0" "$$"; printf "\\n%s\\n" "$0" >&2; exec env "$@"'
_TOGETHER = 'printf "\\n%s %s ok\\n" "$0" "$$"; exec 2>&1; exec env "$@"'
# Asks a group to end, and ends it when it has not.
_END = (
    'kill -s TERM -- "-$1" 2>/dev/null; i=0; '
    'while [ $i -lt 50 ] && kill -s 0 -- "-$1" 2>/dev/null; do i=$((i+1)); sleep 0.1; done; '
    'kill -s KILL -- "-$1" 2>/dev/null; true'
)
_MOST_NOISE = 1 << 20  # of a login shell's own files; more than this is no greeting


@dataclass(frozen=True, kw_only=True)
class Head:
    """What was said before the program's own output."""

    group: int
    state: Literal["ok", "folder", "program"]


def line(command: Command, marker: str, *, together: bool) -> str:
    """Return the line that runs a command; its environment is not in it: lines are there for all to see."""
    directory = str(command.directory) if command.directory else ""
    inner = _TOGETHER if together else _APART
    words = ("sh", "-c", _AROUND, "envkit", marker, directory, "e" if command.env else "", inner)
    return "exec " + shlex.join((*words, *command.words))


def first_input(env: Mapping[str, str]) -> bytes:
    """Return the line that sets the environment; it comes before the program's own input."""
    if not env:
        return b""
    # A quoted newline would end the line: it is put in by name.
    pairs = (f"{name}={shlex.quote(value)}".replace("\n", "'\"$n\"'") for name, value in env.items())
    return f"export {' '.join(pairs)}\n".encode()


def ending(group: int) -> str:
    """Return the line that ends a group of programs."""
    return "exec " + shlex.join(("sh", "-c", _END, "envkit", str(group)))


def read_head(received: bytes, marker: str) -> tuple[Head, bytes] | None:
    """Return the head and the output after it; None while it has not come."""
    found = re.search(rb"(?:^|\n)" + marker.encode() + rb" (\d+) (ok|folder|program)\r?\n", received)
    if found is None:
        return None
    state = found[2].decode()
    assert state in ("ok", "folder", "program")
    return Head(group=int(found[1]), state=state), received[found.end() :]  # type: ignore[arg-type]  # above


def after_marker(received: bytes, marker: str) -> bytes:
    """Return what a program wrote to stderr: the login shell's own words left out."""
    _, found, rest = received.partition(f"\n{marker}\n".encode())
    return rest if found else received


def is_too_noisy(received: bytes) -> bool:
    """Tell whether the head cannot be expected any more."""
    return len(received) > _MOST_NOISE
