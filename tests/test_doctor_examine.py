"""`envkit doctor` as a whole: what it prints, its JSON, and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from envkit.accelerators.cards import Card
from envkit.accelerators.fit import Needs
from envkit.accelerators.needs import LABEL, to_label
from envkit.cli.main import envkit
from envkit.doctor import examine as examine_module
from envkit.doctor.cards import driver_of, names_of
from envkit.doctor.examine import Examination, data_moment, examine
from envkit.doctor.finding import Check, Finding, error_of, worst
from envkit.doctor.seen import Seen
from envkit.engines.base import Engine
from envkit.engines.failures import NoEngine
from envkit.engines.fake import FACTS, FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.hosts.base import Host
from tests.scripted_host import ScriptedHost

NOW = data_moment() + 86_400
HOST = Check(name="clock", domain="host")
LINES = (
    HOST.ok("as here"),
    Check(name="engine", domain="engine").warn("engine.old", "docker 19 is old", "update it"),
)


def machine(**more: str) -> ScriptedHost:
    said = {"now": f"{NOW:.0f}", "kernel": "6.1.0", "machine": "x86_64", "user": "ada", **more}
    text = "".join(f"{name}\t{value}\n" for name, value in said.items())
    return ScriptedHost(answers={"sh -s --": (0, text)})


def nobody(host: Host) -> Engine:
    raise NoEngine("there is no container engine here", fix="`envkit engine start`")


def test_an_engine_and_its_machine_are_judged_together() -> None:
    found = examine(machine(forward="0"), lambda host: FakeEngine(replace(FACTS, kind="docker")), NOW)
    assert "network.forward" in {one.fault for one in found.findings}
    assert {"engine", "builder", "clock", "cards"} <= {one.check for one in found.findings}


def test_without_an_engine_the_machine_is_still_looked_at() -> None:
    found = examine(machine(docker_pid="77"), nobody, NOW)
    assert found.findings[0].fault == "engine.dead"
    assert {"clock", "system", "cards"} <= {one.check for one in found.findings}


def test_a_clock_before_envkits_own_data_is_wrong() -> None:
    found = examine(machine(now="1700000000"), nobody, NOW)
    assert "clock.past" in {one.fault for one in found.findings}


def test_where_there_are_cards_their_makers_tool_is_asked() -> None:
    host = machine(node="/dev/nvidia0 0 666", gpu="0, NVIDIA A100, Enabled, Default, Disabled, 0")
    row = "0, GPU-1f2e, NVIDIA A100, 550.54.14, 40960, 0, 0, Disabled, 8.0\n"
    host.programs = {"nvidia-smi": ("/usr/bin/nvidia-smi",)}
    host.answers = {
        **host.answers,
        "ls -1 /dev/": (0, "nvidia0\nnvidiactl\n"),
        "stat -L": (0, "0 /dev/nvidia0\n0 /dev/nvidiactl\n"),
        "/usr/bin/nvidia-smi": (0, ""),
        "/usr/bin/nvidia-smi --query-gpu": (0, row),
    }
    engine = FakeEngine(replace(FACTS, kind="docker", cdi=("nvidia.com/gpu=0",)))
    needs = Needs(accelerator="cuda", machine="amd64", driver="580.65.06")
    engine.images.add(replace(EMPTY, tags=("t:dev",), labels={LABEL: to_label(needs)}))
    found = {one.fault: one.what for one in examine(host, lambda host: engine, NOW).findings}
    assert found["images.unfit"] == "t:dev: the image needs driver 580.65.06 or newer, the host has 550.54.14"


def test_cards_are_named_as_their_own_tool_names_them_and_so_is_the_driver() -> None:
    h100 = Card(index=0, name="NVIDIA H100", driver="580.65.06")
    held = {"cuda": (h100, replace(h100, index=1), replace(h100, index=0, name="MIG 1g", part_of=0))}
    assert names_of(held) == ("NVIDIA H100", "NVIDIA H100"), "a part is no card"
    assert driver_of(held, Seen()) == "580.65.06"
    untold = {"ascend": (Card(index=0, name="Ascend NPU"),)}
    assert driver_of(untold, Seen(words={"ascend_version": "25.2"})) == "25.2"


def doctor(monkeypatch: pytest.MonkeyPatch, *findings: Finding, words: tuple[str, ...] = ()) -> Result:
    """Run the command on a machine of which this is found."""
    found = Examination(findings=findings)
    monkeypatch.setattr(examine_module, "examine", lambda host, connect, now: found)
    return CliRunner().invoke(envkit, ["doctor", *words], terminal_width=80)


def test_each_line_says_its_outcome_and_a_fix_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    done = doctor(monkeypatch, *LINES)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "ok    clock   as here",
        "warn  engine  docker 19 is old",
        "              fix: update it",
    ]


def test_the_json_has_every_line_with_the_same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(doctor(monkeypatch, *LINES, words=("--json",)).stdout)
    assert list(told) == ["host", "outcome", "findings"]
    assert (told["host"], told["outcome"]) == (None, "warn")
    assert told["findings"][1] == {
        "check": "engine",
        "outcome": "warn",
        "what": "docker 19 is old",
        "fix": "update it",
        "fault": "engine.old",
        "domain": "engine",
    }


@pytest.mark.parametrize(("domain", "code"), [("engine", 5), ("host", 6), ("accelerator", 7)])
def test_what_fails_gives_the_code_of_its_domain(
    monkeypatch: pytest.MonkeyPatch, domain: str, code: int
) -> None:
    broken = Check(name="it", domain=domain).fail("it.broken", "it is broken", "mend it")  # type: ignore[arg-type]
    done = doctor(monkeypatch, *LINES, broken, broken)
    assert done.exit_code == code
    assert "FAIL  it      it is broken" in done.stdout
    assert done.stderr == "error: it is broken (and 1 more)\n  fix: mend it\n"
    assert worst((*LINES, broken)) == "fail"


def test_nothing_that_fails_is_no_error() -> None:
    assert error_of(LINES) is None
    assert worst(()) == "ok"


def test_a_log_is_read_here_and_not_on_a_host() -> None:
    done = CliRunner().invoke(envkit, ["doctor", "--log", "x", "--host", "box"])
    assert done.exit_code == 2
    assert "--log reads a file of this machine" in done.stderr
