"""The supervisor by itself, as a process: real signals, kills and full disks, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envkit.container import bundle
from tests.names import fresh
from tests.real.train.conftest import LONG_S, until

pytestmark = pytest.mark.real

SAVER = """
import os, signal, sys, time
def save(*_):
    with open("told", "a") as file:
        file.write("x")
    time.sleep(2.5)
    open("saved", "w").write("all of it")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
open("ready", "w").close()
while True:
    time.sleep(0.1)
"""
KNOWS_CTRL_C = """
import multiprocessing, time
def work():
    open("ready", "w").close()
    try: time.sleep(600)
    except KeyboardInterrupt: time.sleep(1.5); open("saved", "w").write("all of it")
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ready", "w").close()
time.sleep(600)
"""
Start = Callable[..., subprocess.Popen[bytes]]


class Run:
    """A run's folder, and the supervisor that was started on it."""

    def __init__(self, top: Path) -> None:
        self.top, self.folder = top, top / "task" / "r"
        self.folder.mkdir(parents=True)
        self.attempt = self.folder / "attempts" / "1"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.name = fresh("r")

    def request(self, kind: str, target: str, *args: str, **more: Any) -> dict[str, Any]:
        return {
            "version": 1, "name": self.name, "folder": str(self.folder), "attempt": 1,
            "kind": kind, "target": target, "args": list(args), "python": [sys.executable],
            "directory": str(self.top), "env": {}, "nproc": 1, "node": None, "accelerator": "cpu",
            "redirect": True, "grace_s": 60, "timeout_s": None, "retries": 0, "retry_on": [],
            "detach": False, "echo": True, "record": {}, **more,
        }  # fmt: skip

    def start(self, kind: str, target: str, *args: str, **more: Any) -> subprocess.Popen[bytes]:
        sources = bundle.sources("run_*", "shim_*")
        file = self.top / "bundle.json"
        file.write_bytes(bundle.pack(sources, "run_main", self.request(kind, target, *args, **more)))
        words = [sys.executable, "-I", "-S", *bundle.program(sources, str(file))]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def script(self, text: str, name: str = "train.py") -> str:
        (self.top / name).write_text(text)
        return str(self.top / name)

    def end(self, number: int = 1) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "attempts" / str(number) / "end.json").read_text())
        return found

    def lives(self) -> list[str]:
        """Return the processes that carry its name."""
        mark, found = f"ENVKIT_RUN={self.name}".encode(), []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0"):
                    found.append(path.parent.name)
            except OSError:
                continue
        return found

    def remove(self) -> None:
        """Kill what still lives of it."""
        for pid in self.lives():
            os.kill(int(pid), signal.SIGKILL)
        for process in self.processes:
            process.kill()
            process.communicate()

    def ready(self) -> None:
        until((self.top / "ready").exists, "the script does not begin")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A folder for a run; what still lives of it is killed."""
    one = Run(tmp_path)
    yield one
    one.remove()


def test_a_script_is_started_as_by_hand(run: Run) -> None:
    text = "import os, sys; print([sys.argv, __file__, os.getcwd()]); print('last', end=''); sys.exit(7)"
    script = run.script(text, "a b é.py")
    process = run.start("script", script, "--x", "1 2")
    out, _ = process.communicate(timeout=LONG_S)
    expected = f"{[[script, '--x', '1 2'], script, str(run.top)]}\nlast".encode()
    assert (process.returncode, out) == (7, expected)
    assert (run.attempt / "rank-0.log").read_bytes() == expected
    summary = json.loads((run.folder / "run.json").read_text())
    assert summary["attempt"]["end"] == run.end() and "pytest" in summary["packages"]
    assert summary["created"] == summary["attempt"]["started"] == run.end()["started"]
    assert run.end()["cause"] == "script-error" and (run.folder / "model").is_dir()


def test_a_shell_that_does_not_exec_leaves_its_script_the_time_to_save(run: Run) -> None:
    script = run.script(SAVER)
    process = run.start("command", "sh", "-c", f"{sys.executable} {script}; echo after")
    run.ready()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONG_S)
    assert (run.top / "saved").read_text() == "all of it"
    assert (run.top / "told").read_text() == "x"  # exactly one SIGTERM
    assert (run.end()["state"], run.end()["cause"]) == ("stopped", "outside")
    assert run.lives() == []


@pytest.fixture
def twenty(tmp_path: Path) -> Iterator[list[Run]]:
    """Folders for twenty runs; what still lives of them is killed."""
    runs = [Run(tmp_path / str(number)) for number in range(20)]
    yield runs
    for one in runs:
        one.remove()


def test_of_20_checkpoints_that_take_25_s_none_is_lost(twenty: list[Run]) -> None:
    slow = SAVER.replace("time.sleep(2.5)", "time.sleep(25)")
    for number, one in enumerate(twenty):
        script = one.script(slow)
        by_shell = ("command", "sh", "-c", f"{sys.executable} {script}; echo after")
        one.start(*(by_shell if number % 2 else ("script", script)), grace_s=120)
    for one in twenty:
        one.ready()
    for one in twenty:
        one.processes[0].send_signal(signal.SIGTERM)
    for one in twenty:
        one.processes[0].communicate(timeout=LONG_S + 60)
    assert [one.top.name for one in twenty if not (one.top / "saved").exists()] == []
    assert {one.end()["state"] for one in twenty} == {"stopped"}


def test_workers_of_a_script_are_not_told_before_it(run: Run) -> None:
    text = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n"
    script = run.script(text + SAVER.replace('"all of it"', "str(child.poll())"))
    process = run.start("script", script)
    run.ready()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONG_S)
    assert (run.top / "saved").read_text() == "None"  # it lived while its script saved
    assert run.lives() == []


@pytest.mark.parametrize(
    ("main", "words"),
    [
        ("work()", ("script", "{}")),
        ("child = multiprocessing.Process(target=work); child.start(); child.join()", ("script", "{}")),
        ("work()", ("command", "bash", "-c", f"{sys.executable} {{}}; touch next")),
    ],
)
def test_what_knows_only_ctrl_c_saves_as_by_hand(run: Run, main: str, words: tuple[str, ...]) -> None:
    script = run.script(KNOWS_CTRL_C + main)
    process = run.start(*(word.format(script) for word in words), grace_s=3600)
    run.ready()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONG_S)
    assert (run.top / "saved").read_text() == "all of it" and run.end()["state"] == "stopped"
    assert run.lives() == [] and not (run.top / "next").exists()


def test_a_second_signal_kills_at_once(run: Run) -> None:
    process = run.start("script", run.script(STUBBORN), grace_s=3600)
    run.ready()
    process.send_signal(signal.SIGTERM)
    until((run.attempt / "supervisor.json").exists, "no evidence")
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            continue
    assert (run.end()["state"], run.end()["signal"]) == ("stopped", "SIGKILL")
    assert run.lives() == []


def test_what_ignores_the_grace_is_killed_when_time_is_over(run: Run) -> None:
    process = run.start("script", run.script(STUBBORN), timeout_s=1, grace_s=0.5)
    process.communicate(timeout=LONG_S)
    assert (run.end()["state"], run.end()["code"]) == ("timed-out", 124)
    assert json.loads((run.attempt / "stop.json").read_text())["by"] == "timeout"


@pytest.mark.parametrize(
    ("kind", "target", "args", "left"),
    [
        ("script", "import subprocess; subprocess.Popen(['setsid', 'sleep', '600'])", (), "sleep 600"),
        ("script", "import os, time; os.fork() or time.sleep(600)", (), ""),
        ("command", "sh", ("-c", "sleep 600 &"), "sleep 600"),
        ("command", "bash", ("-c", "exec > >(tee log; sleep 0.1); echo told"), ""),
    ],
)
def test_what_a_script_leaves_behind_is_ended(run: Run, kind: str, target: str, args: Any, left: str) -> None:
    process = run.start(kind, run.script(target) if kind == "script" else target, *args)
    process.communicate(timeout=LONG_S)
    assert run.end()["state"] == "finished" and run.lives() == []
    assert run.end()["sentence"] == f"finished; what it left running was ended: {left}"[: None if left else 8]


@pytest.mark.parametrize(("number", "state", "cause"), [(9, "killed", "outside"), (11, "failed", "signal")])
def test_a_signal_from_outside_is_told(run: Run, number: int, state: str, cause: str) -> None:
    process = run.start("script", run.script(STUBBORN))
    run.ready()
    os.kill(json.loads((run.attempt / "rank-0.json").read_text())["pid"], number)
    process.communicate(timeout=LONG_S)
    end = run.end()
    assert (end["state"], end["cause"], process.returncode) == (state, cause, 128 + number)


def test_a_python_that_is_not_there_is_told(run: Run) -> None:
    process = run.start("script", run.script(""), python=["/no/python"])
    process.communicate(timeout=LONG_S)
    assert (run.end()["cause"], process.returncode) == ("not-started", 127)
    assert run.end()["sentence"] == "not started: /no/python: No such file or directory"


def test_an_error_is_tried_again(run: Run) -> None:
    process = run.start("script", run.script("raise SystemExit(3)"), retries=2, retry_on=["error"])
    process.communicate(timeout=LONG_S)
    assert [run.end(number)["code"] for number in (1, 2, 3)] == [3, 3, 3]
    assert process.returncode == 3 and not (run.folder / "attempts" / "4").exists()


def test_a_killed_supervisor_leaves_whole_files_and_no_end(run: Run) -> None:
    process = run.start("script", run.script(STUBBORN))
    run.ready()
    process.kill()
    process.wait()
    for path in (*run.folder.glob("*.json"), *run.attempt.glob("*.json")):
        json.loads(path.read_text())
    assert not (run.attempt / "end.json").exists() and len(run.lives()) == 1


def test_one_that_detaches_lets_go_of_who_started_it(run: Run) -> None:
    process = run.start("script", run.script(SAVER), detach=True, echo=False)
    out, _ = process.communicate(timeout=LONG_S)  # ends while the script runs
    pid = json.loads((run.attempt / "supervisor.json").read_text())["pid"]
    assert (process.returncode, json.loads(out)) == (0, {"pid": pid, "attempt": 1})
    run.ready()
    os.kill(pid, signal.SIGTERM)
    until((run.attempt / "end.json").exists, "it does not end")
    assert run.end()["code"] == 0 and (run.top / "saved").exists()


def test_a_folder_that_cannot_be_written_is_said_and_nothing_hangs(run: Run) -> None:
    run.folder.rmdir()
    run.folder.symlink_to("/proc/self/no-such")
    process = run.start("script", run.script(""))
    out, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 74 and b"the run's evidence cannot be written" in out


def test_a_disk_that_fills_up_still_has_room_for_the_end(run: Run) -> None:
    disk = run.folder.parent
    run.folder.rmdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    try:
        run.folder.mkdir()
        process = run.start("script", run.script("while True: print('x' * 999)"))
        process.communicate(timeout=LONG_S)
        end = run.end()
        assert (end["state"], end["cause"]) == ("failed", "script-error")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
