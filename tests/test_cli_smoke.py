"""`envkit smoke` as a user meets it, with probes that answer by script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.environment.up import up
from envkit.smoke import bundle
from tests.environments import Door, a_request, a_site, image
from tests.smoke_facts import SOUND

MACHINE = {"machine": {"python": "3.11.2", "executable": "/usr/bin/python", "processor": "Xeon", "cpus": 2}}
PYTHON = "/opt/venv/bin/python"
CPU: dict[str, dict[str, Any]] = {
    "device": {
        "kind": "cpu", "asked": "cpu", "ids": None, "count": 1,
        "cards": [{"index": 0, "name": "", "where": "cpu", "sum": 499500, "memory_mib": None}],
    },
    "copy pinned": {"missing": "nothing is pinned for a CPU"},
}  # fmt: skip


class Probes:
    """The probes as they would answer on a CPU; a test changes what they say."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Any]] = {
            name: {**facts, **({"where": "cpu"} if "where" in facts else {})} for name, facts in SOUND.items()
        } | CPU
        self.plan: dict[str, Any] = {}
        self.request: ExecRequest | None = None
        self.dies_after = 99

    def __call__(self, facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        self.request, self.plan = request, json.loads(request.stdin)["plan"]
        lines = [MACHINE]
        for check in self.plan["checks"][: self.dies_after]:
            lines.append({"check": check["id"], "facts": self.facts[check["id"]], "seconds": 0.1})
        text = "".join(f"{bundle.MARK}{json.dumps(line)}\n" for line in [*lines, {"end": True}])
        code = 137 if self.dies_after < 99 else 0
        return ExecResult(code=code, stdout=f"a banner\n{text}".encode(), stderr=b"Killed" if code else b"")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine with the image `lab:dev`, and nothing that runs."""
    site, found, host = a_site(Door())
    found.images.add(image(**{"io.envkit.accelerator": "cpu"}))
    host.answers = {**host.answers, "uname": "box\n"}
    monkeypatch.setattr("envkit.cli.site.open_site", lambda host_name=None: site)
    return found


@pytest.fixture
def probes(engine: FakeEngine) -> Probes:
    answers = Probes()
    engine.inside.scripts[(PYTHON, *bundle.program(bundle.sources()))] = answers
    return answers


def smoke(*words: str) -> Result:
    return CliRunner().invoke(envkit, ["smoke", *words, "--python", PYTHON])


def test_results_are_lines_and_the_container_is_gone(engine: FakeEngine, probes: Probes) -> None:
    done = smoke("lab:dev", "--only", "copy", "--only", "matmul speed")
    assert (done.exit_code, done.stdout) == (
        0,
        "ok  import              0.1 s  torch 2.13.0+cu130, CUDA 13.0\n"
        "ok  device              0.1 s  cpu\n"
        "--  matmul speed               700 TFLOPS bfloat16; "
        "no published peak of this device to hold it against\n"
        "ok  copy                0.1 s  9 GB/s there, 8 back\n"
        "--  copy pinned                nothing is pinned for a CPU\n",
    )
    assert done.stderr.startswith("lab:dev computes on Xeon: 3 passed, 2 skipped, in ")
    assert engine.containers.find({}) == ()
    request = next(iter(engine.containers.requests.values()))
    assert (request.entrypoint, request.command) == (("sleep",), ("1200",))
    assert (request.shm_mib, request.labels["io.envkit.kind"]) == (8000, "temporary")


def test_what_is_skipped_for_one_reason_shares_a_line(probes: Probes) -> None:
    probes.facts["device"] = {"error": "RuntimeError: no driver", "words": "a\nb\nc\nd"}
    for name in probes.facts.keys() - {"import", "device"}:
        probes.facts[name] = {"missing": "device failed"}
    done = smoke("lab:dev")
    assert done.stdout.splitlines()[1:] == [
        "NO  device              0.1 s  RuntimeError: no driver",
        "      b",
        "      c",
        "      d",
        "--  matmul float32 and 19 more         device failed",
    ]
    assert done.exit_code == 8


def test_a_device_that_torch_does_not_see_is_exit_code_seven(probes: Probes) -> None:
    probes.facts["device"] = {**SOUND["device"], "cards": [], "count": 0}
    done = smoke("lab:dev", "--only", "copy")
    assert (done.exit_code, done.stderr) == (
        7,
        "error: lab:dev: torch sees no cuda: it counts 0\n"
        "  fix: `envkit devices` shows the machine's cards; --device cpu does without\n",
    )


def test_a_failed_check_is_exit_code_eight(probes: Probes) -> None:
    probes.facts["training"] = {**SOUND["training"], "same": False}
    done = smoke("lab:dev", "--only", "training")
    assert (done.exit_code, done.stderr) == (
        8,
        "error: lab:dev does not pass\n    no: training\n"
        "  fix: the reasons stand above; --json has all that was measured\n",
    )


def test_probes_that_end_early_never_pass(probes: Probes) -> None:
    probes.dies_after = 3
    done = smoke("lab:dev", "--only", "matmul")
    assert done.stdout.splitlines()[3:] == [
        "NO  matmul bfloat16     0.0 s  the probes ended before it: exit code 137: Killed",
        "--  matmul float16 and 1 more         the probes ended before it",
    ]
    assert done.exit_code == 8


def test_files_hold_what_json_prints(probes: Probes, tmp_path: Path) -> None:
    saved, junit = tmp_path / "s.json", tmp_path / "j.xml"
    done = smoke("lab:dev", "--quick", "--json", "--save", str(saved), "--junit", str(junit))
    printed = json.loads(done.stdout)
    assert printed.pop("passed") is True
    assert json.loads(saved.read_text()) == printed
    assert printed["subject"]["processor"] == "Xeon"
    assert b'failures="0"' in junit.read_bytes()


def test_a_baseline_names_what_got_slower(probes: Probes, tmp_path: Path) -> None:
    saved = str(tmp_path / "s.json")
    assert smoke("lab:dev", "--save", saved).exit_code == 0
    assert smoke("lab:dev", "--baseline", saved).exit_code == 0
    probes.facts["matmul speed"] = {**SOUND["matmul speed"], "tflops": 300.0}
    done = smoke("lab:dev", "--baseline", saved)
    assert (done.exit_code, done.stderr.splitlines()[1]) == (
        8,
        "    no: matmul speed has 300 TFLOPS, it had 700: 57 % less, 50 % are allowed",
    )
    assert smoke("lab:dev", "--quick", "--baseline", saved).exit_code == 2


def test_a_running_environment_is_tried_in_place(
    engine: FakeEngine, probes: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _, host = a_site(Door())
    up(site, a_request(), lambda line: None)
    host.answers = {**host.answers, "uname": "box\n"}
    site.engine.inside.scripts.update(engine.inside.scripts)  # type: ignore[attr-defined]  # it is a fake
    monkeypatch.setattr("envkit.cli.site.open_site", lambda host_name=None: site)
    done = smoke("lab", "--only", "copy")
    assert (done.exit_code, done.stderr.split(":")[0]) == (0, "environment lab computes on Xeon")
    assert [facts.name for facts in site.engine.containers.find({})] == ["envkit-lab"]
    assert smoke("lab", "--shm", "1g").exit_code == 2
    assert smoke("lab", "--device", "cuda").exit_code == 7


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nobody:none",), 2),
        (("lab:dev", "--only", "matmull"), 2),
        (("lab:dev", "--device", "cuda"), 7),  # the image is made for the CPU
        (("lab:dev", "--baseline", "/none.json"), 2),
        (("lab:dev", "--junit", "/none/x.xml"), 2),
        (("lab:dev", "--here"), 2),
        (("--here", "--shm", "1g"), 2),
    ],
)
def test_what_cannot_be_meant_is_refused(probes: Probes, words: tuple[str, ...], code: int) -> None:
    done = smoke(*words)
    assert done.exit_code == code, done.output
    assert "fix:" in done.stderr


NO_DRIVER = (
    "RuntimeError: Failed to load the backend extension: torch_npu (because of ImportError: "
    "libascend_hal.so: cannot open shared object file: No such file or directory)"
)


def test_a_check_that_is_not_there_is_told_with_those_that_are_near_or_all(probes: Probes) -> None:
    assert "did you mean matmul" in smoke("cpu:dev", "--only", "matmull").output
    assert "the checks are matmul, conv, attention" in smoke("cpu:dev", "--only", "nonsense").output


def test_what_the_table_of_failures_knows_of_a_failed_check_is_told(probes: Probes) -> None:
    probes.facts["import"] = {"error": NO_DRIVER}
    done = smoke("lab:dev", "--quick")
    assert "no: import\n        the host's Ascend driver is not in the container" in done.stderr
    assert "fix: mount /usr/local/Ascend/driver/lib64" in done.stderr
    probes.facts["import"] = {"error": "ModuleNotFoundError: No module named 'torch'"}
    assert "fix: torch must be in that Python" in smoke("lab:dev", "--quick").stderr
