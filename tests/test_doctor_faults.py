"""`doctor` tells the faults of a machine apart: each alone gives its own line, and no other."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.accelerators.cards import Card
from envkit.doctor import engine_host
from envkit.doctor.cards import Held, judge_cards, kinds_of
from envkit.doctor.examine import judge_facts
from envkit.doctor.finding import Finding
from envkit.doctor.machine import judge_machine
from envkit.doctor.seen import Seen
from envkit.engines.failures import NoEngine, NotAllowed
from envkit.engines.values import EngineFacts
from envkit.errors import EngineError
from tests.doctor_faults import (
    CARD_FAULTS,
    CLIENT,
    ENGINE,
    ENGINE_FAULTS,
    GPU,
    GPU_ENGINE,
    MACHINE_FAULTS,
    NOW,
    NPU,
    WELL,
    Fault,
)

OLDEST = 1_790_000_000.0
ALL = (*ENGINE_FAULTS, *MACHINE_FAULTS, *CARD_FAULTS)
DOCTOR = Path(engine_host.__file__).parent
# Why no engine answers: (fault, error, how the machine differs).
SOCKET = "the container engine at unix:///var/run/docker.sock"
NO_ENGINE = (
    ("engine.none", NoEngine("there is no container engine here", fix="x"), {"docker_runs": None}),
    ("engine.dead", NoEngine(f"{SOCKET}: the daemon has ended", fix="x"), {"docker_runs": ""}),
    ("engine.dead", NoEngine(f"{SOCKET}: the daemon has ended", fix="x"), {"docker_runs": "nginx"}),
    ("engine.mute", EngineError(f"{SOCKET}: it did not answer in time", fix="x"), {}),
    ("engine.unreachable", EngineError("the engine at tcp://box:2376: its certificate", fix="x"), {}),
    ("engine.not-allowed", NotAllowed(f"{SOCKET}: no", fix="x"), {"docker_group": (), "groups": ()}),
    ("engine.log-in-again", NotAllowed(f"{SOCKET}: no", fix="x"), {"groups": ("ada",)}),
    ("engine.no-group", NotAllowed(f"{SOCKET}: no", fix="x"), {"docker_group": None}),
)


def judged(
    seen: Seen, facts: EngineFacts, held: Held | None = None, client: str | None = CLIENT
) -> tuple[Finding, ...]:
    held = held or {}
    return (
        *judge_facts(facts, client, seen),
        *judge_machine(seen, NOW, OLDEST),
        *judge_cards(seen, facts, held),
    )


def problems(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome != "ok"]


@pytest.mark.parametrize(
    ("seen", "facts"),
    [
        (WELL, ENGINE),
        (replace(WELL, **GPU), replace(ENGINE, **GPU_ENGINE)),
        (replace(WELL, **NPU), ENGINE),
        (replace(WELL, has_proxy=True), replace(ENGINE, setup=replace(ENGINE.setup, has_proxy=True))),
    ],
    ids=["cpu", "cuda", "ascend", "proxy"],
)
def test_a_machine_that_is_well_has_a_line_for_each_check_and_no_problem(
    seen: Seen, facts: EngineFacts
) -> None:
    findings = judged(seen, facts)
    assert problems(findings) == []
    checks = [finding.check for finding in findings]
    assert len(set(checks)) == len(checks) >= 15


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: f"{fault.name}-{fault.outcome}")
def test_a_fault_is_told_by_its_own_line_alone_with_a_fix(fault: Fault) -> None:
    engine = fault.engine
    if fault in CARD_FAULTS and "cdi" not in fault.facts:
        engine = replace(engine, **GPU_ENGINE)
    (found,) = problems(judged(fault.machine, engine, client=fault.client))
    assert (found.fault, found.outcome) == (fault.name, fault.outcome)
    assert fault.says in found.what
    assert found.fix
    expected = "engine" if fault in ENGINE_FAULTS else "host" if fault in MACHINE_FAULTS else "accelerator"
    assert found.domain == expected


@pytest.mark.parametrize(("name", "error", "changes"), NO_ENGINE)
def test_why_no_engine_answers_is_told(name: str, error: EngineError, changes: dict[str, object]) -> None:
    found = engine_host.no_engine(error, replace(WELL, **changes))  # type: ignore[arg-type]
    assert (found.fault, found.outcome, found.domain) == (name, "fail", "engine")
    assert found.fix


def test_every_fault_in_the_code_has_its_test() -> None:
    text = "".join(path.read_text("utf-8") for path in DOCTOR.glob("*.py"))
    named = set(re.findall(r'(?:warn|fail)\(\s*"([a-z]+\.[\w-]+)"', text))
    tested = {fault.name for fault in ALL}
    tested |= {name for name, _, _ in NO_ENGINE}
    tested |= {"images.unfit", "images.paired", "cards.health"}  # test_doctor_images.py, and below
    assert named - tested == set()
    assert len(named) >= 40


def test_a_card_that_its_makers_tool_calls_unwell_is_told() -> None:
    seen, facts = replace(WELL, **GPU), replace(ENGINE, **GPU_ENGINE)
    assert (kinds_of(WELL), kinds_of(seen)) == ((), ("cuda",))
    well, split = Card(index=0, name="H100"), Card(index=1, name="H100", is_split=True)
    assert problems(judged(seen, facts, {"cuda": (well, split)})) == []
    (found,) = problems(judged(seen, facts, {"cuda": (well, replace(well, index=2, health="Alarm"))}))
    assert (found.fault, found.what) == ("cards.health", "card 2 (H100) cannot be used: Alarm")


def test_a_private_name_server_beside_loopback_is_well() -> None:
    assert problems(judged(replace(WELL, dns=("127.0.0.53",)), ENGINE)) == []
    assert problems(judged(replace(WELL, dns=("127.0.0.1", "10.0.0.1")), ENGINE)) == []


def test_card_nodes_that_root_may_open_need_no_group() -> None:
    assert problems(judged(replace(WELL, **{**NPU, "gids": (7,), "uid": 0}), ENGINE)) == []


def test_symbolic_links_to_the_nodes_keep_a_card_through_a_reload() -> None:
    seen = replace(WELL, **{**GPU, "words": {"char_links": "yes"}})
    facts = replace(ENGINE, setup=replace(ENGINE.setup, runtimes=("nvidia",)))
    assert problems(judged(seen, facts)) == []


def test_an_engine_elsewhere_is_not_judged_by_this_machine() -> None:
    seen = replace(WELL, numbers={"forward": 0})
    assert problems(judge_facts(replace(ENGINE, local=False), CLIENT, seen)) == []
