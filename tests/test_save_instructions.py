"""A rendered Dockerfile in two halves: what is done, and what is said of the image."""

from __future__ import annotations

import pytest

from envkit.save.instructions import Instruction, halves
from tests import renderings


@pytest.mark.parametrize("name", ["cpu.classic", "cuda.classic", "ascend.classic"])
def test_every_accelerator_s_image_can_be_made_by_instructions(name: str) -> None:
    parts = halves(renderings.presets()[name])
    assert {one.word for one in parts.done} <= {"RUN", "USER", "COPY", "ARG"}
    words = [one.word for one in parts.said]
    assert words[0] == "ENV" and words[-3:] == ["ENTRYPOINT", "CMD", "LABEL"] and "COPY" not in words
    assert not [one for one in (*parts.done, *parts.said) if "/run/envkit-changes" in one.rest]


def test_comments_go_and_what_stands_on_several_lines_stays_together() -> None:
    text = "FROM a AS tools\nRUN no\nFROM a AS installed\n# why\nRUN one; \\\n  # in\n  two\n\nENV A\nCMD c\n"
    parts = halves(text)
    assert parts.done == (Instruction(word="RUN", rest="one; \\\n  two"),)
    assert [str(one) for one in parts.said] == ["ENV A", "CMD c"]
