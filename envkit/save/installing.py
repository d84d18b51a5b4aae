"""Make an image by installing in a container of its base, and committing that: the same steps as a build's.

For where a build's network, or its builder, cannot do what a container of this machine can. The IDE tools,
which know nothing of the base, are built as ever.
"""

from __future__ import annotations

import io
import os
import shlex
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from envkit import context
from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.build_log import short
from envkit.engines.values import BuildEvent, BuildRequest, Ends, ExecRequest, RunRequest
from envkit.errors import EngineError
from envkit.image.build import BuildOptions, build_untagged
from envkit.image.emulation import platform_of
from envkit.image.for_now import named_for_now
from envkit.image.planned import Planned
from envkit.image.proving import Reports
from envkit.plan.facts import ContextFile
from envkit.plan.network import FOLDER, script
from envkit.save.instructions import Instruction, halves
from envkit.save.taken import taken
from envkit.scratch import Scratch

_STEP_S = 3600.0  # for one step: what a slow mirror needs for torch's CUDA build
_SHELL = ("/bin/bash", "-euo", "pipefail", "-c")
_FOLDER, _NETWORK = "/run/envkit", "/run/envkit-net"
_ON_THE_WAY = f"{_FOLDER} {_FOLDER}-* /opt/build /tmp/envkit-* /var/cache/apt/*.bin"
_LAST_LINES = 20
_SLEEP = RunRequest(image="", entrypoint=("sleep",), command=("2147483647",), user="0:0", health=False)


def make_by_commit(planned: Planned, engine: Engine, options: BuildOptions, reports: Reports) -> str:
    """Install, commit, describe; return the id of an image without a name, as a build does."""
    files = context.files_of(replace(planned.plan, builder="classic"), context.load_shipped())
    parts = halves(context.dockerfile_of(files))
    stages = {
        one.rest.split()[0].removeprefix("--from=") for one in parts.done if one.rest.startswith("--from=")
    }
    with ExitStack() as stack:
        tools = {
            stage: stack.enter_context(_started_stage(stage, planned, engine, options, reports))
            for stage in sorted(stages)
        }
        # As a build of this machine's own engine: its proxy on loopback, its resolver.
        network = "host" if engine.facts().local else None
        request = replace(_SLEEP, image=planned.plan.base.image, network=network)
        container = stack.enter_context(running(engine, request))
        work = _Work(engine=engine, container=container, tools=tools, files=files, reports=reports)
        work.write(_NETWORK, script(planned.network).encode())
        for number, one in enumerate(parts.done, 1):
            work.carry_out(one, f"[in a container {number}/{len(parts.done)}] {one}")
        work.run(f"rm -rf {_ON_THE_WAY}", "0:0", "tidy up")
        reports.note("committing the container")
        facts = engine.containers.inspect(container)
        if facts is None:
            raise EngineError("the container was removed by somebody else", fix="run the command again")
        copy = stack.enter_context(taken(engine, facts, planned.plan.name, "envkit adopt --by-commit"))
        return _described(copy.tags[0], parts.said, engine, reports)


@contextmanager
def _started_stage(
    stage: str, planned: Planned, engine: Engine, options: BuildOptions, reports: Reports
) -> Iterator[str]:
    """Build a stage of the tools and give a container of it, for its files."""
    image = build_untagged(planned, engine, options, reports, target=stage)
    with (
        named_for_now(engine, image, stage) as name,
        running(engine, replace(_SLEEP, image=name, network="none")) as made,
    ):
        yield made


def _described(name: str, said: tuple[Instruction, ...], engine: Engine, reports: Reports) -> str:
    """Give the image its variables, user, entrypoint and labels."""
    with Scratch("described") as scratch:
        folder = scratch / "context"
        folder.mkdir()
        head = f"FROM {name}\nSHELL [{', '.join(f'{chr(34)}{word}{chr(34)}' for word in _SHELL)}]\nUSER 0:0\n"
        (folder / "Dockerfile").write_text(head + "".join(f"{one}\n" for one in said), encoding="utf-8")
        request = BuildRequest(context=folder, platform=platform_of(engine, name))
        return engine.builder.build(request, reports.event)


@dataclass
class _Work:
    """A container in which a Dockerfile's instructions are carried out, one after another."""

    engine: Engine
    container: str
    tools: Mapping[str, str]  # a stage's name → a container of it
    files: tuple[ContextFile, ...]
    reports: Reports
    user: str = "0:0"
    variables: dict[str, str] = field(default_factory=dict)

    def carry_out(self, one: Instruction, step: str) -> None:
        """Do what an instruction says."""
        if one.word == "USER":
            self.user = one.rest
        elif one.word == "ARG":
            name, _, value = one.rest.partition("=")
            self.variables[name] = value
        elif one.word == "COPY":
            self._copy(shlex.split(one.rest))
        elif one.word == "RUN":
            self._forget()
            self.run(one.rest.replace("\\\n", "\n"), self.user, step)
        else:
            raise EngineError(
                f"{one.word} cannot be carried out in a container", fix="adopt it without --by-commit"
            )

    def run(self, text: str, user: str, step: str) -> None:
        """Run a step's shell; EngineError with its last lines when it fails."""
        began = time.monotonic()
        self.reports.event(BuildEvent(kind="step", step=step))

        def heard(line: bytes) -> None:
            text = line.decode("utf-8", "replace").rstrip()
            self.reports.event(BuildEvent(kind="line", step=step, text=text))

        request = ExecRequest(
            command=(*_SHELL, text), user=user, env=self.variables, timeout_s=_STEP_S, hear=heard
        )
        done = self.engine.inside.execute(self.container, request)
        seconds = time.monotonic() - began
        if done.code:
            lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
            last = "".join(f"\n    {line}" for line in lines)
            self.reports.event(
                BuildEvent(kind="failed", step=step, text=f"exit code: {done.code}", seconds=seconds)
            )
            raise EngineError(
                f"installing in the container failed with exit code {done.code}: {short(step)}{last}",
                fix="the lines above say why; the image is as it was",
            )
        self.reports.event(BuildEvent(kind="done", step=step, seconds=seconds))

    def _forget(self) -> None:
        """Remove what the step before, perhaps as another user, was told of the network."""
        request = ExecRequest(command=("rm", "-rf", FOLDER), user="0:0")
        self.engine.inside.execute(self.container, request)

    def write(self, path: str, content: bytes) -> None:
        """Write a file that goes before the commit."""
        words = ("/bin/sh", "-c", 'umask 022; cat >"$0"', path)
        self.engine.inside.execute(self.container, ExecRequest(command=words, user="0:0", stdin=content))

    def _copy(self, words: list[str]) -> None:
        """Copy a folder, of the context or of a stage."""
        *before, source, target = words
        if before:
            stage = self.tools[before[0].removeprefix("--from=")]
            _pipe_folder(self.engine, (stage, source), (self.container, target))
            return
        prefix = "" if source == "." else source
        chosen = [file for file in self.files if file.name.startswith(prefix) and file.name != "Dockerfile"]
        if prefix == "net/":
            return  # it was written before
        packed = _packed(replace(file, name=file.name.removeprefix(prefix)) for file in chosen)
        request = ExecRequest(command=_untar(target), user="0:0", stdin=packed, timeout_s=_STEP_S)
        _check(self.engine.inside.execute(self.container, request).code, target)


def _packed(files: Iterator[ContextFile]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for file in files:
            content = file.content.read_bytes() if isinstance(file.content, Path) else file.content
            entry = tarfile.TarInfo(file.name)
            entry.size, entry.mode = len(content), file.mode
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _untar(target: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", 'umask 022; mkdir -p "$0" && exec tar -x --same-owner -p -C "$0"', target)


def _pipe_folder(engine: Engine, source: tuple[str, str], target: tuple[str, str]) -> None:
    """Send what is in a folder of one container into a folder of another: (container, folder) each."""
    reader, writer = os.pipe()
    codes: list[int] = []

    def take() -> None:
        try:
            request = ExecRequest(command=_untar(target[1]), user="0:0")
            codes.append(
                engine.inside.converse(target[0], request, Ends(stdin=reader, write=lambda _, part: None))
            )
        finally:
            os.close(reader)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        with os.fdopen(writer, "wb") as pipe, suppress(BrokenPipeError):
            send = ExecRequest(command=("tar", "-c", "-C", source[1], "."), user="0:0")
            ends = Ends(
                stdin=None, write=lambda which, part: _given(pipe.write(part)) if which == 1 else None
            )
            codes.append(engine.inside.converse(source[0], send, ends))
    finally:
        thread.join()
    _check(max(codes, default=1) if len(codes) == 2 else 1, target[1])


def _given(written: int) -> None:
    """Take no notice of how much was written: it is all."""


def _check(code: int, place: str) -> None:
    if code:
        raise EngineError(
            f"{place} could not be copied into the container", fix="it needs `tar`: install it in the image"
        )
