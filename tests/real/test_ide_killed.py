"""The whole IDE, once: `up` is killed half-way and goes on, `rm` is killed half-way and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.faults import table as at
from tests.faults.processes import Source, source
from tests.faults.proxy import Do, Proxy, Rule
from tests.names import fresh
from tests.real.conftest import Envkit

pytestmark = pytest.mark.real
NAME = fresh("test-killed")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy before the shared engine: only what goes through it is held."""
    proxy = Proxy(tmp_path / "docker.sock", "/var/run/docker.sock")
    yield proxy
    proxy.close()


@pytest.fixture
def processes() -> Iterator[Source]:
    """Where `envkit` processes come from."""
    with source() as found:
        yield found


def test_up_and_rm_of_the_ide_go_on_after_a_kill(
    envkit: Envkit, engine: docker.DockerClient, image: str, processes: Source, proxy: Proxy
) -> None:
    home = Path(proxy.url.removeprefix("unix://")).parent
    folders = ("--home", str(home / "home"), "--cache", str(home / "cache"))
    up = ("up", image, "--name", NAME, *folders)

    def kill(do: Do, call: tuple[str, str], *words: str) -> None:
        rule = proxy.break_at(Rule(do=do, method=call[0], path=call[1]))
        process = processes.start(words, {"DOCKER_HOST": proxy.url}, home / "out")
        assert rule.reached.wait(60), process.output.read_text("utf-8")
        process.kill()
        proxy.mend()

    def there() -> list[str]:
        labels = {"label": f"io.envkit.environment={NAME}"}
        return [str(one.id) for one in engine.containers.list(all=True, filters=labels)]

    try:
        kill("block-after", at.START, *up)
        [made] = there()
        assert json.loads(envkit(*up, "--json"))["name"] == NAME
        assert there() == [made]
        kill("block-before", at.REMOVE, "rm", NAME, "--yes")
        assert there() == [made]
    finally:
        envkit("rm", NAME, "--yes")
    assert there() == []
