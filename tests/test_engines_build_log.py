"""A build's log: whole in a file, its end in the error."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit import paths
from envkit.engines.build_log import BuildLog, short
from envkit.engines.values import BuildEvent
from envkit.errors import HostError

STEP = "[2/3] RUN make"


def ignore(event: BuildEvent) -> None:
    """Listen to nothing."""


def test_every_line_is_in_the_file_at_once() -> None:
    with BuildLog(ignore) as log:
        log.write("ünï")
        assert log.path.read_text(encoding="utf-8") == "ünï\n"
        assert log.path.parent == paths.state() / "logs"


def test_two_builds_that_begin_together_have_a_log_each() -> None:
    with BuildLog(ignore) as one, BuildLog(ignore) as two:
        assert one.path != two.path


def test_old_logs_go() -> None:
    folder = paths.state() / "logs"
    folder.mkdir(parents=True)
    for number in range(60):
        (folder / f"build-20200101-0000{number:02}.log").touch()
    (folder / "dockerd.log").touch()
    with BuildLog(ignore):
        assert len(list(folder.glob("build-*"))) == 51
    assert (folder / "dockerd.log").exists() and not (folder / "build-20200101-000000.log").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(HostError, match=r"no log can be written in .*: Not a directory"):
        BuildLog(ignore)


def test_a_failure_quotes_the_failed_step_alone() -> None:
    with BuildLog(ignore) as log:
        for number in range(30):
            log.event(BuildEvent(kind="line", step=STEP, text=f"line {number}"))
        log.event(BuildEvent(kind="line", step="[other]", text="of another"))
        log.event(BuildEvent(kind="failed", step=STEP, text="ERROR: exit code: 2"))
        log.event(BuildEvent(kind="failed", step="[other]", text="CANCELED"))
        error = log.failure("words of the client")
    lines = "\n".join(f"    line {number}" for number in range(10, 30))
    assert error.what == f"the build failed at {STEP}\n{lines}\n  log: {log.path}"


def test_a_silent_step_fails_with_the_engines_words() -> None:
    with BuildLog(ignore) as log:
        log.event(BuildEvent(kind="failed", step=STEP, text="ERROR: secret s not found: not found"))
        assert log.failure("").what.splitlines()[1] == "    secret s not found: not found"


def test_a_build_that_failed_before_its_steps_quotes_the_client_without_its_frames() -> None:
    words = "------\n > [internal] load x:\n------\nDockerfile:2\n--------\n   1 |     FROM x\nnot found"
    with BuildLog(ignore) as log:
        what = log.failure(words).what
    shown = "     > [internal] load x:\n    not found"
    assert what == f"the build failed\n{shown}\n  log: {log.path}"


def test_silence_names_every_step_that_is_under_way() -> None:
    with BuildLog(ignore) as log:
        for step in ("[a]", "[b]", "[c]"):
            log.event(BuildEvent(kind="step", step=step))
        log.event(BuildEvent(kind="line", step="[b]", text="last word"))
        log.event(BuildEvent(kind="done", step="[a]", seconds=1.0))
        what = log.silence(1200).what
    assert what.startswith(
        "the build was silent for 1200 s at [b] and [c] and was cancelled\n    last word\n"
    )


def test_a_step_is_told_without_what_is_the_same_everywhere() -> None:
    prelude = "if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; "
    assert short(f"[2/3] RUN --mount=type=cache,target=/x {prelude}umask 002; pip   install a") == (
        "[2/3] RUN pip install a"
    )
    assert len(short("x" * 200)) == 100 and short("x" * 200).endswith("…")


def test_a_cause_that_stands_before_the_last_lines_still_gets_its_fix() -> None:
    said = ("E: Unable to locate package nosuch", *(f"line {number}" for number in range(50)))
    with BuildLog(ignore) as log:
        for text in said:
            log.event(BuildEvent(kind="line", step=STEP, text=text))
        log.event(BuildEvent(kind="failed", step=STEP, text="ERROR: exit code: 100"))
        error = log.failure("")
    assert error.what.splitlines()[1:-1] == [f"    line {number}" for number in range(30, 50)]
    assert "look at `apt:` in the spec" in error.fix
