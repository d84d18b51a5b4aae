"""What `logs` reads: one environment's lines, or one service's."""

from __future__ import annotations

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import LogRequest
from envkit.environment.reading import ReadRequest, read_log
from envkit.environment.up import up
from tests.environments import Door, a_request, a_site


@pytest.fixture
def engine() -> FakeEngine:
    """An engine on which `lab` runs and has printed."""
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    text = b"hello\njupyterlab | one\ncode-server | two\ncode-server-door | three\n"
    engine.containers.printed[engine.containers.require("envkit-lab").id] = text
    return engine


def read(engine: FakeEngine, **asked: object) -> list[bytes]:
    request = ReadRequest(**asked)  # type: ignore[arg-type]
    return [line.text for batch in read_log(engine, "lab", request, print) for line in batch]


def test_all_lines_are_read_or_the_last_ones(engine: FakeEngine) -> None:
    assert len(read(engine)) == 4
    assert read(engine, log=LogRequest(tail=1)) == [b"code-server-door | three"]


def test_a_service_has_its_own_lines(engine: FakeEngine) -> None:
    assert read(engine, service="jupyterlab") == [b"one"]
    assert read(engine, service="code-server") == [b"two"]


@pytest.mark.parametrize("follow", [False, True])
def test_the_last_lines_of_a_service_are_its_own(engine: FakeEngine, follow: bool) -> None:
    engine.containers.stop("envkit-lab", 1)
    engine.containers.printed[engine.containers.require("envkit-lab").id] += b"code-server | four\nhello\n"
    assert read(engine, service="code-server", log=LogRequest(tail=1, follow=follow)) == [b"four"]
    assert read(engine, service="jupyterlab", log=LogRequest(tail=5, follow=follow)) == [b"one"]


def test_what_has_ended_is_followed_to_its_end(engine: FakeEngine) -> None:
    engine.containers.stop("envkit-lab", 1)
    assert len(read(engine, log=LogRequest(follow=True))) == 4
