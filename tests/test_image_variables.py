"""The variables that a base's own scripts set: read from the image, and given to it in one instruction."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_containers import FakeInside
from envkit.engines.values import ImageFacts
from envkit.errors import EngineError
from envkit.image.variables import PLACE, found_in, instruction


@dataclass
class Holding(FakeInside):
    """Containers that hold files."""

    held: dict[str, bytes] = field(default_factory=dict)

    def get(self, container: str, path: str) -> bytes | None:
        return self.held.get(path)


def engine_with(held: dict[str, bytes]) -> FakeEngine:
    engine = FakeEngine()
    engine.inside = Holding(engine.containers, held=held)
    image = ImageFacts(
        id="sha256:1",
        tags=(),
        digests=(),
        labels={},
        env={},
        entrypoint=(),
        command=(),
        user="",
        architecture="amd64",
        size_bytes=0,
        layers=1,
    )
    engine.images.add(image)
    return engine


def test_what_the_build_wrote_down_is_read_and_no_container_stays() -> None:
    engine = engine_with({PLACE: b'{"A_PATH": "/a", "B": "1"}'})
    assert found_in(engine, "sha256:1") == {"A_PATH": "/a", "B": "1"}
    assert engine.containers.find({}) == ()


def test_an_image_whose_own_template_has_no_such_step_has_none() -> None:
    assert found_in(engine_with({}), "sha256:1") == {}


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[1]"])
def test_a_file_that_tells_nothing_is_an_error_that_names_it(content: bytes) -> None:
    engine = engine_with({PLACE: content})
    with pytest.raises(EngineError, match=f"the image does not tell its variables: {PLACE} holds"):
        found_in(engine, "sha256:1")


def test_a_value_stands_in_the_instruction_as_it_is() -> None:
    assert instruction({"B": 'x "y" $z', "A": "/a:/b"}) == 'ENV A="/a:/b" \\\n    B="x \\"y\\" \\$z"'
