"""What every preset becomes, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.renderings import masked, presets

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", presets())
def test_a_preset_becomes_its_golden_file(name: str) -> None:
    golden = (GOLDEN / f"{name}.Dockerfile").read_text("utf-8")
    assert masked(presets()[name]) == golden, "if this is meant: `make golden`, and commit the difference"


def test_no_golden_file_outlives_its_preset() -> None:
    assert {path.stem for path in GOLDEN.glob("*.Dockerfile")} == set(presets())
