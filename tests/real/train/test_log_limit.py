"""A script that prints for ever does not fill the disk, and its log stays one that can be read."""

from __future__ import annotations

import itertools
import subprocess

import pytest

from tests.real.train.conftest import LONG_S, PROGRAM, Trainer

pytestmark = pytest.mark.real

LINES = 30_000
# Slow enough for a supervisor that looks four times a second on a busy machine, and for who follows: on one
# where torchrun takes over two seconds to start, that looks every 0.4 s, in which two ranks say 0.5 MB.
TALKING = f"""
import time
for number in range({LINES}):
    print(f"step {{number:08d}} " + "." * 84)
    if number % 2000 == 0:
        time.sleep(0.3)
print("the last word")
"""


def numbers(text: bytes) -> list[int]:
    return [int(line.split()[-2]) for line in text.splitlines() if b"step " in line]


@pytest.mark.parametrize("processes", [1, 2])
def test_who_follows_has_all_and_the_disk_the_beginning_and_the_end(trainer: Trainer, processes: int) -> None:
    told = trainer.train(trainer.script(TALKING), "--nproc", str(processes), "--log-limit", "1m")
    assert told.code == 0, told.stderr
    assert len(numbers(told.stdout)) == processes * LINES  # whoever reads in time misses nothing
    logs = sorted(trainer.attempt.glob("*.log"))
    assert len(logs) == (1 if processes == 1 else 3)
    for log in logs:
        text = log.read_bytes()
        assert len(text) < 3 << 20 and b"\0" not in text
        assert b"grew beyond 1 MB (--log-limit)" in text and text.endswith(b"the last word\n")
        found = numbers(text)
        assert found[0] == 0 and found[-1] == LINES - 1
        if log.name != "all.log":  # there two count
            assert sum(two != one + 1 for one, two in itertools.pairwise(found)) == 1
    later = subprocess.run(
        [PROGRAM, "logs", str(trainer.folder), "--tail", "3"], capture_output=True, timeout=LONG_S, check=True
    )
    assert later.stdout.endswith(b"the last word\n") and len(later.stdout.splitlines()) == 3
