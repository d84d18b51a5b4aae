"""The step in between of a save: the engine's own commit, without a name, labelled and watched."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, OWNED_CONTAINER, SAVE, ContainerFacts
from envkit.errors import EngineError
from envkit.image import probe
from envkit.plan.run_record import CARDS

_LOOK_S = 0.02  # a commit of a few megabytes pauses for about 0.1 s (tried on 20.10)
_LONG_S = 2.0  # one that takes so long is seen paused, if it was
_TRIES = 5  # one a second: for the container of a look that has just ended


@contextmanager
def snapshot(
    engine: Engine, container: ContainerFacts, report: Callable[[str], None], beside: Executor
) -> Iterator[str]:
    """Give an image of the container as it is now, secrets and all; it goes in any case, by `beside`.

    It carries what was true of the container, but nothing by which that one is found, nor its cards.
    """
    labels = {
        OWNED: "true",
        SAVE: secrets.token_hex(16),
        "io.envkit.kind": "save",
        "io.envkit.environment": "",
        OWNED_CONTAINER: "",
        CARDS: "",
        **maker.labels(maker.this_process()),
    }
    with _watched(engine, container) as seen:
        image = engine.images.commit(container.id, labels)
    try:
        report(_paused(engine, container, seen))
        yield image
    finally:
        beside.submit(_remove, engine, image)  # 1 to 5 s for 720 MB, and nothing waits for it


def _remove(engine: Engine, image: str) -> None:
    for _ in range(_TRIES):
        try:
            found = engine.images.inspect(image)
            if found is not None and not found.tags:
                engine.images.untag(image)
            return
        except EngineError:
            time.sleep(1)


@dataclass
class _Seen:
    """What was seen of the container while the engine was at it."""

    paused: bool = False
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _watched(engine: Engine, container: ContainerFacts) -> Iterator[_Seen]:
    """Look again and again whether the engine has paused it: it goes on when it cannot (moby #16005)."""
    seen = _Seen()
    began = time.monotonic()

    def watch() -> None:
        while not seen.over.wait(_LOOK_S) and not seen.paused:
            try:
                now = engine.containers.inspect(container.id)
            except EngineError:
                continue  # the commit's own call says what is wrong
            seen.paused = now is not None and now.state == "paused"

    thread = threading.Thread(target=watch, daemon=True)
    if container.state == "running":
        thread.start()
    try:
        yield seen
    finally:
        seen.over.set()
        seen.seconds = time.monotonic() - began
        if thread.is_alive():
            thread.join()


def _paused(engine: Engine, container: ContainerFacts, seen: _Seen) -> str:
    """Return what is to be said of the pause; EngineError when processes kept the engine from it."""
    took = f"the engine has copied it in {seen.seconds:.1f} s"
    if container.state != "running":
        return f"{took}; it does not run"
    if seen.paused or seen.seconds < _LONG_S:
        return f"{took}, paused meanwhile" if seen.paused else took
    found = probe.ask_by_word(engine, container.id, "save_look", {"environment": True}).values.get("stuck")
    if isinstance(found, list) and found:
        raise EngineError(
            f"the environment could not be paused: {', '.join(map(str, found))} waits for a disk or a device",
            fix="end that process, or wait for it; nothing was saved",
        )
    return f"{took}, and was not seen paused: a file that was written meanwhile may be half there"
