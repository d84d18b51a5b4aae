"""BuildKit's plain progress: `old-*` are recordings of client 20.10.24, `new-*` follow buildx 0.2x."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.engines.plain_progress import PlainProgress
from envkit.engines.values import BuildEvent

SAMPLES = Path(__file__).with_name("progress")


def events(name: str) -> list[BuildEvent]:
    progress = PlainProgress()
    lines = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [event for line in lines for event in progress.events(line)]


def kinds(name: str, part: str) -> list[str]:
    return [event.kind for event in events(name) if part in event.step]


@pytest.mark.parametrize("name", ["old-success", "new-success"])
def test_a_step_begins_once_speaks_and_ends(name: str) -> None:
    own = kinds(name, "[tools 2/2]")
    assert own[0] == "step" and own[-1] == "done" and set(own[1:-1]) == {"line"}


def test_lines_keep_their_text_and_their_time() -> None:
    lines = [e for e in events("old-success") if e.kind == "line" and "[stage-2 4/4]" in e.step]
    assert [(line.text, line.seconds) for line in lines] == [
        ("ünïcode  spaced ", 0.257),
        ("1", 0.258),
        ("2", 0.258),
        ("3", 0.258),
    ]


def test_a_last_line_without_its_newline_hides_no_end() -> None:
    own = [event for event in events("old-success") if "[tools 2/2]" in event.step]
    assert [(event.kind, event.text, event.seconds) for event in own[-2:]] == [
        ("line", "no newline", 1.895),
        ("done", "", 2.4),
    ]


def test_output_that_looks_like_the_end_of_another_step_is_output() -> None:
    progress = PlainProgress()
    progress.events("#5 [2/2] RUN x")
    assert progress.events("#5 0.1 see #4 DONE 0.2s")[0].text == "see #4 DONE 0.2s"


@pytest.mark.parametrize("name", ["old-success", "new-success", "old-failure", "new-failure"])
def test_what_the_client_does_for_itself_is_no_step(name: str) -> None:
    steps = {event.step for event in events(name)} - {"exporting to image"}
    assert all(step.startswith("[") and not step.startswith(("[internal]", "[auth]")) for step in steps)


def test_a_kept_step_is_cached() -> None:
    assert kinds("old-cached", "[tools 2/2]") == ["step", "cached"]
    assert kinds("new-success", "[stage-2 2/3]") == ["step", "cached"]


@pytest.mark.parametrize("name", ["old-failure", "new-failure"])
def test_the_failed_step_is_told_from_those_it_took_along(name: str) -> None:
    failed = [(event.step, event.text) for event in events(name) if event.kind == "failed"]
    assert failed[0] == ("[a 2/2] RUN echo rec-a; sleep 4; echo never", "CANCELED")
    assert failed[1][0].startswith("[stage-1 2/3] RUN echo rec-fail;")
    assert failed[1][1].endswith("exit code: 3")


@pytest.mark.parametrize("line", ["", "#", "#x y", "------", " > [2/2] RUN x:", "plain words", "#5"])
def test_other_lines_say_nothing(line: str) -> None:
    assert PlainProgress().events(line) == []
