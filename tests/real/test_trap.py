"""The trap of testbed.md: a code-server that builds green, answers, and corrupts its memory: to be refused.

It is not deterministic: of ten starts of the same bytes, two died at their first request and eight lived
(2026-11-26, code-server 4.138.0 with node 24.21.0). So the image is tried again and again until it has shown
often enough, and what `verify` says of each container is compared with what the test itself overheard there.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from envkit.image.verify import ANY_UID, verify
from tests.real.derived import derived

pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]

TRIES = 25  # at two deaths of ten starts, 25 without one come once in 260 times
ENOUGH = 3
CORRUPT = re.compile(r"munmap_chunk|unaligned tcache|invalid pointer|corrupted|free\(\)|Segmentation fault")
TRAP = Path(__file__).with_name("trap")


@dataclass(frozen=True, kw_only=True)
class Try:
    """What one container showed."""

    refused: str  # the reasons of `verify`; "" when it passed
    witness: str  # the line of its log that speaks of a corrupt memory; "" when none does


@pytest.fixture(scope="module")
def trap(image: str, debian: str) -> Iterator[str]:
    """The good image, with the code-server that looks whole and the Node it was installed with."""
    with derived(TRAP, image) as made:
        yield made


@contextmanager
def overheard(engine: docker.DockerClient, image: str) -> Iterator[list[str]]:
    """Collect what the image's containers print until they are gone: verify removes its own at once."""
    lines: list[str] = []

    def listen() -> None:
        for event in events:
            if event.get("Action") == "start":
                threading.Thread(target=follow, args=(event["id"],), daemon=True).start()

    def follow(container: str) -> None:
        for line in engine.api.logs(container, stream=True, follow=True):
            lines.append(line.decode("utf-8", "replace").rstrip())

    events = engine.events(decode=True, filters={"type": "container", "image": image})
    threading.Thread(target=listen, daemon=True).start()
    try:
        yield lines
    finally:
        events.close()


def tried(engine: docker.DockerClient, image: str) -> Try:
    with overheard(engine, image) as lines:
        verdict = verify(connect(LocalHost()), image, lambda item: None, identities=(ANY_UID,))
    refused = "; ".join(f"{item.id}: {item.reason}" for item in verdict.failed)
    return Try(refused=refused, witness=next((line for line in lines if CORRUPT.search(line)), ""))


def test_the_good_image_shows_none_of_it(engine: docker.DockerClient, image: str) -> None:
    assert tried(engine, image) == Try(refused="", witness="")


def test_the_trap_is_refused_whenever_it_shows(
    engine: docker.DockerClient, trap: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tries: list[Try] = []
    while len(tries) < TRIES and sum(1 for one in tries if one.witness or one.refused) < ENOUGH:
        tries.append(tried(engine, trap))
        with capsys.disabled():
            one = tries[-1]
            sys.stdout.write(
                f"\n{len(tries)}. verify: {one.refused or 'passed'} | log: {one.witness or 'quiet'}"
            )
    refused = [one for one in tries if one.refused]
    assert len(refused) >= ENOUGH, f"the trap showed too rarely to prove anything: {tries}"
    assert [one for one in tries if one.witness and not one.refused] == []
