"""Versions as they compare, and the first row that fits."""

from __future__ import annotations

import pytest

from envkit.accelerators.fit import (
    Candidate,
    Considered,
    Refusal,
    below,
    first_that_fits,
    fits_python,
    nearest,
    numbers,
)


@pytest.mark.parametrize(
    ("python", "fits"), [("3.8", False), ("3.9", True), ("3.10", True), ("3.13", True), ("3.14", False)]
)
def test_pythons_are_compared_as_numbers(python: str, fits: bool) -> None:
    assert fits_python(python, ("3.9", "3.13")) is fits


@pytest.mark.parametrize(
    ("driver", "floor", "older"),
    [
        ("535.104.05", "525.60.13", False),
        ("525.60.12", "525.60.13", True),
        ("525.60.13", "525.60.13", False),
        ("535", "535.54.03", False),  # a branch, without saying which of it
        ("470", "525.60.13", True),
        ("580.65.06", "580", False),
        ("570.124.06", "570.26", False),
        ("24.1.0.3", "25.2", True),
        ("26.0.rc1", "26.0.0", True),
        ("26.0.RC3", "26.0.rc1", False),
        ("25.5.2", "26.0.rc1", True),
    ],
)
def test_drivers_are_compared_by_what_both_name(driver: str, floor: str, older: bool) -> None:
    assert below(driver, floor) is older


def test_a_post_release_comes_after_its_release() -> None:
    assert numbers("2.9.0") < numbers("2.9.0.post2") < numbers("2.9.0.post10") < numbers("2.10.0")


def test_the_first_that_fits_is_taken_and_what_follows_is_not_looked_at() -> None:
    refused = Candidate(row=1, value="one", source="a", refusal=Refusal(key="k", what="one is old"))
    taken = Candidate(row=2, value="two", source="b", note="fits")
    assert first_that_fits("d", [refused, taken, refused]) == (
        taken,
        (
            Considered(decision="d", value="one", taken=False, why="is old", source="a"),
            Considered(decision="d", value="two", taken=True, why="fits", source="b"),
        ),
    )
    assert first_that_fits("d", [refused])[0] is None


def test_at_most_three_rows_are_near() -> None:
    assert nearest(["a", "b", "a", "c"]) == "a, or b"
    assert nearest([]) == ""
