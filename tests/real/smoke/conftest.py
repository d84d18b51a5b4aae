"""A container of the image that the smoke test's programs run in, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envkit.container.temporary import running
from envkit.engines.docker import connect
from envkit.engines.values import RunRequest
from envkit.hosts.local import LocalHost
from envkit.image.user_python import python_of
from envkit.smoke import bundle
from envkit.smoke.places import Inside, Place

SABOTAGE = Path(__file__).with_name("sabotage.py")
Told = list[dict[str, Any]]


@pytest.fixture(scope="session")
def inside(image: str) -> Iterator[Inside]:
    """A container with a small /dev/shm that is enough for small batches."""
    engine = connect(LocalHost())
    facts = engine.images.inspect(image)
    assert facts is not None
    request = RunRequest(
        image=facts.id, entrypoint=("sleep",), command=("1200",), shm_mib=64, init=True,
        env={"OMP_NUM_THREADS": "1"},  # threads that wait for each other crawl where others compute too
    )  # fmt: skip
    with running(engine, request) as container:
        python = python_of(engine, container, facts, None)
        yield Inside(engine=engine, container=container, python=python, timeout_s=600)


def ask(place: Place, checks: list[dict[str, Any]]) -> Told:
    """Run these checks, and what can sabotage them; return all that was told."""
    told: Told = []

    def hear(line: str) -> None:
        found = bundle.heard(line)
        if found is not None:
            told.append(found)

    programs = {**bundle.sources(), "smoke_sabotage": SABOTAGE.read_text(encoding="utf-8")}
    said = place.run(bundle.program(programs), bundle.bundle(programs, checks, "cpu", None), hear)
    assert (said, told[-1]) == ("", {"end": True}), (said, told)
    return told
