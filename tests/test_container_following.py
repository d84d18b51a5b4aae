"""Following a log: every line once, whatever its stream does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envkit.container import following
from envkit.container.following import Batch, Follower, Position
from envkit.container.wait import Gone
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.fake_watch import Stream
from envkit.engines.values import LogLine, LogRequest, RunRequest
from envkit.errors import EngineError

SECOND = 1_000_000_000


def line(number: int, stream: int = 1) -> LogLine:
    return LogLine(number * SECOND, stream, str(number).encode())


def numbers(first: int, last: int) -> Batch:
    return tuple(line(number) for number in range(first, last + 1))


def giving(*batches: Batch, cut: bool = False) -> Stream:
    def stream(request: LogRequest) -> Iterator[Batch]:
        yield from batches
        if cut:
            raise EngineError("the engine cut the container's log", fix="run the command again")

    return stream


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine with a container `c` that has ended and printed ten lines; nobody waits."""
    monkeypatch.setattr(following.time, "sleep", lambda seconds: None)
    fake = FakeEngine()
    fake.images.add(EMPTY)
    image = fake.images.list({})[0]
    made = fake.containers.create(RunRequest(image=image.id, name="c"))
    fake.containers.start(made)
    fake.containers.stop(made, 1)
    fake.watch.lines[made] = list(numbers(1, 10))
    return fake


def read(engine: FakeEngine, said: list[str] | None = None, **asked: object) -> list[int]:
    """Follow to the end; return the numbers that were printed."""
    report = [].append if said is None else said.append
    batches = Follower(engine, "c", report).follow(LogRequest(**asked))  # type: ignore[arg-type]
    return [int(one.text) for batch in batches for one in batch]


ALL = list(range(1, 11))


@pytest.mark.parametrize(
    "streams",
    [
        [giving(numbers(1, 10))],
        [giving(numbers(1, 4), (), numbers(5, 10))],
        [giving(numbers(1, 4), cut=True), giving(numbers(4, 10))],
        [giving(numbers(1, 4), cut=True), giving(cut=True), giving(cut=True)],
        [giving(numbers(1, 4))],  # the stream ended before the log did
        [giving(numbers(1, 4), numbers(2, 4), numbers(5, 10))],  # a rotation: repeated ...
        [giving(numbers(1, 4), numbers(7, 8), numbers(7, 10))],  # ... and skipped
        [giving(numbers(1, 4), ())],  # silent, though there is more
    ],
    ids=["whole", "silence", "cut", "cut again and again", "early end", "repeats", "skips", "stuck"],
)
def test_every_line_comes_once(engine: FakeEngine, streams: list[Stream]) -> None:
    engine.watch.streams = streams
    assert sorted(read(engine)) == ALL


def test_after_a_cut_only_the_end_of_what_was_read_is_asked_for_again(engine: FakeEngine) -> None:
    engine.watch.streams = [giving(numbers(1, 8), (), cut=True)]
    engine.watch.lines[engine.containers.require("c").id] = list(numbers(1, 8))
    read(engine)
    since = [asked.since_ns for asked in engine.watch.requests if asked.tail is None]
    assert since[0] is None and all(moment == SECOND for moment in since[1:])


def test_a_cut_is_told_and_so_is_its_end(engine: FakeEngine) -> None:
    said: list[str] = []
    engine.watch.streams = [giving(numbers(1, 4), cut=True)]
    read(engine, said)
    assert said == ["the engine cut the container's log: waiting for it to go on", "the log goes on"]


def test_lines_that_were_rotated_away_meanwhile_are_missed_aloud(engine: FakeEngine) -> None:
    said: list[str] = []
    engine.watch.streams = [giving(numbers(1, 4), cut=True)]
    engine.watch.lines[engine.containers.require("c").id] = list(numbers(8, 10))
    assert read(engine, said) == [1, 2, 3, 4, 8, 9, 10]
    assert "the log was rotated faster than it was read: lines may be missing here" in said


def test_only_what_comes_is_followed_when_no_old_line_is_wanted(engine: FakeEngine) -> None:
    def print_one(request: LogRequest) -> Iterator[Batch]:
        engine.watch.lines[engine.containers.require("c").id].append(line(11))
        yield (line(11),)
        raise EngineError("the engine cut the container's log", fix="run the command again")

    engine.watch.streams = [print_one]
    assert read(engine, tail=0) == [11]


def test_a_container_that_is_removed_is_an_error(engine: FakeEngine) -> None:
    def removed(request: LogRequest) -> Iterator[Batch]:
        engine.containers.remove("c")
        yield numbers(1, 2)

    engine.watch.streams = [removed]
    with pytest.raises(Gone):
        read(engine)


def test_an_engine_that_never_comes_back_is_given_up(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following.time, "monotonic", iter(range(0, 10**6, 60)).__next__)
    monkeypatch.setattr(engine.watch, "log", lambda container, request: giving(cut=True)(request))
    with pytest.raises(EngineError, match="cut the container's log"):
        read(engine)


def test_lines_that_change_places_both_count() -> None:
    position = Position()
    early, late = LogLine(5, 2, b"a"), LogLine(6, 1, b"b")
    first = LogLine(4, 1, b"first")
    assert position.fresh((first, late)) == (first, late)
    position.mark()
    assert position.fresh((early, late)) == (early,)


def test_what_is_remembered_does_not_grow_for_ever() -> None:
    position = Position()
    for number in range(1, 1000):
        position.fresh((line(2 * number),))
        position.mark()
    assert sum(map(len, position._known)) < 5
