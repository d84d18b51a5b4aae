"""A run is followed: its output once and whole, its end from its evidence, Ctrl-C, a cut line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.environment.up import Site
from envkit.run import stop as stop_module
from envkit.run.folder import End, Stop, Supervisor
from envkit.run.follow import Ears, Left, follow_with
from envkit.run.from_json import read, text
from envkit.run.going import Going
from envkit.run.settle import settle
from envkit.run.start import start
from envkit.run.stop import is_alive, stop
from envkit.run.wish import plan_job
from tests.runs import DiskHost, a_site, a_wish

FINISHED = End(state="finished", code=0, sentence="it finished")
SUPERVISOR = Supervisor(pid=1, started_ticks=7, boot_id="b", container="c")


@dataclass
class Story:
    """A run whose steps are told: one at each look that found nothing new."""

    site: Site
    engine: FakeEngine
    host: DiskHost
    run: Going
    steps: list[Callable[[], object]] = field(default_factory=list)
    output: bytes = b""
    said: list[str] = field(default_factory=list)
    pressed: int = 0
    clock: float = 0.0

    def attempt(self, number: int = 1) -> Path:
        folder = Path(self.run.folder.attempt(number).path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def prints(self, content: bytes, number: int = 1) -> None:
        with (self.attempt(number) / "rank-0.log").open("ab") as log:
            log.write(content)

    def ends(self, end: End = FINISHED, number: int = 1) -> None:
        (self.attempt(number) / "end.json").write_text(text(end))

    def press(self) -> None:
        self.pressed += 1

    def sleep(self, seconds: float) -> None:
        self.clock += max(seconds, 0.5)
        if self.steps:
            self.steps.pop(0)()

    def follow(self) -> End:
        def write(part: bytes) -> None:
            self.output += part

        ears = Ears(write=write, report=self.said.append, presses=lambda: self.pressed)
        return follow_with(self.site, self.run, ears)


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    site, engine, host = a_site(tmp_path)

    def no_build(spec: str) -> object:
        raise AssertionError(spec)

    plan = plan_job(site, a_wish(tmp_path), no_build, lambda line: None)  # type: ignore[arg-type]
    told = Story(site=site, engine=engine, host=host, run=start(site, plan, lambda line: None))
    for module in ("envkit.run.follow", "envkit.run.stop", "envkit.run.settle"):
        monkeypatch.setattr(f"{module}.time.sleep", told.sleep)
        monkeypatch.setattr(f"{module}.time.monotonic", lambda: told.clock)
    return told


def test_output_comes_whole_and_once_and_the_end_is_the_evidences(story: Story) -> None:
    story.prints(b"a\xff")
    story.steps = [lambda: story.prints(b"\nb" * 3_000_000), lambda: (story.prints(b"last"), story.ends())]
    assert story.follow() == FINISHED
    assert story.output == b"a\xff" + b"\nb" * 3_000_000 + b"last"


def test_another_attempt_is_followed_too(story: Story) -> None:
    oom = End(state="failed", cause="host-memory", sentence="it ran out of memory")
    story.prints(b"one\n")
    story.steps = [lambda: (story.ends(oom), story.prints(b"two\n", 2)), lambda: story.ends(number=2)]
    assert story.follow() == FINISHED
    assert story.output == b"one\ntwo\n"
    assert story.said == ["attempt 1: it ran out of memory; attempt 2 begins"]


def test_an_end_that_is_retried_is_not_the_end(story: Story) -> None:
    story.run = replace(story.run, retries=1)
    oom = End(state="failed", cause="host-memory", sentence="it ran out of memory")
    story.prints(b"one\n")
    story.steps = [
        lambda: story.ends(oom),
        lambda: None,
        lambda: story.prints(b"two\n", 2),
        lambda: (story.ends(oom, 2), story.engine.containers.stop(story.run.container, 0)),
    ]
    assert story.follow() == oom
    assert story.output == b"one\ntwo\n"


def test_what_ended_without_a_word_is_lost(story: Story) -> None:
    story.prints(b"one\n")
    story.steps = [lambda: story.engine.containers.remove(story.run.container)]
    end = story.follow()
    assert end.state == "lost" and story.output == b"one\n"


def test_a_cut_line_is_waited_for(story: Story) -> None:
    def cut(state: bool) -> Callable[[], None]:
        return lambda: setattr(story.host, "cut", state)

    story.steps = [cut(True), lambda: None, cut(False), lambda: (story.prints(b"on\n"), story.ends())]
    assert story.follow() == FINISHED and story.output == b"on\n"
    assert story.said == [
        "the connection to test is cut: the run goes on, waiting for the line",
        "the line is back",
    ]


def supervised(story: Story, *, answers: int = 0) -> list[tuple[str, ...]]:
    """Let a supervisor be there; return what it is told."""
    (story.attempt() / "supervisor.json").write_text(text(SUPERVISOR))
    heard: list[tuple[str, ...]] = []

    def hear(facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        heard.append(request.command[-3:])
        return ExecResult(code=answers, stdout=b"", stderr=b"")

    for signal in ("TERM", "0"):
        words = ("sh", "-c", stop_module._TELL, "sh", "1", "7", signal)
        story.engine.inside.scripts[words] = hear
    return heard


def stopped_by(story: Story) -> Stop:
    return read(Stop, (story.attempt() / "stop.json").read_bytes(), name="stop.json")


def test_ctrl_c_asks_it_to_finish_and_again_ends_it(story: Story) -> None:
    heard = supervised(story)
    stopped = End(state="stopped", cause="user", sentence="it was stopped")
    story.steps = [story.press, lambda: None, story.press, lambda: story.ends(stopped)]
    assert story.follow() == stopped
    assert heard == [("1", "7", "TERM")] * 2 and stopped_by(story).now
    assert story.said == ["asking it to finish: it has 120 s; Ctrl-C again ends it at once", "ending it"]


def test_a_third_ctrl_c_leaves_it(story: Story) -> None:
    supervised(story)
    story.steps = [story.press, story.press, story.press]
    with pytest.raises(Left):
        story.follow()


def test_ctrl_c_at_a_cut_line_leaves_it_running(story: Story) -> None:
    story.steps = [lambda: setattr(story.host, "cut", True), story.press]
    with pytest.raises(Left, match="the connection to test is cut"):
        story.follow()


def test_how_long_is_left_is_said(story: Story) -> None:
    supervised(story)
    story.steps = [story.press, *[lambda: None] * 25, lambda: story.ends()]
    story.follow()
    assert story.said[1:] == ["it finishes: 110 s left"]


def test_stop_waits_for_the_supervisor_to_begin(story: Story) -> None:
    story.steps = [lambda: supervised(story)]
    assert stop(story.site, story.run)
    assert not stopped_by(story).now


def test_what_has_ended_is_not_asked(story: Story) -> None:
    heard = supervised(story)
    story.ends()
    assert not stop(story.site, story.run) and heard == []


def test_a_supervisor_is_known_by_when_it_started(story: Story) -> None:
    supervised(story, answers=3)
    assert not is_alive(story.site, story.run)
    supervised(story)
    assert is_alive(story.site, story.run)


def test_the_container_goes_once_it_has_ended(story: Story) -> None:
    story.ends()
    story.steps = [lambda: story.engine.containers.stop(story.run.container, 0)]
    assert settle(story.site, story.run) == 0
    assert story.engine.containers.inspect(story.run.container) is None


def test_without_an_end_the_container_is_the_evidence(story: Story) -> None:
    story.engine.containers.stop(story.run.container, 0)
    assert settle(story.site, story.run) == 0
    assert story.engine.containers.inspect(story.run.container) is not None


def test_what_was_written_outside_keeps_the_container(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.ends()
    story.engine.containers.stop(story.run.container, 0)
    monkeypatch.setattr(story.engine.containers, "written_bytes", lambda container: 10**9)
    assert settle(story.site, story.run) == 10**9
    assert story.engine.containers.inspect(story.run.container) is not None
