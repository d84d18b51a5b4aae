"""Copy files and folders between this machine and an environment, as its user and in a stream."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from envkit.container.trees import pack, unpack
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, Ends, ExecRequest
from envkit.environment.lookup import name_of, running
from envkit.errors import EnvkitError, UsageError
from envkit.plan.run_plan import HOME

Report = Callable[[str], None]

# What is there: its real path, what it is, and on which kind of filesystem (its nearest folder's).
_LOOK = """
path=$(realpath -m -- "$1") || exit
if [ -d "$path" ]; then kind=folder; elif [ -e "$path" ]; then kind=file; else kind=nothing; fi
near=$path
while [ ! -e "$near" ]; do near=$(dirname -- "$near"); done
printf '%s\\n%s\\n%s\\n%s\\n' "$kind" "$(stat -f -c %T -- "$near")" "$near" "$path"
"""
# Memory and the kernel's own trees: what is written there is gone with the next stop (design.md, section 4:
# never into a tmpfs). A folder of the host is the host's, whatever it lies on.
_FLEETING = ("tmpfs", "ramfs", "devpts", "proc", "sysfs", "cgroupfs", "cgroup2fs", "mqueue")
_SECRETS = PurePosixPath("/run/secrets")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A path, here or in an environment."""

    path: str
    environment: str | None = None


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied, and where it lies now."""

    source: str
    target: str


@dataclass
class _Output:
    """What tar in the container says beside its archive."""

    archive: int | None = None  # a file descriptor; closed at its other end: nobody wants more
    said: bytearray = field(default_factory=bytearray)

    def write(self, which: int, text: bytes) -> None:
        if which != 1 or self.archive is None:
            self.said += text
            return
        left = memoryview(text)
        with suppress(BrokenPipeError):
            while left:
                left = left[os.write(self.archive, left) :]

    @property
    def words(self) -> str:
        return self.said.decode("utf-8", "replace").strip() or "it says nothing"


def place(text: str) -> Place:
    """Take NAME:PATH or a path of this machine apart; what has a slash before its colon is a path."""
    name, colon, path = text.partition(":")
    if not colon or "/" in name:
        return Place(path=text)
    return Place(path=path or ".", environment=name)


def copy(engine: Engine, source: Place, target: Place, report: Report) -> Copied:
    """Copy a file or folder into an environment, or out of one; UsageError unless exactly one side is."""
    if (source.environment is None) == (target.environment is None):
        raise UsageError(
            "one side is NAME:PATH, the other a path of this machine",
            fix="envkit cp data.csv my-env:/work/home/, or envkit cp my-env:/work/home/model .",
        )
    if target.environment is not None:
        return _copy_in(engine, Path(source.path), target, report)
    return _copy_out(engine, source, Path(target.path), report)


def _copy_in(engine: Engine, source: Path, target: Place, report: Report) -> Copied:
    facts = running(engine, target.environment)
    if not os.path.lexists(source):
        raise UsageError(f"there is no {source} on this machine", fix="look at the path")
    there = _look(engine, facts, target.path)
    folder, name = _goal(source, target, there)
    if there.kind != "folder" and there.near not in (folder, there.path):
        raise UsageError(
            f"environment {name_of(facts)} has no folder {folder}",
            fix=f"`envkit exec {name_of(facts)} -- mkdir -p {folder}` makes one",
        )
    if there.kind == "file" and (source.is_dir() or folder == there.path):
        raise UsageError(f"{there.path} is a file, not a folder", fix="choose another name")
    _refuse_fleeting(facts, there, name)
    _send(engine, facts, _Tree(source=source.resolve(), name=name, folder=str(folder)), report)
    return Copied(source=str(source), target=f"{name_of(facts)}:{folder / name}")


def _goal(source: Path, target: Place, there: _There) -> tuple[PurePosixPath, str]:
    """Return the folder that a copy goes to, and its name there."""
    if there.kind == "folder" or target.path.endswith("/"):
        return there.path, source.absolute().name or source.resolve().name
    return there.path.parent, there.path.name


def _copy_out(engine: Engine, source: Place, target: Path, report: Report) -> Copied:
    facts = running(engine, source.environment)
    there = _look(engine, facts, source.path)
    if there.kind == "nothing":
        raise UsageError(f"environment {name_of(facts)} has no {there.path}", fix="look at the path")
    if not there.path.name:
        raise UsageError("the whole of an environment is not copied", fix="name a folder in it")
    if there.path == _SECRETS or _SECRETS in there.path.parents:
        raise UsageError("secrets are not copied", fix="`envkit up --show-token` shows the token")
    goal = target / there.path.name if target.is_dir() else target
    if not goal.parent.is_dir():
        raise UsageError(f"there is no folder {goal.parent} on this machine", fix="make it first")
    if there.kind == "folder" and goal.exists() and not goal.is_dir():
        raise UsageError(f"{goal} is a file, and {there.path} a folder", fix="choose another name")
    _receive(engine, facts, there, goal, report)
    return Copied(source=f"{name_of(facts)}:{there.path}", target=str(goal))


@dataclass(frozen=True, kw_only=True)
class _There:
    """A path in an environment, links followed, and what it is."""

    kind: str  # folder, file, nothing
    filesystem: str
    near: PurePosixPath  # the nearest thing on the way to it that exists
    path: PurePosixPath


@dataclass(frozen=True, kw_only=True)
class _Tree:
    """What is sent, and what it is called where."""

    source: Path
    name: str
    folder: str


def _look(engine: Engine, facts: ContainerFacts, path: str) -> _There:
    done = engine.inside.execute(
        facts.id, ExecRequest(command=("sh", "-c", _LOOK, "sh", path), directory=HOME, timeout_s=20.0)
    )
    told = done.stdout.decode("utf-8", "surrogateescape").split("\n", 3)
    if done.code != 0 or len(told) != 4:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise EnvkitError(f"{name_of(facts)}:{path} cannot be looked at: {said}", fix="look at the path")
    kind, filesystem, near, real = told
    return _There(
        kind=kind,
        filesystem=filesystem,
        near=PurePosixPath(near),
        path=PurePosixPath(real.removesuffix("\n")),
    )


def _refuse_fleeting(facts: ContainerFacts, there: _There, name: str) -> None:
    """Refuse what lies in memory."""
    on_host = any(PurePosixPath(m.target) in (there.path, *there.path.parents) for m in facts.mounts)
    if on_host or there.filesystem not in _FLEETING:
        return
    raise UsageError(
        f"{there.path} lies in memory ({there.filesystem}): {name} would be gone with the next stop",
        fix=f"copy to {HOME}; secrets come with `envkit up --env-file`",
    )


def _send(engine: Engine, facts: ContainerFacts, tree: _Tree, report: Report) -> None:
    """Pack here, in a thread, and unpack there, as its user."""
    output = _Output()
    failed: list[OSError] = []
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb") as stream:
            try:
                pack(tree.source, tree.name, stream, report)
            except BrokenPipeError:
                return  # tar there has ended: its words say why
            except OSError as error:
                failed.append(error)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    # -o and --no-same-permissions: what a plain user gets, for root too.
    command = ("tar", "--extract", "-o", "--no-same-permissions", "--file=-", f"--directory={tree.folder}")
    try:
        ends = Ends(stdin=reader, write=output.write)
        code = engine.inside.converse(facts.id, ExecRequest(command=command, directory=HOME), ends)
    finally:
        os.close(reader)
        thread.join()
    if failed:
        raise EnvkitError(f"{tree.source} cannot be read whole: {failed[0]}", fix="what came so far is there")
    _refuse_code(facts, code, output)


def _receive(engine: Engine, facts: ContainerFacts, there: _There, goal: Path, report: Report) -> None:
    """Pack there, as its user, and unpack here, while it comes."""
    reader, writer = os.pipe()
    output = _Output(archive=writer)
    result: list[int | EnvkitError] = []
    command = ("tar", "--create", "--file=-", f"--directory={there.path.parent}", "--", there.path.name)

    def fetch() -> None:
        try:
            asked = ExecRequest(command=command, directory=HOME)
            result.append(engine.inside.converse(facts.id, asked, Ends(stdin=None, write=output.write)))
        except EnvkitError as error:
            result.append(error)
        finally:
            os.close(writer)

    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    try:
        with os.fdopen(reader, "rb") as stream:
            whole = unpack(stream, there.path.name, goal, report)
            while stream.read(1 << 16):
                pass  # what tar adds to fill its last block
    finally:
        thread.join()
    if isinstance(result[0], EnvkitError):
        raise result[0]
    _refuse_code(facts, result[0], output)
    if not whole:
        raise EnvkitError(f"the copy of {there.path} broke off", fix="copy again")


def _refuse_code(facts: ContainerFacts, code: int, output: _Output) -> None:
    if code != 0:
        raise EnvkitError(
            f"tar in environment {name_of(facts)} ended with {code}: {output.words}",
            fix="what could be copied is there; mend the cause and copy again",
        )
