"""How a build is shown: lines, JSON lines, and the live view of a terminal."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from envkit.cli.progress import Lines, Live, item_line, shown
from envkit.engines.values import BuildEvent
from envkit.image.verdict import Item

STEP = "[tools 3/9] RUN npm install"
EVENTS = (
    BuildEvent(kind="step", step=STEP),
    BuildEvent(kind="line", step=STEP, text="added 1 package", seconds=1.0),
    BuildEvent(kind="line", step=STEP, text="added 400 packages", seconds=2.0),
    BuildEvent(kind="done", step=STEP, seconds=85.2),
    BuildEvent(kind="step", step="[base 1/2] FROM debian:12"),
    BuildEvent(kind="cached", step="[base 1/2] FROM debian:12"),
    BuildEvent(
        kind="failed",
        step="[base 2/2] RUN false",
        text="ERROR: executor failed running [sh -c false]: exit code: 1",
    ),
)


@pytest.fixture(autouse=True)
def no_time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock; the test moves it."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_a_line_is_printed_when_a_step_begins_to_speak_and_when_it_ends(
    capsys: pytest.CaptureFixture[str], no_time: list[float]
) -> None:
    view = Lines(as_json=False)
    for event in EVENTS:
        no_time[0] += 1
        view.event(event)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.splitlines() == [
        "[   2.0s] [tools 3/9] RUN npm install …",
        "[   4.0s] [tools 3/9] RUN npm install (1 min 25 s)",
        "[   6.0s] [base 1/2] FROM debian:12 (cached)",
        "[   7.0s] [base 2/2] RUN false: exit code: 1",
    ]


def test_a_builder_that_tells_no_times_says_done(capsys: pytest.CaptureFixture[str]) -> None:
    Lines(as_json=False).event(BuildEvent(kind="done", step="Step 1/2 : FROM debian:12"))
    assert capsys.readouterr().err == "[   0.0s] Step 1/2 : FROM debian:12 (done)\n"


def test_json_lines_tell_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(as_json=True) as reports:
        reports.note("looking for the base")
        for event in EVENTS:
            reports.event(event)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["kind"] for line in lines] == ["note", *(event.kind for event in EVENTS)]
    assert lines[2] == {"at_s": 0.0, "kind": "line", "step": STEP, "text": "added 1 package", "seconds": 1.0}


def test_without_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(as_json=False) as reports:
        reports.note("looking for the base")
    assert capsys.readouterr().err == "[   0.0s] looking for the base\n"


def picture(view: Live) -> list[str]:
    """Return what the live part of the screen shows."""
    console = Console(width=60, color_system=None)
    with console.capture() as capture:
        console.print(view._table())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_live_view_shows_the_steps_that_run_with_their_last_line(no_time: list[float]) -> None:
    view = Live()
    view.event(EVENTS[0])
    view.event(EVENTS[1])
    view.event(EVENTS[2])
    no_time[0] += 12
    view.event(BuildEvent(kind="step", step="[base 2/2] COPY . /x"))
    assert picture(view) == [
        "        12 s [tools 3/9] RUN npm install",
        "             added 400 packages",
        "       0.0 s [base 2/2] COPY . /x",
    ]


def test_a_long_step_is_cut_and_takes_one_line(no_time: list[float]) -> None:
    view = Live()
    view.event(BuildEvent(kind="step", step="[a 1/1] RUN " + "word " * 40))
    no_time[0] += 3_900
    assert picture(view) == ["  1 h 05 min [a 1/1] RUN word word word word word word word…"]


def test_what_ended_leaves_the_live_view(capsys: pytest.CaptureFixture[str]) -> None:
    view = Live()
    for event in EVENTS:
        view.event(event)
    assert picture(view) == []
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_between_steps_the_live_view_says_what_is_done(no_time: list[float]) -> None:
    view = Live()
    view.note("proving that it works")
    no_time[0] += 3
    assert picture(view) == ["       3.0 s proving that it works"]


def test_an_item_of_the_verdict_is_one_line() -> None:
    failed = Item(
        id="x",
        identity="1000:0",
        sentence="a kernel runs a cell",
        outcome="failed",
        reason="no kernel",
        seconds=2,
    )
    assert item_line(failed) == "FAIL a kernel runs a cell: no kernel (1000:0, 2.0 s)"
