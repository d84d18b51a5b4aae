"""Compare two runs: what was asked, with which code and packages, on what, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

from envkit.environment.site import Site
from envkit.hosts.base import Command, Host
from envkit.run import events, from_json
from envkit.run.events import Scalar
from envkit.run.folder import Git, Request, RunRecord
from envkit.run.listing import Run, find

T = TypeVar("T")
Group = Literal["run", "parameters", "code", "packages"]

_OWN = ("MODEL_PATH", "SCRIPT", "SCRIPTPATH", "ENVKIT_RUN")  # variables that say nothing new of a run
_FIND = (
    'cd -- "$1" 2>/dev/null || exit 0; find . \\( -path ./attempts -o -path ./code \\) -prune -o '
    "-type f -name '*tfevents*' -exec stat -c '%s %n' {} +"
)
# A value takes 40 to 60 bytes: this is 150,000 of them, and two seconds. Of a longer file (images are in it,
# or audio) the beginning is read, too: what was written once may stand there.
_MOST_BYTES = 8 << 20
_FIRST_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that is not the same; None: it has none."""

    group: Group
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was last written under a tag."""

    tag: str
    before: Scalar | None
    after: Scalar | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, side by side."""

    before: str
    after: str
    changes: tuple[Change, ...]
    results: tuple[Result, ...]
    unknown: tuple[str, ...] = ()  # runs whose code and packages are not known (yet): they are not compared


@dataclass(frozen=True, kw_only=True)
class Details:
    """All that is known of a run."""

    run: Run
    record: RunRecord
    request: Request | None
    scalars: Mapping[str, Scalar]


def compare(site: Site, before: str, after: str) -> Comparison:
    """Compare two runs by their names; UsageError when one is not there."""
    first, second = (details(site, find(site, name)) for name in (before, after))
    groups: list[tuple[Group, Mapping[str, str], Mapping[str, str]]] = [
        ("run", _facts(first), _facts(second)),
        ("parameters", _parameters(first), _parameters(second)),
    ]
    unknown = tuple(one.run.name for one in (first, second) if not one.record.packages)
    if not unknown:
        groups += [("code", *_code(first.record.git, second.record.git))]
        groups += [("packages", _packages(first.record), _packages(second.record))]
    tags = dict.fromkeys((*first.scalars, *second.scalars))
    return Comparison(
        before=first.run.name,
        after=second.run.name,
        changes=tuple(change for group in groups for change in _changes(*group)),
        results=tuple(
            Result(tag=tag, before=first.scalars.get(tag), after=second.scalars.get(tag))
            for tag in sorted(tags)
        ),
        unknown=unknown,
    )


def details(site: Site, run: Run) -> Details:
    """Read all that a run's folder tells; what is damaged there is as if it were not."""
    return Details(
        run=run,
        record=_read(site.host, RunRecord, run.folder.summary) or run.record,
        request=_read(site.host, Request, run.folder.attempt(run.attempt).request),
        scalars=scalars(site.host, run.folder.path),
    )


def scalars(host: Host, folder: PurePosixPath) -> dict[str, Scalar]:
    """Return what was written last under each tag, in all event files of a run."""
    done = host.run(Command(words=("sh", "-c", _FIND, "sh", str(folder)), env={"LC_ALL": "C"}))
    found: dict[str, Scalar] = {}
    for line in done.stdout.splitlines():
        size, _, name = line.partition(" ")
        path = PurePosixPath(name)
        before = "/".join(part for part in path.parent.parts if part != "model")
        for part in _parts(host, Path(folder / path), int(size)):
            for tag, scalar in events.last_scalars(part).items():
                known = found.get(whole := f"{before}/{tag}" if before else tag)
                if known is None or scalar.time >= known.time:
                    found[whole] = scalar
    return found


def _parts(host: Host, path: Path, size: int) -> tuple[bytes, ...]:
    """Return a file, or as much of its beginning and its end as is read."""
    if size <= _MOST_BYTES:
        return (_part(host, path, 0, _MOST_BYTES),)
    return _part(host, path, 0, _FIRST_BYTES), _part(host, path, size - _MOST_BYTES, _MOST_BYTES)


def _part(host: Host, path: Path, offset: int, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (part := host.read_from(path, offset + len(found))):
        found += part
    return bytes(found[:size])


def _read(host: Host, kind: type[T], path: PurePosixPath) -> T | None:
    text = host.read(Path(path))
    try:
        return None if text is None else from_json.read(kind, text, name=path.name)
    except from_json.Damaged:
        return None


def _changes(group: Group, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        first, second = before.get(name), after.get(name)
        if first != second:
            yield Change(group=group, name=name, before=first, after=second)


def _facts(one: Details) -> dict[str, str]:
    told, record = one.run.record.record, one.record
    took = one.run.took_s
    facts = {
        "state": one.run.state,
        "why": "" if one.run.state == "finished" else one.run.sentence,
        "took": "" if took is None else f"{took:.1f} s",
        "script": record.script,
        "processes": str(record.nproc * record.nodes),
        "attempts": str(one.run.attempt),
        "image": str(told.get("image") or ""),
        "image id": str(told.get("image_id") or "")[:19],  # as many digits as `docker images` shows
        "environment": one.run.environment or "",
        "devices": str(told.get("devices") or ""),
        "host": str(told.get("host") or ""),
    }
    return {name: value for name, value in facts.items() if value}


def _parameters(one: Details) -> dict[str, str]:
    if one.request is None:
        return {}
    variables = {f"${name}": value for name, value in one.request.env.items() if name not in _OWN}
    return {**parameters(one.request.args), **variables}


def parameters(words: Sequence[str]) -> dict[str, str]:
    """Return a script's arguments by name, as far as words can tell: --lr 0.1, --lr=0.1, lr=0.1, --flag."""
    found: dict[str, list[str]] = {}
    option = ""  # waits for its value
    for number, word in enumerate(words, 1):
        name, equals, value = word.partition("=")
        if word.startswith("-") and not _is_number(word):
            option = "" if equals else name
            found.setdefault(name, []).extend([value] if equals else [])
        elif option:
            found[option].append(word)
        elif equals:
            found.setdefault(name, []).append(value)
        else:
            found[f"word {number}"] = [word]
    return {name: " ".join(values) if values else "given" for name, values in found.items()}


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _code(before: Git | None, after: Git | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the two commits; what was not committed is compared, and told by its number of lines."""
    first, second = _of_git(before), _of_git(after)
    if before and after and before.diff != after.diff:
        first["uncommitted"], second["uncommitted"] = _lines(before.diff), _lines(after.diff)
        if first["uncommitted"] == second["uncommitted"]:
            second["uncommitted"] += ", others"
    return first, second


def _packages(record: RunRecord) -> dict[str, str]:
    return {"python": record.python, **record.packages} if record.python else dict(record.packages)


def _of_git(git: Git | None) -> dict[str, str]:
    known = {"commit": git.commit[:12], "branch": git.branch} if git else {}
    return {name: value for name, value in known.items() if value}


def _lines(diff: str) -> str:
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return f"{len(changed)} changed lines" if diff else "nothing"
