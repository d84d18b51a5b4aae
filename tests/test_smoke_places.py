"""Where the probes run, and which Python they get."""

from __future__ import annotations

import dataclasses

import pytest

from envkit.accelerators.base import Request, Wiring
from envkit.container import maker
from envkit.container.temporary import LABELS
from envkit.engines.fake import FakeEngine
from envkit.engines.values import DeviceRequest, ExecRequest, ExecResult, Limit, Mount, RunRequest
from envkit.environment.card_lease import CardTaken, Claim, holders, users
from envkit.errors import EngineError
from envkit.plan.limits import TRAINING
from envkit.smoke.places import Container, Inside, started
from tests.environments import image


def wanted(wiring: Wiring, *, share: bool = False) -> Container:
    claim = Claim(
        accelerator=wiring.accelerator,
        keys=wiring.keys,
        holder="a smoke test of lab:dev",
        image_id=image().id,
        share=share,
    )
    return Container(image=image(), wiring=wiring, claim=claim, shm_mib=100, ulimits=TRAINING, total_s=600)


@pytest.fixture
def engine() -> FakeEngine:
    found = FakeEngine()
    found.images.add(image())
    return found


@pytest.fixture
def container(engine: FakeEngine) -> str:
    made = engine.containers.create(RunRequest(image=image().id))
    engine.containers.start(made)
    return made


def test_a_card_is_wired_and_limits_are_asked_for(engine: FakeEngine) -> None:
    wiring = Wiring(
        accelerator="cuda", ids=(1,), keys=("GPU-1",), nodes=("/dev/x",),
        libraries=("/lib/driver",), groups=("44",),
        request=Request(driver="cdi", ids=("nvidia.com/gpu=1",)),
    )  # fmt: skip
    with started(engine, wanted(wiring)) as made:
        request = engine.containers.requests[made]
    assert request.device_request == DeviceRequest(driver="cdi", ids=("nvidia.com/gpu=1",))
    assert (request.devices, request.groups) == (("/dev/x",), ("44",))
    assert request.mounts == (Mount(source="/lib/driver", target="/lib/driver", read_only=True),)
    assert request.limits[0] == Limit(name="memlock", soft=-1, hard=-1)
    assert engine.containers.find({}) == ()


def test_an_engine_that_may_not_lift_limits_starts_it_without(engine: FakeEngine) -> None:
    engine.containers.lifts_limits = False
    with started(engine, wanted(Wiring(accelerator="cpu"))) as made:
        assert engine.containers.requests[made].limits == ()


GPU = Wiring(accelerator="cuda", ids=(1,), keys=("GPU-1",))


def test_a_card_is_its_own_meanwhile_and_free_afterwards(engine: FakeEngine) -> None:
    with started(engine, wanted(GPU)):
        assert holders(engine) == {"GPU-1": "a smoke test of lab:dev has it"}
        assert users(engine) == {"GPU-1": ("a smoke test of lab:dev",)}
        with pytest.raises(CardTaken, match="cuda card GPU-1: a smoke test of lab:dev has it"):
            started(engine, wanted(GPU)).__enter__()
    assert engine.containers.find({}) == (), "the lease is gone too"


def test_to_share_takes_what_another_has(engine: FakeEngine) -> None:
    with started(engine, wanted(GPU)), started(engine, wanted(GPU, share=True)):
        assert len(users(engine)["GPU-1"]) == 2


def test_what_fails_in_it_gives_the_card_back(engine: FakeEngine) -> None:
    with pytest.raises(KeyboardInterrupt), started(engine, wanted(GPU)):
        raise KeyboardInterrupt
    assert engine.containers.find({}) == ()


def test_one_that_a_killed_envkit_left_is_named_with_what_removes_it(engine: FakeEngine) -> None:
    who = dataclasses.replace(maker.this_process(), pid=2**22 + 1, started="1")
    labels = {**LABELS, **wanted(GPU).claim.labels, **maker.labels(who)}
    engine.containers.start(engine.containers.create(RunRequest(image=image().id, labels=labels)))
    (said,) = holders(engine).values()
    assert said == f"a smoke test of lab:dev, left by {who}, who has ended (`envkit gc` removes it), has it"


def test_what_interrupts_us_ends_the_probes_by_their_token(engine: FakeEngine, container: str) -> None:
    def interrupted(facts: object, request: ExecRequest) -> ExecResult:
        raise KeyboardInterrupt

    engine.inside.scripts[("python", "-c", "x")] = interrupted
    place = Inside(engine=engine, container=container, python=("python",), timeout_s=60)
    with pytest.raises(KeyboardInterrupt):
        place.run(("-c", "x"), b"", lambda line: None)
    first, second = engine.inside.requests[-2:]
    assert second.command[-1] == first.env["ENVKIT_SMOKE"]
    assert (second.user, "environ" in second.command[2]) == ("0", True)


def test_a_container_that_is_gone_does_not_hide_why(engine: FakeEngine) -> None:
    place = Inside(engine=engine, container="none", python=("python",), timeout_s=60)
    with pytest.raises(EngineError, match="no such container"):
        place.run(("-c", "x"), b"", lambda line: None)
