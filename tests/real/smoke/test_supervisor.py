"""A check that hangs, crashes or raises costs the others nothing. No torch is needed to see that."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from envkit.hosts.local import LocalHost
from envkit.smoke import bundle
from envkit.smoke.places import Here
from tests.real.smoke.conftest import SABOTAGE, ask

pytestmark = pytest.mark.real

# All that choosing the CPU needs of torch.
TORCH = "def device(*words):\n    return words\n"


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """This Python, with a torch that can nothing."""
    (tmp_path / "torch.py").write_text(TORCH)
    return Here(host=LocalHost(), python=sys.executable, silence_s=120, env=(("PYTHONPATH", str(tmp_path)),))


def check(name: str, function: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "module": "smoke_sabotage", "function": function, "arguments": {"cpu": {}},
        "limit_s": 60.0, **more,
    }  # fmt: skip


def facts(told: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["check"]: one["facts"] for one in told if "check" in one}


def test_what_hangs_crashes_or_raises_is_named_and_the_rest_goes_on(here: Here) -> None:
    bad = [check("hangs", "hang", limit_s=2.0), check("crashes", "leave"), check("raises", "fail")]
    plan = [check("first", "mend")]
    for number, one in enumerate(bad):
        plan += [one, check(f"after {number}", "mend")]
    found = facts(ask(here, plan))
    assert [(name, one.get("error")) for name, one in found.items()] == [
        ("first", None),
        ("hangs", "did not end within 2 s"),
        ("after 0", None),
        ("crashes", "its process was ended by SIGABRT"),
        ("after 1", None),
        ("raises", "RuntimeError: it broke"),
        ("after 2", None),
    ]
    assert "in hang" in found["hangs"]["printed"]  # where it hung
    assert "in leave" in found["crashes"]["printed"]  # where it was when it died


def test_what_needs_a_check_that_failed_is_not_tried(here: Here) -> None:
    plan = [check("import", "fail", needed=True), check("matmul", "mend"), check("alone", "mend", alone=True)]
    found = facts(ask(here, plan))
    assert found["import"]["error"] == "RuntimeError: it broke"
    assert [found["matmul"], found["alone"]] == [{"missing": "import failed"}] * 2


def test_a_number_that_is_none_arrives_as_a_word(here: Here) -> None:
    assert facts(ask(here, [check("x", "not_a_number")])) == {"x": {"off": "nan", "losses": ["inf", 1.0]}}


def test_a_supervisor_that_is_ended_leaves_no_process_and_no_file(here: Here, tmp_path: Path) -> None:
    programs = {**bundle.sources(), "smoke_sabotage": SABOTAGE.read_text(encoding="utf-8")}
    given = bundle.bundle(programs, [check("first", "mend"), check("hangs", "hang")], "cpu", None)
    place = tmp_path / "tmp"
    place.mkdir()
    env = {**os.environ, **dict(here.env), "TMPDIR": str(place), "TRACE": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, *bundle.program(programs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        with running.stdin:
            running.stdin.write(given)
        told: dict[str, Any] = {}
        while "check" not in told:  # the child runs, and is about to hang
            told = json.loads(running.stdout.readline().decode().removeprefix(bundle.MARK))
        assert _of(tmp_path)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 143
    deadline = time.monotonic() + 60
    while _of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (_of(tmp_path), list(place.iterdir())) == ([], [])


def _of(folder: Path) -> list[str]:
    """Return the processes that were started with the folder's name in their environment."""
    found = []
    for one in Path("/proc").iterdir():
        try:
            marked = one.name.isdecimal() and f"TRACE={folder}".encode() in (one / "environ").read_bytes()
        except OSError:
            continue  # it is gone, or another's
        if marked:
            found.append(one.name)
    return found
