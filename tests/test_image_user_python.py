"""Which Python of a container is the user's."""

from __future__ import annotations

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult, ImageFacts, RunRequest
from envkit.errors import RunError
from envkit.image.user_python import python_of
from tests.environments import image

LOOK = ("sh", "-c", 'for name in "$@"; do command -v "$name" && exit; done', "sh", "python", "python3")


def foreign(*entrypoint: str) -> ImageFacts:
    found = image()
    return ImageFacts(**{**found.__dict__, "labels": {}, "entrypoint": entrypoint})


@pytest.fixture
def engine() -> FakeEngine:
    found = FakeEngine()
    found.images.add(image())
    found.inside.scripts[LOOK] = ExecResult(code=0, stdout=b"/usr/bin/python3\n", stderr=b"")
    return found


@pytest.fixture
def container(engine: FakeEngine) -> str:
    made = engine.containers.create(RunRequest(image=image().id))
    engine.containers.start(made)
    return made


def test_the_first_python_on_path_is_taken_or_the_one_asked_for(engine: FakeEngine, container: str) -> None:
    assert python_of(engine, container, foreign(), None) == ("/usr/bin/python3",)
    assert python_of(engine, container, foreign(), "/x/python") == ("/x/python",)


def test_an_image_without_python_says_so(engine: FakeEngine, container: str) -> None:
    engine.inside.scripts[LOOK] = ExecResult(code=1, stdout=b"", stderr=b"")
    with pytest.raises(RunError, match="no Python in it"):
        python_of(engine, container, foreign(), None)


@pytest.mark.parametrize(("says", "used"), [("envkit-passes-on\n", True), ("a server starts\n", False)])
def test_a_foreign_entrypoint_is_used_when_it_passes_commands_on(
    engine: FakeEngine, container: str, says: str, used: bool
) -> None:
    ask = ("/entry", "sh", "-c", "echo envkit-passes-on")
    engine.inside.scripts[ask] = ExecResult(code=0, stdout=says.encode(), stderr=b"")
    python = ("/usr/bin/python3",)
    assert python_of(engine, container, foreign("/entry"), None) == (("/entry",) if used else ()) + python
