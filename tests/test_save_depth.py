"""How many layers a save may lie on, and what it does near the engine's limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.errors import EnvkitError
from envkit.save.depth import caution, way
from envkit.save.lineage import Ancestor
from envkit.save.sight import Sight
from tests.environments import image
from tests.saves import a_sight


def sight(layers: int, *, built: int | None = None, written: int = 1000) -> Sight:
    """Return what is seen of an image with so many layers; `built`: so many before its first save."""
    first = Ancestor(image="sha256:1", tag="cpu:dev", layers=built or 0, when="2026-01-01T00:00:00Z")
    saves = () if built is None else (first,)
    return a_sight(image=replace(image(), layers=layers), saves=saves, written_bytes=written)


def test_layers_are_added_as_long_as_they_fit() -> None:
    assert [way(sight(layers), squash=False) for layers in (1, 99, 123)] == ["add"] * 3


def test_earlier_saves_become_one_in_time_and_when_asked_for() -> None:
    assert way(sight(122, built=20), squash=False) == "add"
    assert way(sight(123, built=20), squash=False) == "squash"
    assert way(sight(124, built=20), squash=False) == "squash"
    assert way(sight(30, built=20), squash=True) == "squash"


@pytest.mark.parametrize("built", [None, 124])
def test_an_image_with_too_many_built_layers_is_refused_with_the_way_out(built: int | None) -> None:
    with pytest.raises(EnvkitError) as caught:
        way(sight(124, built=built), squash=False)
    assert (
        caught.value.what == "its image has 124 layers, this save adds 2, and no engine takes more than 125"
    )
    assert caught.value.fix.startswith("--squash makes one layer of all of it")
    assert way(sight(124, built=built), squash=True) == "flatten"


def test_a_large_save_is_split_and_needs_more_room() -> None:
    assert way(sight(122, written=4_000_000_001), squash=False) == "add"
    with pytest.raises(EnvkitError, match="this save adds 3"):
        way(sight(123, written=4_000_000_001), squash=False)


def test_what_the_engine_itself_cannot_copy_is_refused_in_any_case() -> None:
    with pytest.raises(EnvkitError, match="has 125 layers, and the engine cannot copy") as caught:
        way(sight(125, built=20), squash=True)
    assert caught.value.fix == "`docker export envkit-lab | docker import - NAME`, then `envkit adopt NAME`"


def test_what_will_happen_is_said() -> None:
    assert caution(sight(99), squash=False) == ""
    assert caution(sight(30, built=20), squash=True) == ""
    assert "has no earlier save: --squash changes nothing" in caution(sight(30), squash=True)
    assert "all become one" in caution(sight(124), squash=True)
    assert "the earlier saves become one layer" in caution(sight(123, built=20), squash=False)
    assert caution(sight(100), squash=False).endswith("--squash makes all of them one")
