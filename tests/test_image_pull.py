"""Pulling, with an engine in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from envkit.engines.docker_errors import pull_failure
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ImageFacts
from envkit.errors import EngineError
from envkit.image.pull import pull
from tests.environments import image

REF = "registry.example:5000/team/lab:1"


def test_what_came_says_what_it_is() -> None:
    engine = FakeEngine()
    digest = "registry.example:5000/team/lab@sha256:" + "d" * 64
    engine.images.registry[REF] = replace(image(), tags=(), digests=("other/lab@sha256:1", digest))
    pulled = pull(engine, REF, lambda line: None)
    assert (pulled.digest, pulled.is_ours, pulled.verdict, pulled.was_here) == (digest, True, "", False)
    assert pull(engine, REF, lambda line: None).was_here


def test_what_no_registry_has_is_an_error() -> None:
    with pytest.raises(EngineError):
        pull(FakeEngine(), REF, lambda line: None)


class Moody(FakeEngine):
    """An engine whose registry gives the image only after it has said these words, one a time."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.images.registry[REF] = image()
        self.said, real = list(words), self.images.pull

        def pull(reference: str, report: Callable[[str], None]) -> ImageFacts:
            if self.said:
                raise pull_failure(reference, self.said.pop(0))
            return real(reference, report)

        self.images.pull = pull  # type: ignore[method-assign]


def test_what_passes_is_tried_again() -> None:
    heard: list[str] = []
    engine = Moody("unexpected EOF", "received unexpected HTTP status: 503 Service Unavailable")
    assert pull(engine, REF, heard.append, lambda seconds: None).image == image().id
    assert [line.partition(";")[2] for line in heard[:2]] == [" trying again in 2 s", " trying again in 8 s"]
    assert "the registry is out of order" in heard[1]


@pytest.mark.parametrize(
    "words", ["manifest unknown", "unauthorized", "no space left on device", "lookup x: i/o timeout"]
)
def test_what_stays_is_not(words: str) -> None:
    with pytest.raises(EngineError):
        pull(Moody(words, words), REF, lambda line: None, lambda seconds: pytest.fail("it waited"))
