"""The label that tells where a saved image comes from."""

from __future__ import annotations

from envkit.save import lineage
from envkit.save.lineage import LABEL, Ancestor

FIRST = Ancestor(
    image="sha256:11",
    tag="cpu:dev",
    layers=20,
    when="2026-01-01T00:00:00Z",
    environment="lab",
    changed={"files": 3, "bytes": 100, "pip": 1},
)


def test_what_is_written_is_read() -> None:
    saves = (Ancestor(image="sha256:22", tag="lab:1", layers=22, when="2026-01-02T00:00:00Z"), FIRST)
    assert lineage.of_labels({LABEL: lineage.to_label(saves)}) == saves


def test_many_saves_are_read_too() -> None:
    saves = (FIRST,) * 120  # longer than a label that is written plainly
    assert lineage.of_labels({LABEL: lineage.to_label(saves)}) == saves


def test_a_built_image_has_no_saves() -> None:
    assert lineage.of_labels({}) == ()


def test_a_label_of_somebody_else_says_nothing() -> None:
    assert lineage.of_labels({LABEL: "v1"}) == ()


def test_a_save_is_told_in_a_line() -> None:
    said = ("commit of environment lab on cpu:dev, 2026-01-01T00:00:00Z: 3 files, 1 pip",)
    assert lineage.in_words((FIRST,)) == said
