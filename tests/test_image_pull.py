"""Pulling, with an engine in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
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
