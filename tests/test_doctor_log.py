"""`envkit doctor --log`: what it prints, from a file and from what is piped in."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.doctor.log import explain_file
from envkit.errors import UsageError

FAILED = (
    "ImportError: libhccl.so: cannot open shared object file: No such file or directory\n"
    "RuntimeError: Failed to load the backend extension: torch_npu.\n"
)


def doctor(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(envkit, ["doctor", *words], input=stdin)


def test_a_text_is_told_with_its_cause_and_its_fix() -> None:
    done = doctor("--log", "-", stdin=f"step 1\n{FAILED}")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:3] == [
        "line 2: ImportError: libhccl.so: cannot open shared object file: No such file or directory",
        "  cause: CANN is not there, or its set_env.sh was not sourced in this shell "
        "(docker exec, ssh and kernels skip it)",
        "  fix: use an image on a CANN base; in a shell of your own: "
        "source /usr/local/Ascend/ascend-toolkit/set_env.sh",
    ]


def test_the_same_as_json() -> None:
    told = json.loads(doctor("--log", "-", "--json", stdin=FAILED).stdout)
    assert [one["id"] for one in told] == ["ascend-cann-not-found", "ascend-backend-not-loaded"]
    assert {tuple(one) for one in told} == {("id", "line", "number", "harmless", "cause", "fix", "source")}


def test_a_log_without_a_known_failure_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("all went well\n", "utf-8")
    done = doctor("--log", str(tmp_path / "log"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "shows no failure text that is known" in done.stderr


def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line() -> None:
    with pytest.raises(UsageError, match="/no/such/log cannot be read: No such file or directory"):
        explain_file("/no/such/log", io.BytesIO())


@pytest.mark.parametrize("piped", [True, False])
def test_only_the_end_of_a_large_log_is_read(tmp_path: Path, piped: bool) -> None:
    text = (FAILED + "x\n" * 600_000 + "CUDA error: invalid device ordinal\n").encode()
    (tmp_path / "log").write_bytes(text)
    found = explain_file("-" if piped else str(tmp_path / "log"), io.BytesIO(text))
    assert [one.failure.id for one in found] == ["nvidia-ordinal"]
