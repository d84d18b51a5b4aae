"""Turn what changed in a container into layers: archives that lie on disk, never in memory as a whole."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envkit.container import bundle, temporary
from envkit.engines.base import Engine
from envkit.engines.values import Change, Ends, ExecRequest, RunRequest
from envkit.errors import EngineError, EnvkitError
from envkit.image.probe import TOOLS_PYTHON
from envkit.save.receiving import Layer as Layer
from envkit.save.receiving import Receiver

# A layer of 4 GB passes every registry that we know of, one of 8 GB does not (goharbor/harbor#17908).
CAP_BYTES = 4_000_000_000

_LOOK = 'for name in "$@"; do command -v "$name" && exit; done; exit 1'
_KEPT_WORDS = 4096
_NOT_RUN = (126, 127)  # of a program that could not be started, or lacks a library


@dataclass(frozen=True, kw_only=True)
class LayerWish:
    """What goes into the layers, and what of it does not.

    `drop` are paths; each stands for all below it as well. What is dropped stays as the lower layers have it.
    `replace` gives files another content.
    """

    changes: tuple[Change, ...] | None  # what the engine saw change; None: everything there is
    drop: tuple[str, ...] = ()
    replace: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    cap_bytes: int = CAP_BYTES


class NoPython(EnvkitError):
    """The image has nothing that could read its files for us."""


@contextmanager
def reading(engine: Engine, image: str, labels: Mapping[str, str] | None = None) -> Iterator[str]:
    """Give a container of the image for a moment, in which nothing of the image runs."""
    request = RunRequest(
        image=image,
        entrypoint=("sleep",),
        command=("2147483647",),
        user="0:0",
        network="none",
        health=False,
        labels=labels or {},
    )
    with temporary.running(engine, request) as container:
        yield container


def make_layers(engine: Engine, container: str, wish: LayerWish, folder: Path) -> tuple[Layer, ...]:
    """Write what is wished of a container's files into `folder`, the lowest layer first; none is fine.

    A file with several names is in one layer with all of them. A file above the cap has a layer of its own.
    """
    receiver = Receiver(folder)
    plan = {
        "changes": None if wish.changes is None else [[one.kind, one.path] for one in wish.changes],
        "drop": list(wish.drop),
        "replace": {path: base64.b64encode(content).decode() for path, content in wish.replace.items()},
        "cap_bytes": wish.cap_bytes,
    }
    with closing(receiver):
        ask(engine, container, ("layer_tar", plan), receiver.take)
    return receiver.whole()


def ask(
    engine: Engine, container: str, what: tuple[str, Mapping[str, Any]], take: Callable[[bytes], object]
) -> None:
    """Run one of the probes `layer_*` with its plan in the container; what it prints goes to `take`."""
    programs = bundle.sources("layer_*")
    words = (python_of(engine, container), "-I", *bundle.program(programs))
    said = bytearray()

    def write(which: int, part: bytes) -> None:
        if which == 1:
            take(part)
        else:
            said.extend(part)
            del said[:-_KEPT_WORDS]

    with tempfile.TemporaryFile() as stdin:
        stdin.write(bundle.pack(programs, *what))
        stdin.seek(0)
        request = ExecRequest(command=words, user="0:0")
        code = engine.inside.converse(container, request, Ends(stdin=stdin.fileno(), write=write))
    if code in _NOT_RUN:
        raise _no_python()
    if code != 0:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise EngineError(
            f"reading the image's files: exit code {code}: {''.join(last)[-300:]}",
            fix="run the command again; nothing was saved",
        )


def python_of(engine: Engine, container: str) -> str:
    """Return the Python that reads the files of a container; NoPython when it has none."""
    look = ExecRequest(
        command=("sh", "-c", _LOOK, "look", TOOLS_PYTHON, "python3", "python"), user="0:0", timeout_s=20.0
    )
    found = engine.inside.execute(container, look).stdout.decode().split()
    if not found:
        raise _no_python()
    return found[0]


def _no_python() -> NoPython:
    return NoPython(
        "the image has no Python that runs, with which its files could be read",
        fix="build it with envkit, or add one: `envkit adopt` does",
    )
