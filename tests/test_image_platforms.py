"""What platforms need of an image."""

from __future__ import annotations

import pytest

from envkit.engines.values import LayerFacts
from envkit.errors import UsageError
from envkit.image.platforms import Candidate, needs, next_steps
from tests.environments import image


def candidate(repository: str, largest: int) -> Candidate:
    steps = (LayerFacts(created_by="", size_bytes=largest),)
    return Candidate(facts=image(), steps=steps, verdict=None, repository=repository)


@pytest.mark.parametrize(("size", "is_met"), [(4_000_000_000, True), (4_000_000_001, False)])
def test_a_layer_may_have_4_gb(size: int, is_met: bool) -> None:
    assert [need.is_met for need in needs("harbor", candidate("team/lab", size))] == [True, is_met]


def test_an_unmet_need_has_a_fix() -> None:
    found = needs("ctyun", candidate("lab", 5_000_000_000))
    assert len(found) == 4 and all(need.fix for need in found)


def test_an_unknown_platform_names_those_that_are_known() -> None:
    with pytest.raises(UsageError) as caught:
        needs("moon", candidate("lab", 1))
    assert caught.value.fix == "one of: ctyun, harbor"


def test_where_nothing_is_left_to_do_nothing_is_said() -> None:
    assert next_steps("harbor", "registry.example/team/lab:1", "team/lab") == ()
