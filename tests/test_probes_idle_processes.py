"""What processes tell: terminals with something in them, CPU that is used; /proc is a folder here."""

from __future__ import annotations

from pathlib import Path

from envkit.probes.idle_processes import TICKS_PER_S, Cpu, Process, cpu, processes, terminals

BASH = ("/bin/bash", "-l", "")


def process(pid: int, *words: str, terminal: int = 0, ticks: int = 0, name: str = "") -> Process:
    name = name or words[0].rpartition("/")[2]
    return Process(pid=pid, name=name, words=words, terminal=terminal, started=7, ticks=ticks)


def test_proc_is_read_with_names_that_hold_brackets_and_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "42"
    folder.mkdir()
    fields = "S 1 42 42 34816 42 4194560 1 2 3 4 10 20 3 4 20 0 1 0 12345 0 0"
    (folder / "stat").write_text(f"42 (tmux: (x) y) {fields}")
    (folder / "cmdline").write_bytes(b"/usr/bin/tmux\0new\0")
    found = Process(
        pid=42,
        name="tmux: (x) y",
        words=("/usr/bin/tmux", "new", ""),
        terminal=34816,
        started=12345,
        ticks=37,
    )
    assert processes(tmp_path) == (found,)


def test_the_dead_and_the_kernels_own_threads_are_left_out(tmp_path: Path) -> None:
    for pid, state, command in ((1, "Z", b"x\0"), (2, "S", b"")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (x) {state} " + "0 " * 20)
        (tmp_path / str(pid) / "cmdline").write_bytes(command)
    assert processes(tmp_path) == ()


def test_a_program_in_a_terminal_is_use_in_the_background_too() -> None:
    signal = terminals((process(1, *BASH, terminal=5), process(2, "sleep", "600", terminal=5)), {"0": 1})
    assert (signal.active, signal.value) == (True, "sleep 600 (pid 2) runs")


def test_shells_at_their_prompts_are_none() -> None:
    found = (
        process(1, *BASH, terminal=5),
        process(2, "bash", "--init-file", "/opt/envkit/code-server/x.sh", terminal=6),
        process(3, "su", "-", terminal=5),
        process(4, "tmux", "attach", terminal=5, name="tmux: client"),
    )
    signal = terminals(found, {"0": 1, "1": 1})
    assert (signal.active, signal.value) == (False, "2 open, nothing runs in them")


def test_a_key_that_is_pressed_changes_the_mark() -> None:
    assert terminals((), {"0": 10}).mark != terminals((), {"0": 18}).mark


def test_a_program_without_a_terminal_is_known_by_its_cpu() -> None:
    trains = process(9, "python", "train.py", ticks=10 * TICKS_PER_S)
    before = Cpu(at=0.0, ticks={(9, 7): 0})
    signal, after = cpu((trains,), before, 60.0)
    assert (signal.active, signal.value) == (True, "python train.py (pid 9) computes (17% of a core)")
    assert cpu((trains,), after, 120.0)[0].value == "at most 0.0% of a core (counts from 2%)"


def test_the_services_own_cpu_does_not_count() -> None:
    ours = (
        process(1, "/opt/envkit/node/bin/node", "/opt/envkit/code-server/x.js", ticks=6000),
        process(2, "/opt/envkit/jupyter/bin/python", "-I", "-m", ticks=6000),
        process(3, "/bin/sh", "/opt/envkit/bin/envkit-status", ticks=6000, name="envkit-status"),
    )
    assert not cpu(ours, Cpu(at=0.0, ticks={}), 60.0)[0].active


def test_what_a_shells_children_used_before_they_ended_counts() -> None:
    shell = process(5, *BASH, ticks=30 * TICKS_PER_S)
    assert cpu((shell,), Cpu(at=0.0, ticks={(5, 7): 0}), 60.0)[0].active


def test_a_number_that_was_given_again_is_another_process() -> None:
    again = Process(pid=9, name="make", words=("make",), terminal=0, started=8, ticks=5 * TICKS_PER_S)
    assert cpu((again,), Cpu(at=0.0, ticks={(9, 7): 5 * TICKS_PER_S}), 60.0)[0].active
