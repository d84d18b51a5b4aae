"""The run user's lines in a container's /etc/passwd and /etc/group: ssh, git and getpwuid ask for them."""

from __future__ import annotations

import re

from envkit.container import known_accounts
from envkit.engines.base import Engine
from envkit.plan.run_plan import HOME, Caller

PASSWD = "/etc/passwd"
GROUP = "/etc/group"
_SHELL = "/bin/bash"
_USABLE = re.compile(r"[a-z_][a-z0-9_-]{0,31}")  # what useradd(8) takes


def give_account(engine: Engine, container: str, caller: Caller, *, image_id: str = "") -> None:
    """Make the run user known in a container that is not started yet; asking again changes nothing."""
    changed = account_files(engine, container, caller, image_id=image_id)
    if changed:
        engine.inside.put(container, changed)


def account_files(engine: Engine, container: str, caller: Caller, *, image_id: str = "") -> dict[str, bytes]:
    """Return the files that must be written for that; none when the user is known already.

    `image_id`: of a container that was just made, and so has its image's own files.
    """
    texts = known_accounts.of(image_id)
    if not texts:
        texts = {
            path: (engine.inside.get(container, path) or b"").decode("utf-8", "replace")
            for path in (PASSWD, GROUP)
        }
        known_accounts.keep(image_id, texts)
    wanted = {
        PASSWD: passwd_with(texts[PASSWD], caller),
        GROUP: group_with(texts[GROUP], caller),
    }
    return {path: text.encode() for path, text in wanted.items() if text != texts[path]}


def passwd_with(text: str, caller: Caller) -> str:
    """Return /etc/passwd with the caller in it, at home in /work/home (ssh asks here, not in $HOME)."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        fields = line.split(":")
        if len(fields) == 7 and fields[2] == str(caller.uid):
            lines[number] = ":".join([*fields[:5], HOME, _SHELL])
            return _file(lines)
    name = _free_name(caller.name, caller.uid, lines)
    return _file([*lines, f"{name}:x:{caller.uid}:{caller.gid}:{name}:{HOME}:{_SHELL}"])


def group_with(text: str, caller: Caller) -> str:
    """Return /etc/group with the caller's group in it."""
    lines = text.splitlines()
    if any(line.split(":")[2:3] == [str(caller.gid)] for line in lines):
        return text
    return _file([*lines, f"{_free_name(caller.name, caller.gid, lines)}:x:{caller.gid}:"])


def without(text: str, original: str, number: str) -> str:
    """Return /etc/passwd or /etc/group as if the account of that number had never been given.

    What else was written there since, by packages that make users of their own, stays.
    """
    was = next((line for line in original.splitlines() if line.split(":")[2:3] == [number]), None)
    lines: list[str] = []
    for line in text.splitlines():
        if line.split(":")[2:3] != [number]:
            lines.append(line)
        elif was is not None:
            lines.append(was)
    return _file(lines)


def _free_name(name: str, number: int, lines: list[str]) -> str:
    taken = {line.partition(":")[0] for line in lines}
    return name if _USABLE.fullmatch(name) and name not in taken else f"u{number}"


def _file(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
