"""Who follows a run may leave it, stop it or be killed: the run goes on, or ends as it was asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests.real.conftest import Ide
from tests.real.train.conftest import LONG_S, PROGRAM, Trainer, until

pytestmark = pytest.mark.real

# Saves when it is asked to, in a while; goes on while a file is not there.
SAVING = """
import os, signal, sys, time
def save(*_):
    print("saving"); time.sleep(1.0)
    open("saved", "w").write("all of it"); sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready")
while not os.path.exists("go"):
    time.sleep(0.05)
print("went on to its end")
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready")
time.sleep(600)
"""


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    stdout, stderr = process.communicate(timeout=LONG_S)
    return process.returncode, stdout, stderr.decode()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP])
def test_a_follower_that_goes_leaves_the_run_going(trainer: Trainer, how: signal.Signals) -> None:
    process = trainer.begin(trainer.script(SAVING))
    os.killpg(process.pid, how)
    assert ended(process)[0] == -how
    (trainer.home / "proj" / "go").touch()
    assert trainer.end()["state"] == "finished"
    assert trainer.log().endswith(b"went on to its end\n")


def test_detach_leaves_it_at_once(trainer: Trainer) -> None:
    told = trainer.train("--detach", trainer.script(SAVING))
    assert (told.code, told.stdout.decode().strip()) == (0, trainer.name)
    until(lambda: b"ready" in trainer.log(), "the script does not begin")
    (trainer.home / "proj" / "go").touch()
    assert trainer.end()["state"] == "finished"

    def is_gone_once_it_was_looked_at() -> bool:
        looked = (PROGRAM, "runs", "--home", str(trainer.home))
        subprocess.run(looked, check=True, capture_output=True, timeout=LONG_S)
        return trainer.container() is None

    until(is_gone_once_it_was_looked_at, "the container of a run that has ended stays")
    assert trainer.log().endswith(b"went on to its end\n")


def test_ctrl_c_lets_it_save(trainer: Trainer) -> None:
    process = trainer.begin(trainer.script(SAVING))
    process.send_signal(signal.SIGINT)
    code, stdout, stderr = ended(process)
    assert code == 130 and stdout == b"ready\nsaving\n", stderr
    assert (trainer.home / "proj" / "saved").read_text() == "all of it"
    assert "asking it to finish: it has 120 s; Ctrl-C again ends it at once" in stderr
    assert trainer.end()["state"] == "stopped" and trainer.container() is None


def test_in_an_environment_it_may_save_too_and_goes_on_by_resume(trainer: Trainer, ide: Ide) -> None:
    trainer.home = ide.home
    script = trainer.script(SAVING, f"{trainer.name}/train.py")
    environment = ("--env", str(ide.container.name).removeprefix("envkit-"))
    process = trainer.begin(script, *environment, own=False)
    process.send_signal(signal.SIGINT)
    code, _, stderr = ended(process)
    assert code == 130 and trainer.end()["state"] == "stopped", stderr
    assert (script.parent / "saved").read_text() == "all of it"
    refused = trainer.train(script, *environment, own=False)
    assert refused.code == 2 and "--resume goes on with it" in refused.stderr
    (script.parent / "go").touch()
    again = trainer.train("--resume", script, *environment, own=False)
    assert (again.code, again.stdout) == (0, b"ready\nwent on to its end\n"), again.stderr
    assert (trainer.folder / "attempts" / "2" / "end.json").exists()


def test_a_second_ctrl_c_ends_it(trainer: Trainer) -> None:
    process = trainer.begin(trainer.script(DEAF))
    process.send_signal(signal.SIGINT)
    until((trainer.attempt / "stop.json").exists, "nobody wrote down who asked")
    time.sleep(0.2)  # two at once would be one signal
    process.send_signal(signal.SIGINT)
    code, _, stderr = ended(process)
    assert code == 130, stderr
    assert trainer.end()["state"] == "stopped"


def test_two_of_one_name_at_once_are_one_run(trainer: Trainer) -> None:
    script = trainer.script("import time; time.sleep(1); print('once')")
    both = [
        subprocess.Popen(trainer.words(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = sorted((ended(process) for process in both), key=lambda one: one[0])
    assert [code for code, _, _ in told] == [0, 2], told
    assert told[0][1] == b"once\n" and trainer.name in told[1][2]
    assert trainer.end()["state"] == "finished"


@pytest.mark.parametrize("after_s", [0.25, 0.5, 0.75])
def test_killed_while_it_starts_it_can_be_asked_again(trainer: Trainer, after_s: float) -> None:
    script = trainer.script("print('once')")
    process = subprocess.Popen(trainer.words(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(after_s)  # wherever that is: every place must do
    process.kill()
    ended(process)
    again = trainer.train(script)
    if again.code:  # it was on its way already
        assert again.code == 2 and f"run {trainer.name}" in again.stderr, again.stderr
    assert trainer.end()["state"] == "finished"
    assert trainer.log() == b"once\n"
