"""Whether an engine runs programs of another machine, on engines in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FACTS, FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.errors import EngineError, HostError
from envkit.image.emulation import emulates, platform, platform_of, warned


def test_an_engine_is_asked_to_run_a_program_of_that_machine_and_nothing_stays() -> None:
    engine = FakeEngine(emulates=("arm64",))
    assert emulates(engine, "arm64")
    [request] = engine.containers.requests.values()
    assert (request.entrypoint, request.network) == (("/exit",), "none")
    assert engine.images.list({}) == () and engine.containers.find({}) == ()


def test_an_engine_that_cannot_says_no_and_nothing_stays() -> None:
    engine = FakeEngine()
    assert not emulates(engine, "arm64") and not emulates(engine, "riscv64")
    assert engine.images.list({}) == () and engine.containers.find({}) == ()


@pytest.mark.parametrize("said", ["starting: exec /exit: exec format error", "the engine's disk is full"])
def test_a_start_that_fails_means_no_only_when_the_kernel_says_so(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(emulates=("arm64",))

    def start(container: str) -> None:
        raise EngineError(said, fix="")

    monkeypatch.setattr(engine.containers, "start", start)
    if "format" in said:
        assert not emulates(engine, "arm64")
        return
    with pytest.raises(EngineError, match="disk is full"):
        emulates(engine, "arm64")


def test_an_engine_s_own_machine_is_asked_nothing() -> None:
    engine = FakeEngine()
    assert warned(engine, "x:dev", "amd64") == () == warned(engine, "x:dev", "")
    assert not engine.containers.requests


def test_what_is_emulated_is_a_warning_and_what_cannot_be_an_error_with_its_fix() -> None:
    assert warned(FakeEngine(emulates=("arm64",)), "x:dev", "arm64") == (
        "x:dev is made for arm64 and emulated on amd64: many times slower",
    )
    with pytest.raises(HostError) as error:
        warned(FakeEngine(), "x:dev", "arm64")
    assert (
        error.value.what == "x:dev is made for arm64: the engine's machine is amd64, and does not emulate it"
    )
    for way in (
        "qemu-user-static",
        "docker run --privileged --rm tonistiigi/binfmt --install arm64",
        "--host",
    ):
        assert way in error.value.fix


def test_a_builder_is_told_only_of_another_machine() -> None:
    engine = FakeEngine(replace(FACTS, architecture="arm64"))
    engine.images.add(replace(EMPTY, tags=("x:1",), architecture="amd64"))
    assert (platform_of(engine, "x:1"), platform_of(engine, "x:2")) == ("linux/amd64", "")
    assert (platform(engine, "arm64"), platform(engine, "")) == ("", "")
