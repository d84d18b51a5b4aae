"""Words for people: lists of names."""

from __future__ import annotations

from envkit.words import listed


def test_names_that_fit_are_all_told() -> None:
    assert listed(["a", "b"], 2) == "a, b"


def test_of_more_the_rest_is_counted() -> None:
    assert listed(("a", "b", "c", "d"), 2) == "a, b and 2 more"
