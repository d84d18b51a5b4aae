"""Look into an image before anything is built on it: what it is, and what of it is kept."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envkit import paths
from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest, ExecResult, ImageFacts, RunRequest
from envkit.errors import EngineError, PlanError
from envkit.image.own_entrypoint import try_entrypoint
from envkit.image.verify import ANY_UID
from envkit.plan.kept import Kept, OwnPython

MARK = "envkit-python "
_LONG_S = 60.0

# As root. Every value is a plain word or path; a line that is missing is "".
SYSTEM = r"""
id=; version=; [ ! -r /etc/os-release ] || { . /etc/os-release; id=${ID:-}; version=${VERSION_ID:-}; }
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
[ -n "$glibc" ] || glibc=$(ldd --version 2>/dev/null | sed -n '1s/.* \([0-9][0-9.]*\)$/\1/p')
for name in /lib/*/libc.so.6 /lib64/libc.so.6; do
    [ -n "$glibc" ] || glibc=$("$name" 2>/dev/null | sed -n '1s/.* version \([0-9][0-9.]*[0-9]\).*/\1/p')
done
manager=; for name in apt-get dnf; do command -v $name >/dev/null && manager=$name && break; done
musl=; for name in /lib/ld-musl-*; do [ ! -e "$name" ] || musl=musl; done
venv=; [ -z "$(ls -A /opt/venv 2>/dev/null)" ] || venv=taken
printf '%s\n' "id=$id" "version=$version" "glibc=$glibc" "manager=$manager" "musl=$musl" "venv=$venv"
awk -F: '{ print "account=" $1 ":" $3 }' /etc/passwd 2>/dev/null
"""
# As the image's own user: `python` is what `docker run IMAGE python x.py` finds.
OWN = r"""
printf '%s\n' "uid=$(id -u)" "home=$HOME" "directory=$(pwd)"
for name in python python3; do
    found=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $found in 3.*) printf '%s\n' "python=$name" "python_version=$found"; break;; esac
    printf '%s\n' "old=$found"
done
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an image is."""

    kept: Kept
    distribution: str  # "debian:12"; ":" when it does not say
    glibc: str  # "" when it has none
    musl: bool
    manager: str  # "apt-get", "dnf" or ""
    uid: int  # of its own user
    accounts: Mapping[str, int]
    old_python: str = ""  # one that our program does not run in: a Python 2, or too old, or broken
    implementation: str = "cpython"
    closed: tuple[str, ...] = ()  # `g:/root`: folders that others must be let through, to reach its Python
    unreadable: tuple[str, ...] = ()  # what of its Python others cannot read even then


def look_into(engine: Engine, image: ImageFacts, reference: str) -> Seen:
    """Look, in containers that are removed again; PlanError when it has no shell to look with."""
    request = RunRequest(
        image=image.id, entrypoint=("/bin/sh",), command=("-c", "sleep 3600"), user="0:0", network="none"
    )
    try:
        with running(engine, request) as container:
            inside = _Inside(engine, container, image.user or "0")
            system, own = inside.words(SYSTEM, "0:0"), inside.words(OWN, inside.user)
            python = inside.python(own)
    except EngineError as error:
        raise PlanError(
            f"{reference} cannot be looked into: {error.what}",
            fix="it needs a shell (/bin/sh) and a package manager: build it on another base",
        ) from error
    kept = Kept(
        reference=reference,
        python=_own_python(python) if python else None,
        entrypoint=try_entrypoint(engine, image),
        command=image.command,
        user=image.user,
        home=own.get("home", "/"),
        directory=own.get("directory", "/"),
        env=tuple(sorted(image.env.items())),
        venv_taken=bool(system.get("venv")),
    )
    return Seen(
        kept=kept,
        distribution=f"{system.get('id', '').lower()}:{system.get('version', '')}",
        glibc=system.get("glibc", ""),
        musl=bool(system.get("musl")),
        manager=system.get("manager", ""),
        uid=int(own.get("uid") or 0),
        accounts=inside.accounts,
        old_python="" if python else own.get("python_version") or own.get("old", ""),
        implementation=python.get("implementation", "cpython"),
        closed=tuple(python.get("opened", ())),
        unreadable=tuple(python.get("unreadable", ())),
    )


def _own_python(said: Mapping[str, Any]) -> OwnPython:
    return OwnPython(
        version=said["version"],
        program=said["program"],
        interpreter=said["interpreter"],
        folders=tuple(said["folders"]),
        torch=said.get("torch"),
        cuda=said.get("cuda"),
        torch_npu="there" if said.get("npu") else None,
    )


class _Inside:
    """A container of the image in which nothing runs."""

    def __init__(self, engine: Engine, container: str, user: str) -> None:
        self._engine = engine
        self._container = container
        self.user = user
        self.accounts: dict[str, int] = {}

    def words(self, script: str, user: str) -> dict[str, str]:
        """Run a script that prints NAME=VALUE lines."""
        printed = self._run(("/bin/sh", "-c", script), user).stdout.decode("utf-8", "replace")
        pairs = [line.partition("=") for line in printed.splitlines()]
        for name, _, value in pairs:
            account, _, uid = value.partition(":")
            if name == "account" and uid.isdigit():
                self.accounts[account] = int(uid)
        return {name: value for name, _, value in pairs}

    def python(self, own: Mapping[str, str]) -> dict[str, Any]:
        """Return what its Python says, and what keeps any other user from it; {} when there is none.

        Folders that nobody else may enter are opened, in this container, to see whether that is all.
        """
        if "python" not in own:
            return {}
        said = self._ask(own["python"], (), self.user)
        if not said:
            return {}
        folders = tuple(said["folders"])
        around = self._ask(said["program"], folders, "0:0") or said
        opened = [f"{who}:{path}" for path, who in around["closed"].items()]
        for one in opened:
            self._run(("/bin/sh", "-c", open_command(one)), "0:0")
        others = self._ask(said["program"], folders, ANY_UID)
        unreadable = others["unreadable"] if others else [said["program"]]
        return {**said, "opened": opened, "unreadable": unreadable}

    def _ask(self, python: str, folders: tuple[str, ...], user: str) -> dict[str, Any]:
        text = (paths.probes() / "own_python.py").read_bytes()
        printed = self._run((python, "-", *folders), user, text).stdout.decode("utf-8", "replace")
        lines = [line for line in printed.splitlines() if line.startswith(MARK)]
        try:
            found: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK)) if lines else {}
        except ValueError:
            return {}
        return found

    def _run(self, words: tuple[str, ...], user: str, stdin: bytes = b"") -> ExecResult:
        request = ExecRequest(command=words, user=user, stdin=stdin, timeout_s=_LONG_S)
        return self._engine.inside.execute(self._container, request)


def open_command(closed: str) -> str:
    """Return the command that lets others pass a folder: pass, not list."""
    who, _, path = closed.partition(":")
    return f"chmod {who}+x {shlex.quote(path)}"
