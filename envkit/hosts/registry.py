"""The hosts that the user has named: one small file, no secrets in it."""

from __future__ import annotations

import dataclasses
import difflib
import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from envkit import paths
from envkit.errors import HostError, UsageError

Transport = Literal["auto", "openssh", "paramiko"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What a host was when it was last asked."""

    asked_at: str  # ISO 8601, UTC
    system: str
    user: str
    uid: int
    engine: str = ""  # "docker 20.10.24"; "" when there is none
    architecture: str = ""
    cards: tuple[str, ...] = ()
    driver: str = ""
    free_bytes: int = 0  # where the engine keeps its images, else the user's home


@dataclass(frozen=True, kw_only=True)
class HostEntry:
    """A host as it was added."""

    name: str
    target: str  # user@host:port, or a name of ~/.ssh/config
    transport: Transport = "auto"
    facts: HostFacts | None = None


def entries() -> tuple[HostEntry, ...]:
    """Return all hosts, by name."""
    return tuple(_entry(name, about) for name, about in sorted(_read().items()))


def entry(name: str) -> HostEntry:
    """Return a host; UsageError with near names when there is none of that name."""
    found = _read()
    if name in found:
        return _entry(name, found[name])
    near = difflib.get_close_matches(name, found, n=3)
    fix = f"did you mean {' or '.join(near)}?" if near else f"envkit host add {name} USER@HOST"
    raise UsageError(f"there is no host {name!r}", fix=fix)


def add(new: HostEntry) -> None:
    """Add a host; UsageError when its name is taken by another machine. The same again is fine."""
    if not _NAME.fullmatch(new.name):
        raise UsageError(
            f"{new.name!r} is no name for a host", fix="use small letters, digits, `.`, `_` and `-`"
        )
    with _changing() as found:
        if new.name in found:
            there = _entry(new.name, found[new.name])
            if (there.target, there.transport) == (new.target, new.transport):
                return
            raise UsageError(
                f"host {new.name} is there already: {there.target}",
                fix=f"another name, or `envkit host rm {new.name}` first",
            )
        found[new.name] = _plain(new)


def remove(name: str) -> HostEntry:
    """Forget a host and return what it was; its environments are not touched."""
    there = entry(name)
    with _changing() as found:
        found.pop(name, None)
    return there


def keep_facts(name: str, facts: HostFacts) -> None:
    """Write down what a host was; one that was removed meanwhile stays removed."""
    with _changing() as found:
        if name in found:
            found[name] = _plain(replace(_entry(name, found[name]), facts=facts))


def _file() -> Path:
    return paths.config() / "hosts.json"


def _read() -> dict[str, Any]:
    path = _file()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["hosts"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(f"{path} cannot be read as envkit wrote it", fix="mend or remove it") from error
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}", fix="look at its permissions") from error
    return dict(found)


@contextmanager
def _changing() -> Iterator[dict[str, Any]]:
    """Change the list: one at a time, and a reader meets the old list or the new one."""
    path = _file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (path.parent / "hosts.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = _read()
            before = json.dumps(found)
            yield found
            if json.dumps(found) != before:
                _write(path, found)
    except OSError as error:
        raise HostError(
            f"{path} cannot be written: {error.strerror}", fix="set XDG_CONFIG_HOME to a folder of yours"
        ) from error


def _write(path: Path, found: dict[str, Any]) -> None:
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=".hosts-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"hosts": found}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _plain(one: HostEntry) -> dict[str, Any]:
    about = dataclasses.asdict(one)
    del about["name"]
    return about


def _entry(name: str, about: dict[str, Any]) -> HostEntry:
    """Read what stands in the file; what a newer envkit wrote there is left out."""
    try:
        facts = about.get("facts")
        transport = about.get("transport", "auto")
        return HostEntry(
            name=name,
            target=str(about["target"]),
            transport=transport if transport in get_args(Transport) else "auto",
            facts=_facts(facts) if facts else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise HostError(f"host {name} in {_file()} is broken", fix="mend or remove its lines") from error


def _facts(about: dict[str, Any]) -> HostFacts:
    names = {field.name for field in dataclasses.fields(HostFacts)}
    known = {name: value for name, value in about.items() if name in names}
    return HostFacts(**{**known, "cards": tuple(known.get("cards", ()))})
