"""A commit whose reply is lost on the way is one image, and its container runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.docker import connect
from envkit.engines.values import OWNED, SAVE, RunRequest
from envkit.hosts.local import LocalHost
from tests.faults.proxy import Do, Proxy, Rule
from tests.names import fresh

pytestmark = pytest.mark.real


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    address = connect(LocalHost()).address.removeprefix("unix://")
    made = Proxy(tmp_path / "engine.sock", address)
    yield made
    made.close()


@pytest.mark.parametrize("cut", ["cut-after", "cut-reply"])
def test_a_lost_reply_never_makes_a_second_image(
    proxy: Proxy, debian: str, monkeypatch: pytest.MonkeyPatch, cut: Do
) -> None:
    engine, key = connect(LocalHost()), fresh("save")
    request = RunRequest(image=debian, command=("sleep", "300"), network="none")
    container = engine.containers.create(request)
    try:
        engine.containers.start(container)
        engine.inside.put(container, {"/opt/kept": b"x"})
        proxy.break_at(Rule(do=cut, method="POST", path="/commit"))
        monkeypatch.setenv("DOCKER_HOST", proxy.url)
        image = connect(LocalHost()).images.commit(container, {SAVE: key, OWNED: "true"})
        assert [one.id for one in engine.images.list({SAVE: key})] == [image]
        assert proxy.seen.count("POST /commit") == 1
        facts = engine.containers.inspect(container)
        assert facts is not None and facts.state == "running"
    finally:
        engine.containers.remove(container)
        for one in engine.images.list({SAVE: key}):
            engine.images.untag(one.id)
