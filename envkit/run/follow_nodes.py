"""Follow a run on all its nodes at once: their lines as they come, and how the run ended.

Each node is read by a thread of its own, from its own folder: a machine that is slow or gone keeps nobody
waiting. The supervisors have put node and rank before each line; here only whole lines are handed on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from envkit.environment.site import Site
from envkit.errors import EnvkitError, RunError
from envkit.run.folder import End
from envkit.run.follow import Ears, Write, follow_with, never
from envkit.run.going import Going
from envkit.run.line_token import Bearer, Holder
from envkit.run.settle import settle

HERE = "this"  # this machine's name among the nodes
_LOOK_S = 0.1  # between looks at the threads; a signal comes through at once
_SETTLE_S = 90.0  # node 0 has ended: the others write the same, and list their packages
# A node was lost: a machine that has not answered us for so long either is the one.
_LOST_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One node's part of a run that goes on."""

    name: str  # the node's
    site: Site
    going: Going
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How the run ended, and which containers stay for the bytes that they wrote outside of /work."""

    end: End
    stays: tuple[tuple[str, int], ...] = ()  # a part's name, and the bytes


@dataclass
class _WholeLines:
    """Hands on what ends with a line, so that no node's words come into another's line."""

    write: Write
    lock: threading.Lock
    rest: bytes = b""

    def __call__(self, part: bytes) -> None:
        text = self.rest + part
        end = text.rfind(b"\n") + 1
        self.rest = text[end:]
        if end:
            with self.lock:
                self.write(text[:end])


@dataclass
class _Reader:
    """One node, while it is followed."""

    node: Followed
    ears: Ears
    holder: Holder
    bearer: Bearer
    may_lack: bool  # whether it is to be seen to that its container has the nodes' token
    end: End | None = None
    written: int = 0  # by its container, which stays for that
    error: EnvkitError | OSError | None = None
    heard: float = field(default_factory=time.monotonic)  # when its machine answered last
    thread: threading.Thread = field(init=False)

    @property
    def is_silent(self) -> bool:
        """Tell whether its machine does not answer any more."""
        return self.end is None and time.monotonic() - self.heard > _LOST_S

    def note(self) -> None:
        self.heard = time.monotonic()
        if self.may_lack:
            self.may_lack = not self.bearer.bring(self.holder)

    def begin_again(self) -> None:
        self.may_lack = True

    def start(self) -> None:
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        try:
            ears = replace(self.ears, heard=self.note, began=self.begin_again)
            self.end = follow_with(self.node.site, self.node.going, ears, offset=self.node.offset)
            self.written = settle(self.node.site, self.node.going)
        except (EnvkitError, OSError) as error:  # OSError: nobody reads what we print
            self.error = error


def follow_nodes(nodes: Sequence[Followed], ears: Ears, bearer: Bearer | None = None) -> Heard:
    """Hand over what all print; return how it ended, once the others are read to their end, too.

    A node that is started again gets the token of their line: the bearer's, or that of a node that has it.
    """
    readers = _readers(nodes, ears, bearer)
    for reader in readers:
        reader.start()
    end = _end(readers)
    deadline = time.monotonic() + _SETTLE_S
    for reader in readers[1:]:
        while reader.thread.is_alive() and time.monotonic() < deadline:
            if end.cause == "node-lost" and reader.is_silent:
                break
            reader.thread.join(_LOOK_S)
    for reader in readers:
        if reader.end is None or reader.error is not None:
            ears.report(_left(reader))
    stays = tuple((reader.node.going.name, reader.written) for reader in readers if reader.written)
    return Heard(end=end, stays=stays)


def _readers(nodes: Sequence[Followed], ears: Ears, bearer: Bearer | None) -> list[_Reader]:
    lock = threading.Lock()
    holders = [Holder(site=node.site, container=node.going.container) for node in nodes]
    brings = bearer or Bearer(holders=holders)
    return [
        _Reader(
            node=node,
            ears=_ears(node, ears, lock, rank),
            holder=holder,
            bearer=brings,
            may_lack=node.going.survives,
        )
        for rank, (node, holder) in enumerate(zip(nodes, holders, strict=True))
    ]


def _ears(node: Followed, ears: Ears, lock: threading.Lock, rank: int) -> Ears:
    write = _WholeLines(write=ears.write, lock=lock)
    if rank == 0:
        return replace(ears, write=write)  # it is asked to end for all
    return replace(
        ears,
        write=write,
        presses=never,
        is_main=False,
        report=lambda text: ears.report(f"node {node.name}: {text}"),
    )


def _end(readers: Sequence[_Reader]) -> End:
    """Return node 0's word; where it was lost with its machine, the others'."""
    main, others = readers[0], readers[1:]
    while main.thread.is_alive():
        main.thread.join(_LOOK_S)
        for reader in others:
            if isinstance(reader.error, OSError):
                raise reader.error
        said = [reader.end for reader in others if reader.end is not None and reader.end.cause == "node-lost"]
        if main.is_silent and len(said) == len(others):
            return said[0]
    if main.end is None:
        raise main.error or RunError("node 0 was not followed to its end", fix="`envkit attach` follows it")
    return main.end


def _left(reader: _Reader) -> str:
    name, run = reader.node.name, reader.node.going.name
    why = reader.error.what if isinstance(reader.error, EnvkitError) else "it is not reached"
    where = "" if name == HERE else f" --host {name}"
    return f"node {name}: {why}; what is left there: `envkit runs{where}`, `envkit rm {run}{where}`"
