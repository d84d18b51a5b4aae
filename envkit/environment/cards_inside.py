"""What a started container really sees of the cards that it was given: never less than asked."""

from __future__ import annotations

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Wiring
from envkit.accelerators.cards import Answer, Ask
from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest
from envkit.errors import AcceleratorError, EngineError

_TOOL_S = 60.0  # nvidia-smi wakes sleeping cards first


def refuse_fewer(engine: Engine, device: Wiring, container: str) -> None:
    """Ask inside, once; AcceleratorError when a card that was given is not there."""
    if not device.keys:
        return
    seen = ACCELERATORS[device.accelerator].inside(_asker(engine, container))
    if seen is None:
        return  # nothing in there can tell: a foreign image without the maker's tool
    lost = [key for key in device.keys if key not in seen]
    if lost:
        raise AcceleratorError(
            f"the container was given {len(device.keys)} cards and does not see {', '.join(lost)}",
            fix="`envkit doctor` looks at driver and toolkit; the engine's own log tells what it wired",
        )


def _asker(engine: Engine, container: str) -> Ask:
    def ask(words: tuple[str, ...]) -> Answer | None:
        try:
            done = engine.inside.execute(container, ExecRequest(command=words, timeout_s=_TOOL_S))
        except EngineError as error:
            return Answer(code=1, stdout="", stderr=error.what)
        stdout, stderr = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return None if done.code in (126, 127) else Answer(code=done.code, stdout=stdout, stderr=stderr)

    return ask
