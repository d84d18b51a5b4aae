"""How a run ended is told right: each by a real error, kill, or want of memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator

import docker
import pytest

from tests.real.train.conftest import LONG_S, Trainer, until

pytestmark = pytest.mark.real

BAD = """
def deep(x):
    raise ValueError(f"bad {x}")

deep(3)
"""
GREEDY = """
held = []
while True:
    held.append(bytearray(10 << 20))
"""
RANKS = """
import os, signal, sys, time
import torch.distributed as dist
dist.init_process_group("gloo")
rank = dist.get_rank()
print("rank", rank, "of", dist.get_world_size())
if sys.argv[1:] == ["fail"] and rank == 1:
    raise RuntimeError("rank one is bad")
if sys.argv[1:] == ["save"]:
    def save(*_):
        time.sleep(2.0)
        open(f"saved-{rank}", "w").write("all of it")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    open(f"ready-{rank}", "w").close()
    time.sleep(600)
dist.barrier()
"""


def test_an_error_is_told_with_its_place(trainer: Trainer) -> None:
    told = trainer.train(trainer.script(BAD))
    assert told.code == 8
    assert "failed with exit code 1: ValueError: bad 3 (/work/home/proj/train.py:3 in deep)" in told.stderr
    assert 'raise ValueError(f"bad {x}")' in told.stderr
    end = trainer.end()
    assert (end["state"], end["cause"], end["code"]) == ("failed", "script-error", 1)
    assert end["frame"]["file"] == "/work/home/proj/train.py" and end["frame"]["line"] == 3


def test_want_of_memory_is_told_and_tried_again(trainer: Trainer) -> None:
    told = trainer.train(trainer.script(GREEDY), "--memory", "256m", "--retries", "1", "--on", "oom")
    assert told.code == 8 and "attempt 2 begins" in told.stderr, told.stderr
    for number in ("1", "2"):
        end = json.loads((trainer.folder / "attempts" / number / "end.json").read_text())
        assert (end["state"], end["cause"], end["signal"]) == ("failed", "host-memory", "SIGKILL")


def test_its_time_is_over(trainer: Trainer) -> None:
    told = trainer.train(trainer.script("import time; time.sleep(600)"), "--timeout", "1s", "--grace", "1")
    assert told.code == 8 and trainer.end()["state"] == "timed-out", told.stderr


def test_a_crash_is_no_kill(trainer: Trainer) -> None:
    told = trainer.train("--", "sh", "-c", "kill -SEGV $$")
    assert told.code == 8
    assert (trainer.end()["cause"], trainer.end()["signal"]) == ("signal", "SIGSEGV"), told.stderr


def test_what_cannot_be_started_says_why(trainer: Trainer) -> None:
    told = trainer.train("--", "no-such-program")
    assert told.code == 8 and "not started: no-such-program" in told.stderr
    assert trainer.end()["cause"] == "not-started"


def test_a_container_that_was_killed_left_no_end_and_that_is_told(
    trainer: Trainer, engine: docker.DockerClient
) -> None:
    process = trainer.begin(trainer.script("import time; print('ready'); time.sleep(600)"))
    engine.containers.get(f"envkit-run-{trainer.name}").kill()
    _, stderr = process.communicate(timeout=LONG_S)
    assert process.returncode == 8 and b"killed" in stderr, stderr
    assert not (trainer.attempt / "end.json").exists()
    assert trainer.container() is not None  # the only evidence: who looks later is told the same


def test_the_first_rank_that_failed_is_named(trainer: Trainer) -> None:
    told = trainer.train(trainer.script(RANKS), "--nproc", "2", "--", "fail")
    assert told.code == 8 and "rank 1 failed with exit code 1: RuntimeError: rank one is bad" in told.stderr
    assert b"[rank 0] rank 0 of 2\n" in told.stdout and b"[rank 1] rank 1 of 2\n" in told.stdout
    assert b"[rank" not in (trainer.attempt / "rank-0.log").read_bytes().splitlines()[0]


@pytest.mark.parametrize("by_shell", [False, True])
def test_every_rank_saves_when_the_run_is_stopped(trainer: Trainer, by_shell: bool) -> None:
    script = trainer.script(RANKS)
    wrapped = f"python -m torch.distributed.run --standalone --nproc-per-node 2 {script.name} save"
    words = ("--", "sh", "-c", wrapped) if by_shell else (script, "--nproc", "2", "--", "save")
    place = ("--workdir", script.parent) if by_shell else ()
    process = trainer.start(*place, *words)
    ready = [script.parent / f"ready-{rank}" for rank in (0, 1)]
    until(lambda: all(path.exists() for path in ready), "the ranks do not begin")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LONG_S)
    assert process.returncode == 130 and trainer.end()["state"] == "stopped"
    assert [(script.parent / f"saved-{rank}").read_text() for rank in (0, 1)] == ["all of it"] * 2


@pytest.fixture
def small(trainer: Trainer) -> Iterator[Trainer]:
    """A home on a disk of its own that holds next to nothing."""
    if os.getuid() != 0:
        pytest.skip("to mount a small disk needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "envkit-tests", trainer.home], check=True)
    yield trainer
    subprocess.run(["umount", "--lazy", trainer.home], check=True)


def test_a_home_that_is_full_is_told(small: Trainer) -> None:
    told = small.train(small.script("open('big', 'wb').write(b'x' * (10 << 20))"))
    assert told.code == 8 and "the disk of its folder is full" in told.stderr, told.stderr
    assert small.end()["state"] == "failed" and small.container() is None


def test_a_home_without_room_for_a_run_is_told_and_nothing_stays(small: Trainer) -> None:
    script = small.script("print('never')")
    with contextlib.suppress(OSError):
        (small.home / "big").write_bytes(b"x" * (1 << 20))
    told = small.train(script)
    assert told.code == 6 and "No space left on device" in told.stderr, told.stderr
    assert small.container() is None and not small.folder.exists()


def test_a_home_that_cannot_be_written_is_told_and_nothing_stays(small: Trainer) -> None:
    script = small.script("print('never')")
    subprocess.run(["mount", "-o", "remount,ro", small.home], check=True)
    told = small.train(script)
    assert told.code == 6 and "Read-only file system" in told.stderr, told.stderr
    assert small.container() is None
