"""Find the script as the user means it, and say where a container sees it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from envkit.engines.values import Mount
from envkit.environment.folders import is_system
from envkit.errors import HostError, UsageError
from envkit.hosts.base import Command, Host
from envkit.run.folder import Kind

# What a path really is; of one that is nowhere, each link on the way that was followed.
_LOOK = """
p=$1
if r=$(realpath -e -- "$p" 2>/dev/null); then
    echo "real $r"
    [ -d "$r" ] && echo folder
    [ -r "$r" ] || echo unreadable
    exit 0
fi
n=0
while [ -L "$p" ] && [ $n -lt 40 ]; do
    t=$(readlink -- "$p"); echo "link $p"; echo "to $t"; n=$((n+1))
    case $t in /*) p=$t ;; *) p=$(dirname -- "$p")/$t ;; esac
done
"""
_MOST_LINKS = 8  # that only a container can follow: they name its own paths
_WORK = "/work"
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_SHELLS = (".sh", ".bash")


@dataclass(frozen=True, kw_only=True)
class Script:
    """What is run, as the container sees it."""

    kind: Kind
    target: str  # a path inside, a module, or a command's first word
    directory: str  # inside
    args: tuple[str, ...] = ()
    on_host: str = ""  # the real path there


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file or a folder of the host."""

    asked: str
    real: str
    is_folder: bool = False
    is_readable: bool = True


class NotShown(UsageError):
    """It lies in no folder that the container sees."""


def find(host: Host, asked: str, shown: tuple[Mount, ...]) -> Found:
    """Return the script that is meant; `asked` is a whole path of the host, or one of the container."""
    found = _follow(host, asked, shown)
    if isinstance(found, Found):
        return found
    mapped = outside(asked, shown)
    if mapped is not None:
        there = _follow(host, mapped, shown)
        if isinstance(there, Found):
            return there
    raise _absent(asked, found)


def script(
    host: Host, found: Found, args: tuple[str, ...], shown: tuple[Mount, ...], *, fixed: bool = False
) -> Script:
    """Return what the container runs for a file: Python, a shell or the program itself.

    `fixed`: its folders are given, as an environment's are.
    """
    if found.is_folder:
        raise UsageError(
            f"{found.asked} is a folder", fix="name the script in it, or a module: envkit train -m pkg.mod"
        )
    if not found.is_readable:
        raise UsageError(f"{_named(found)} cannot be read", fix="give yourself the right to read it")
    inside = translate(found, shown, fixed=fixed)
    return Script(
        kind=_kind(host, found),
        target=inside,
        directory=str(PurePosixPath(inside).parent),
        args=args,
        on_host=found.real,
    )


def module(name: str, args: tuple[str, ...], directory: str) -> Script:
    """Return what the container runs for `-m NAME`."""
    if not _MODULE.fullmatch(name):
        raise UsageError(f"-m {name!r} is no module", fix="as in: envkit train -m pkg.mod")
    return Script(kind="module", target=name, directory=directory, args=args)


def translate(found: Found, shown: tuple[Mount, ...], *, fixed: bool = False) -> str:
    """Return where the container sees it: by the deepest mount that holds it; NotShown when none does."""
    real = PurePosixPath(found.real)
    holding = [one for one in shown if real.is_relative_to(one.source)]
    if not holding:
        raise _not_shown(found, shown, _in_fixed(found) if fixed else _to_be_shown(found))
    deepest = max(holding, key=lambda one: len(PurePosixPath(one.source).parts))
    return str(PurePosixPath(deepest.target) / real.relative_to(deepest.source))


def outside(inside: str, shown: tuple[Mount, ...]) -> str | None:
    """Return the host's path of one that the container sees; None when no mount holds it."""
    path = PurePosixPath(inside)
    holding = [one for one in shown if path.is_relative_to(one.target)]
    if not holding or not path.is_relative_to(_WORK):
        return None
    deepest = max(holding, key=lambda one: len(PurePosixPath(one.target).parts))
    return str(PurePosixPath(deepest.source) / path.relative_to(deepest.target))


def folder(host: Host, asked: str, shown: tuple[Mount, ...], *, option: str = "", fixed: bool = False) -> str:
    """Return a folder as the container sees it: that of an option, else where the caller is."""
    found = find(host, asked, shown)
    if not found.is_folder:
        raise UsageError(f"{option}{asked} is not a folder", fix="name the folder that it lies in")
    if option:
        try:
            return translate(found, shown)
        except NotShown as error:
            raise NotShown(error.what, fix=f"{option}DIR names one of these folders, or one below") from error
    return translate(found, shown, fixed=fixed)


def _follow(host: Host, path: str, shown: tuple[Mount, ...]) -> Found | tuple[tuple[str, str], ...]:
    """Return what a path is, or the links that led nowhere; one to a path of the container is followed."""
    asked, links = path, ()
    for _ in range(_MOST_LINKS):
        told = _look(host, path)
        if isinstance(told, Found):
            return Found(asked=asked, real=told.real, is_folder=told.is_folder, is_readable=told.is_readable)
        links = (*links, *told)  # type: ignore[assignment]  # grows from the empty one
        mapped = outside(told[-1][1], shown) if told else None
        if mapped is None:
            break
        path = mapped
    return links


def _look(host: Host, path: str) -> Found | tuple[tuple[str, str], ...]:
    done = host.run(Command(words=("sh", "-c", _LOOK, "sh", path), env={"LC_ALL": "C"}))
    lines = done.stdout.splitlines()
    if done.code != 0:
        raise HostError(f"{path}: {done.stderr.strip()}", fix="look at the path")
    if not lines or not lines[0].startswith("real "):
        froms = [line.removeprefix("link ") for line in lines[::2]]
        tos = [line.removeprefix("to ") for line in lines[1::2]]
        return tuple(zip(froms, tos, strict=False))
    real = lines[0].removeprefix("real ")
    if "\ufffd" in real or not real.isprintable():
        raise UsageError(f"{real!r} cannot be named in a container", fix="rename it: plain text, in UTF-8")
    return Found(asked=path, real=real, is_folder="folder" in lines, is_readable="unreadable" not in lines)


def _kind(host: Host, found: Found) -> Literal["script", "shell", "command"]:
    head = host.read_from(Path(found.real), 0) or b""
    first = head.split(b"\n", 1)[0]
    if head.startswith(b"\x7fELF"):
        return "command"
    if found.real.endswith(".py") or (first.startswith(b"#!") and b"python" in first):
        return "script"
    return "shell" if first.startswith(b"#!") or found.real.endswith(_SHELLS) else "script"


def _absent(asked: str, links: Iterable[tuple[str, str]]) -> UsageError:
    way = tuple(links)
    if not way:
        return UsageError(
            f"there is no file {asked}", fix="look at its name; a path is relative to where you are"
        )
    told = "".join(f"\n    {link} -> {target}" for link, target in way)
    return UsageError(f"{asked} leads nowhere:{told}", fix="mend the last of these links")


def _not_shown(found: Found, shown: tuple[Mount, ...], fix: str) -> NotShown:
    table = "".join(f"\n    {one.target} is {one.source}" for one in shown if one.target.startswith(_WORK))
    return NotShown(f"{_named(found)} is in no folder that the run sees:{table}", fix=fix)


def _to_be_shown(found: Found) -> str:
    parent = found.real if found.is_folder else str(PurePosixPath(found.real).parent)
    if is_system(parent):  # no mount of it is taken, and all of it is no project
        return "move it into one of these folders, or into one of its own: --mount code=DIR shows that"
    mount = f"--mount code={shlex.quote(parent)}"
    return f"{mount} shows it, --sync copies the project, or --home names another home"


def _in_fixed(found: Found) -> str:
    what = "work in one of these folders" if found.is_folder else "move it into one of these folders"
    return (
        f"{what}, --sync copies the project, or --image in place of --env takes a container that is "
        "given other folders"
    )


def _named(found: Found) -> str:
    return found.asked if found.asked == found.real else f"{found.asked} (that is {found.real})"
