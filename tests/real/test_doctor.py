"""`envkit doctor` on this machine, and on this machine with a fault that is really made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from envkit.doctor.examine import examine
from envkit.doctor.look import look
from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.getuid() != 0, reason="mounting needs root")
RUN = "from envkit.cli.main import main; main()"


def doctor(*, before: str = "", env: Mapping[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """Run it in a mount namespace of its own, after `before`; return its code, and fault → outcome."""
    words = [sys.executable, "-c", RUN, "doctor", "--json"]
    if before:
        words = ["unshare", "--mount", "sh", "-ec", f'{before}; exec "$@"', "sh", *words]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **(env or {})}
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    return done.returncode, {one["fault"]: one["outcome"] for one in told["findings"] if one["fault"]}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "mounted"
    made.mkdir()
    yield made


def test_this_machine_is_seen() -> None:
    seen = look(LocalHost(), "/")
    assert seen.now > 1.7e9 and seen.kernel and seen.machine and seen.user
    assert {"root", "tmp", "home", "shm"} <= set(seen.disks)
    assert "nofile" in seen.limits and seen.memory_bytes and " / " in seen.mounts


def test_this_machine_has_a_line_for_each_check_and_its_engine_answers() -> None:
    found = examine(LocalHost(), connect, time.time()).findings
    checks = {one.check for one in found}
    assert {
        "engine",
        "builder",
        "storage",
        "cgroups",
        "runc",
        "network",
        "clock",
        "TMPDIR",
        "cards",
    } <= checks
    assert [one for one in found if one.domain == "engine" and one.outcome == "fail"] == []


def test_a_clock_that_is_wrong_is_told() -> None:
    found = examine(LocalHost(), connect, time.time() + 200_000).findings
    assert [one.outcome for one in found if one.fault == "clock.off"] == ["fail"]


def test_an_engine_that_is_named_and_not_there_is_code_5() -> None:
    code, faults = doctor(env={"DOCKER_HOST": "unix:///nobody/docker.sock"})
    assert (code, faults["engine.unreachable"]) == (5, "fail")


@as_root
def test_a_dead_engine_is_told_by_what_it_left() -> None:
    before = "mount -t tmpfs none /var/run; echo 999999 >/var/run/docker.pid"
    code, faults = doctor(before=before, env={"XDG_RUNTIME_DIR": "/nobody"})
    assert (code, faults["engine.dead"]) == (5, "fail")


@as_root
def test_no_engine_at_all_is_told() -> None:
    code, faults = doctor(before="mount -t tmpfs none /var/run", env={"XDG_RUNTIME_DIR": "/nobody"})
    assert (code, faults["engine.none"]) == (5, "fail")


@as_root
@pytest.mark.parametrize(
    ("options", "then", "fault"),
    [
        ("size=64k", "head -c 64k /dev/zero >{folder}/x || true", "tmp.full"),
        ("size=3g,ro", "true", "tmp.read-only"),
        ("size=3g,nr_inodes=5", "true", "tmp.inodes"),
        ("size=100m", "true", "tmp.little"),
    ],
)
def test_a_faulty_tmpdir_is_told(folder: Path, options: str, then: str, fault: str) -> None:
    before = f"mount -t tmpfs -o {options} none {folder}; {then.format(folder=folder)}"
    code, faults = doctor(before=before, env={"TMPDIR": str(folder)})
    outcome = "warn" if fault == "tmp.little" else "fail"
    assert faults[fault] == outcome
    assert outcome == "warn" or code == 6


@as_root
def test_a_small_shm_is_told() -> None:
    _, faults = doctor(before="mount -t tmpfs -o size=64m none /dev/shm")
    assert faults["shm.little"] == "warn"


def test_a_filesystem_that_does_not_answer_stops_nothing(folder: Path) -> None:
    """A `df` that hangs where the fault is: what a dead NFS server does to it."""
    stub = folder / "df"
    stub.write_text('#!/bin/sh\ncase $3 in */silent) sleep 60 ;; esac\nexec /bin/df "$@"\n', "ascii")
    stub.chmod(0o755)
    (folder / "silent").mkdir()
    code, faults = doctor(env={"TMPDIR": str(folder / "silent"), "PATH": f"{folder}:{os.environ['PATH']}"})
    assert (code, faults["tmp.silent"]) == (6, "fail")
