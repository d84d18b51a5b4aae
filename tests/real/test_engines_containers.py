"""What Docker does with folders of this machine, and with commands on a busy one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import ExecRequest, Mount, RunRequest
from envkit.errors import EngineError
from envkit.hosts.local import LocalHost

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("debian")]

SLEEPING = RunRequest(image="debian:12", command=("sleep", "120"), init=True, network="none")


@pytest.fixture
def engine() -> Engine:
    return connect(LocalHost())


def with_mount(source: Path) -> RunRequest:
    mount = Mount(source=str(source), target="/x", read_only=True)
    return RunRequest(image="debian:12", command=("sleep", "120"), network="none", mounts=(mount,))


def test_a_folder_that_is_not_there_is_not_made(engine: Engine, tmp_path: Path) -> None:
    with (
        pytest.raises(EngineError, match="bind source path does not exist") as caught,
        running(engine, with_mount(tmp_path / "gone")),
    ):
        pass
    assert caught.value.fix == "make that folder, or name another"
    assert not (tmp_path / "gone").exists()


def test_a_folder_with_a_colon_in_its_name_is_mounted(engine: Engine, tmp_path: Path) -> None:
    odd = tmp_path / "a:b"
    odd.mkdir()
    (odd / "file").write_text("seen", encoding="ascii")
    with running(engine, with_mount(odd)) as container:
        result = engine.inside.execute(container, ExecRequest(command=("cat", "/x/file")))
    assert result.stdout == b"seen"


@pytest.fixture
def busy() -> Iterator[None]:
    """Keep Python busy, so that answers wait to be read and come with their header."""
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=spin) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield
    done.set()
    for thread in threads:
        thread.join()


def test_no_output_of_a_command_is_lost_on_a_busy_machine(engine: Engine, busy: None) -> None:
    asked = ExecRequest(command=("echo", "hello"))
    with running(engine, SLEEPING) as container, ThreadPoolExecutor(6) as pool:
        results = pool.map(lambda _: engine.inside.execute(container, asked).stdout, range(180))
        assert set(results) == {b"hello\n"}
