"""`envkit` on a machine whose cards are on paper: nvidia-smi is a script, and nothing is wired.

The engine, the leases and the environments are real. With ENVKIT_TEST_DIE_AT_START it is killed between
lease and start.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace

from envkit import accelerators
from envkit.accelerators.base import Seen, Wiring
from envkit.accelerators.cards import Card
from envkit.accelerators.cuda import Cuda
from envkit.cli.main import main
from envkit.engines.docker_containers import DockerContainers


class PaperCards(Cuda):
    """GPUs that no engine must wire."""

    def wire(self, cards: tuple[Card, ...], seen: Seen) -> Wiring:
        control = replace(seen, paths={**seen.paths, "/dev/nvidiactl": 0})
        return replace(super().wire(cards, control), request=None)


def die(self: DockerContainers, container: str) -> None:
    """End as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    accelerators._made["cuda"] = PaperCards()
    if "ENVKIT_TEST_DIE_AT_START" in os.environ:
        DockerContainers.start = die  # type: ignore[method-assign]
    main()
