"""`envkit` is killed at twenty points of each verb; run again, it converges, and nothing is left over.

A point is a call to the engine (killed before the engine hears of it, or after it has acted) or, for a verb
with few calls, a line of envkit: exact in both cases, never a matter of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import docker
import pytest

from tests.faults import table as at
from tests.faults.conftest import Envkit, Kill, Named, Start, only_state
from tests.faults.processes import DIE_AT_LINE
from tests.faults.proxy import Do, Rule
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real

NAME = "f-kills"
WORDS = {
    "up": ("up", IMAGE, "--name", NAME, "--timeout", "20"),
    "stop": ("stop", NAME),
    "rm": ("rm", NAME, "--yes"),
    "start": ("start", NAME, "--timeout", "20"),
    "restart": ("restart", NAME, "--timeout", "20"),
}
BEGINS = {"up": "-", "stop": "running", "rm": "running", "start": "exited", "restart": "running"}
WANTED = {"up": "running", "stop": "exited", "rm": "-", "start": "running", "restart": "running"}
ALL_POINTS = 20
Point = tuple[str, tuple[str, str], Do, int]
BEFORE: Do = "block-before"
AFTER: Do = "block-after"
# What only asks is the same before and after; what acts is not.
_STARTING = (
    (at.BY_NAME, BEFORE, 1),
    (at.BY_NAME, AFTER, 1),
    (at.IMAGE, BEFORE, 1),
    (at.IMAGE, AFTER, 1),
    (at.BY_NAME, AFTER, 2),
    (at.INFO, BEFORE, 1),
    (at.INFO, AFTER, 1),
    (at.LIST, BEFORE, 1),
    (at.LIST, AFTER, 1),
    (at.START, BEFORE, 1),
    (at.START, AFTER, 1),
    (at.EXEC, BEFORE, 1),
    (at.EXEC, AFTER, 1),
    (at.TALK, BEFORE, 1),
    (at.TALK, AFTER, 1),
    (at.CODE, AFTER, 1),
)
_HELLO = ((at.HELLO, BEFORE, 1), (at.HELLO, AFTER, 1))
POINTS = {
    "up": (
        *_HELLO,
        (at.IMAGE, BEFORE, 1),
        (at.IMAGE, AFTER, 1),
        (at.BY_NAME, AFTER, 1),
        (at.INFO, AFTER, 1),
        (at.LIST, AFTER, 1),
        (at.CREATE, BEFORE, 1),
        (at.CREATE, AFTER, 1),
        (at.READ, BEFORE, 1),
        (at.READ, AFTER, 2),
        (at.WRITE, BEFORE, 1),
        (at.WRITE, AFTER, 1),
        (at.START, BEFORE, 1),
        (at.START, AFTER, 1),
        (at.EXEC, BEFORE, 1),
        (at.EXEC, AFTER, 1),
        (at.TALK, BEFORE, 1),
        (at.TALK, AFTER, 1),
        (at.CODE, AFTER, 1),
    ),
    "rm": (
        *_HELLO,
        (at.BY_NAME, BEFORE, 1),
        (at.BY_NAME, AFTER, 1),
        (at.EXEC, BEFORE, 1),
        (at.EXEC, AFTER, 1),
        (at.TALK, AFTER, 1),
        (at.CODE, AFTER, 1),
        (at.BY_ID, AFTER, 1),
        (at.STOP, BEFORE, 1),
        (at.STOP, AFTER, 1),
        (at.BY_ID, AFTER, 2),
        (at.REMOVE, BEFORE, 1),
        (at.REMOVE, AFTER, 1),
    ),
    "stop": (
        *_HELLO,
        (at.BY_NAME, BEFORE, 1),
        (at.BY_NAME, AFTER, 1),
        (at.STOP, BEFORE, 1),
        (at.STOP, AFTER, 1),
    ),
    "start": (*_HELLO, *_STARTING),
    "restart": (*_HELLO, (at.STOP, BEFORE, 1), (at.STOP, AFTER, 1), *_STARTING),
}
CALLS = [(verb, *point) for verb, points in POINTS.items() for point in points]
LINES = [
    (verb, number) for verb, points in POINTS.items() for number in range(1, ALL_POINTS + 1 - len(points))
]


@pytest.fixture
def name() -> str:
    """One name for all."""
    return NAME


@pytest.fixture(scope="module", autouse=True)
def cleaned(engine: docker.DockerClient) -> Iterator[None]:
    """Leave the engine as it was."""
    yield
    for one in engine.containers.list(all=True, filters={"label": f"io.envkit.environment={NAME}"}):
        one.remove(force=True)


@pytest.fixture
def begin(containers: Named, envkit: Envkit) -> Callable[[str], None]:
    """Bring the environment to where a verb begins."""

    def to(verb: str) -> None:
        state, wanted = only_state(containers()), BEGINS[verb]
        if wanted == "-" != state:
            containers()[0].remove(force=True)
        if wanted == "running" != state or wanted != "-" == state:
            assert envkit(*WORDS["up"]).code == 0
        if wanted == "exited" != state:
            assert envkit(*WORDS["stop"]).code == 0

    return to


@pytest.fixture
def converges(containers: Named, envkit: Envkit, watched: Callable[[str], None]) -> Callable[[str], None]:
    """Run the verb again, and look at what there is then."""

    def again(verb: str) -> None:
        gone = verb == "rm" and not containers()
        said = envkit(*WORDS[verb])
        assert said.code == (2 if gone else 0), said
        watched(WANTED[verb])

    return again


@pytest.mark.parametrize("point", CALLS, ids=lambda point: " ".join(map(str, point)))
def test_killed_at_a_call_it_converges(
    point: Point, begin: Callable[[str], None], kill: Kill, converges: Callable[[str], None]
) -> None:
    verb, (method, path), do, occurrence = point
    begin(verb)
    kill(Rule(do=do, method=method, path=path, occurrence=occurrence), *WORDS[verb])
    converges(verb)


_TRIES = 5


@pytest.fixture(scope="module")
def lengths() -> dict[str, int]:
    """How many lines of envkit a verb runs, once that is known."""
    return {}


@pytest.fixture
def kill_at_line(
    begin: Callable[[str], None], start: Start, lengths: dict[str, int]
) -> Callable[[str, int], None]:
    """Kill a verb at a line: the points lie evenly over the lines that it runs.

    It runs more of them while it waits: where it ends before the line, it is taken by what it ran this time.
    """

    def run(verb: str, line: int) -> bool:
        code, said = start(*WORDS[verb], **{DIE_AT_LINE: str(line)}).wait()
        if code == 0:
            lengths[verb] = int(said.rpartition("lines: ")[2])
            begin(verb)
        else:
            assert code == -9, said
        return code == -9

    def kill(verb: str, number: int) -> None:
        if verb not in lengths:
            assert not run(verb, 0)
        for _ in range(_TRIES):
            if run(verb, lengths[verb] * number // (ALL_POINTS - len(POINTS[verb]))):
                return
        raise AssertionError(f"{verb} ended {_TRIES} times before its line")

    return kill


@pytest.mark.parametrize(("verb", "number"), LINES)
def test_killed_at_a_line_it_converges(
    verb: str,
    number: int,
    begin: Callable[[str], None],
    kill_at_line: Callable[[str, int], None],
    converges: Callable[[str], None],
) -> None:
    begin(verb)
    kill_at_line(verb, number)
    converges(verb)
