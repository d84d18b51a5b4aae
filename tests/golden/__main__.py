"""Write the golden files anew: `python -m tests.golden`, or `make golden`. Then read the difference."""

from __future__ import annotations

from pathlib import Path

from tests.renderings import masked, presets

for name, text in presets().items():
    (Path(__file__).parent / f"{name}.Dockerfile").write_text(masked(text), "utf-8")
