"""What environments use, from the engine's figures and their cards' own tools."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from envkit.accelerators.cards import CardUse
from envkit.accelerators.nvidia_smi import USE as NVIDIA_SMI
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult, Usage
from envkit.environment import usage
from envkit.environment.ending import stop
from envkit.environment.up import up
from envkit.environment.usage import Used, watch
from envkit.errors import EnvkitError
from tests.environments import Door, a_request, a_site

SECOND = 1_000_000_000


def at(second: int, cpu_s: float) -> Usage:
    return Usage(
        taken_ns=second * SECOND, cpu_ns=int(cpu_s * SECOND), memory_bytes=7, limit_bytes=70, processes=3
    )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine on which `lab` runs, with a core and a half busy; nobody waits."""
    monkeypatch.setattr(usage.time, "sleep", lambda seconds: None)
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    engine.watch.usages[engine.containers.require("envkit-lab").id] = [at(10, 1), at(12, 4), at(14, 4)]
    return engine


def given(engine: FakeEngine, device: str) -> None:
    """Give lab a card."""
    lab = engine.containers.require("envkit-lab")
    record = {**json.loads(lab.labels["io.envkit.run"]), "device": device}
    engine.containers.add(replace(lab, labels={**lab.labels, "io.envkit.run": json.dumps(record)}))


def test_cpu_is_what_was_used_between_two_looks(engine: FakeEngine) -> None:
    seen = watch(engine, None, 2)
    expected = Used(name="lab", cpu_percent=150, memory_bytes=7, limit_bytes=70, processes=3, note="no card")
    assert next(seen) == (expected,)
    assert next(seen) == (replace(expected, cpu_percent=0),)


def test_a_card_is_asked_for_inside(engine: FakeEngine) -> None:
    given(engine, "cuda:1")
    engine.inside.scripts[NVIDIA_SMI] = ExecResult(code=0, stdout=b"0, H100, 31, 4, 81559\n", stderr=b"")
    [one] = next(watch(engine, "lab", 1))
    assert one.cards == (
        CardUse(index="0", name="H100", used_percent=31, memory_used_mib=4, memory_total_mib=81559),
    )


@pytest.mark.parametrize(
    ("code", "text", "note"),
    [
        (127, b"", "cuda:0: there is no nvidia-smi in it to ask"),
        (9, b"No devices were found\n", "cuda:0: nvidia-smi says: No devices were found"),
    ],
)
def test_a_card_that_does_not_tell_is_no_error(engine: FakeEngine, code: int, text: bytes, note: str) -> None:
    given(engine, "cuda:0")
    engine.inside.scripts[NVIDIA_SMI] = ExecResult(code=code, stdout=text, stderr=b"")
    [one] = next(watch(engine, "lab", 1))
    assert (one.cards, one.note) == ((), note)


def test_what_does_not_run_uses_nothing(engine: FakeEngine) -> None:
    stop(engine, "lab")
    assert next(watch(engine, None, 1)) == ()
    with pytest.raises(EnvkitError, match="environment lab does not run"):
        next(watch(engine, "lab", 1))
