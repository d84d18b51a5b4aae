"""The example training, run in the real image as a user runs it."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from tests.real.conftest import Ide

pytestmark = [
    pytest.mark.real,
    # TensorBoard's own modules warn about their own dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "train.py"


@pytest.fixture
def home(ide: Ide) -> Path:
    """The user's /work/home, with the script in it."""
    shutil.copy(SCRIPT, ide.home / "train.py")
    return ide.home


def test_the_loss_falls_and_tensorboard_can_read_it(ide: Ide, home: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = ide.container.exec_run(
        ["python", "train.py", "--steps", "100"], environment={"MODEL_PATH": "example"}, workdir="/work/home"
    )
    assert done.exit_code == 0, done.output.decode()
    folder = home / "task" / "example" / "model"
    events = EventAccumulator(str(folder)).Reload().Scalars("loss")
    assert [event.step for event in events] == list(range(1, 101))
    assert events[-1].value < events[0].value / 3
    printed = re.search(r"done after 100 steps: loss (\S+) -> (\S+)", done.output.decode())
    assert printed
    assert [float(loss) for loss in printed.groups()] == pytest.approx(
        [events[0].value, events[-1].value], abs=1e-4
    )
    assert (folder / "checkpoint.pt").stat().st_size > 100_000


def test_a_run_that_is_asked_to_stop_keeps_its_checkpoint(ide: Ide, home: Path) -> None:
    command = ["sh", "-c", "python train.py --steps 1000000 & echo $! >pid; wait $!"]
    started = ide.container.client.api.exec_create(
        ide.container.id, command, environment={"MODEL_PATH": "stopped"}, workdir="/work/home"
    )
    output = ide.container.client.api.exec_start(started["Id"], stream=True)
    lines = (line for chunk in output for line in chunk.decode().splitlines())
    assert any(line.startswith("step    50") for line in lines)
    ide.container.exec_run(["sh", "-c", "kill -TERM $(cat /work/home/pid)"])
    rest = list(lines)
    assert rest[-1].startswith("stopped after")
    while (code := ide.container.client.api.exec_inspect(started["Id"])["ExitCode"]) is None:
        time.sleep(0.1)
    assert code == 143
    assert (home / "task" / "stopped" / "model" / "checkpoint.pt").is_file()
