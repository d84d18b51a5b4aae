"""Secrets on their way into a container."""

from __future__ import annotations

import base64
import stat
import subprocess
from pathlib import Path

import pytest

from envkit.container import deliver as module
from envkit.container.deliver import deliver, is_delivered
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.errors import EngineError
from tests.environments import Door, a_request, a_site

from envkit.environment.up import up  # isort: skip


def heard(code: int = 0, stderr: bytes = b"") -> tuple[object, str, list[ExecRequest]]:
    """Return an engine with a running environment that takes deliveries, and what it was asked."""
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    asked: list[ExecRequest] = []

    def answer(facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        asked.append(request)
        return ExecResult(code=code, stdout=b"", stderr=stderr)

    engine.inside.scripts[("sh", "-c", module._SCRIPT, "deliver", "/run/secrets")] = answer
    return engine, "envkit-lab", asked


def test_values_travel_over_stdin_only() -> None:
    engine, container, asked = heard()
    deliver(engine, container, {"B": b"two\n", "A": b"one"}, user="1000:100")  # type: ignore[arg-type]
    [request] = asked
    assert request.user == "1000:100"
    assert request.stdin == b"A b25l\nB dHdvCg==\n"
    assert base64.b64encode(b"one").decode() not in repr(request)


def test_a_container_that_does_not_take_them_says_why() -> None:
    engine, container, _ = heard(3, b"/run/secrets is not in memory\n")
    with pytest.raises(EngineError, match="does not take its secrets: /run/secrets is not in memory"):
        deliver(engine, container, {"A": b"1"}, user="0:0")  # type: ignore[arg-type]


def test_a_container_without_the_marker_still_waits() -> None:
    engine, container, _ = heard()
    assert not is_delivered(engine, container, user="0:0")  # type: ignore[arg-type]


@pytest.mark.real
def test_the_script_itself_writes_files_for_their_owner_and_then_the_marker(tmp_path: Path) -> None:
    script = module._SCRIPT.replace("/proc/mounts", str(tmp_path / "mounts"))
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (tmp_path / "mounts").write_text(f"tmpfs {secrets} tmpfs rw 0 0\n")
    words = ["sh", "-c", script, "deliver", str(secrets)]
    subprocess.run(words, input=b"A b25l\nEMPTY \n", check=True, timeout=10)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == {
        "A": b"one",
        "EMPTY": b"",
        ".delivered": b"",
    }
    assert stat.S_IMODE((secrets / "A").stat().st_mode) == 0o400


@pytest.mark.real
def test_the_script_refuses_a_folder_that_is_not_in_memory(tmp_path: Path) -> None:
    words = ["sh", "-c", module._SCRIPT, "deliver", str(tmp_path)]
    done = subprocess.run(words, input=b"A b25l\n", check=False, timeout=10, capture_output=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (3, [])
