"""What a run tells while it runs, and where its event files land."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from tests.real.train.conftest import LONG_S, PROGRAM, Trainer, until

pytestmark = pytest.mark.real

WRITES = """
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter()
writer.add_scalar("loss", 1.0, 1)
writer.close()
"""
WAITS = """
import pathlib, time
print("it began", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.05)
print("it ended", flush=True)
"""


@pytest.mark.parametrize("redirect", [True, False])
def test_event_files_land_in_the_run_or_where_the_writer_says(trainer: Trainer, redirect: bool) -> None:
    script = trainer.script(WRITES)
    told = trainer.train(script, *(() if redirect else ("--no-redirect",)))
    assert told.code == 0, told.stdout
    of_run = list((trainer.folder / "model").rglob("events.out.tfevents.*"))
    own = list((script.parent / "runs").rglob("events.out.tfevents.*"))  # torch's own default
    assert (len(of_run), len(own)) == ((1, 0) if redirect else (0, 1))


def test_logs_follow_a_run_and_end_with_it(trainer: Trainer) -> None:
    script = trainer.script(WAITS)
    assert trainer.train("--detach", script).code == 0
    words = [PROGRAM, "logs", "-f", str(trainer.folder)]
    following = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    trainer.started.append(following)
    assert following.stdout is not None
    come = bytearray()

    def read() -> None:
        assert following.stdout is not None
        while part := os.read(following.stdout.fileno(), 4096):
            come.extend(part)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    until(lambda: b"it began" in come, "the run's first line is followed")
    assert following.poll() is None and b"it ended" not in come
    (script.parent / "go").touch()
    assert following.wait(timeout=LONG_S) == 0
    reading.join(LONG_S)
    assert bytes(come) == b"it began\nit ended\n"
