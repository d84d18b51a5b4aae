"""Which versions have a known hole, at the edges of each range; and that the table is whole."""

from __future__ import annotations

import pytest

from envkit import compat
from envkit.doctor.holes import judge_versions, number


@pytest.mark.parametrize(
    ("part", "version", "outcome"),
    [
        ("runc", "1.1.11", "warn"),
        ("runc", "1.2.7", "warn"),
        ("runc", "1.2.8", "ok"),
        ("runc", "1.3.2", "warn"),
        ("runc", "1.3.3", "ok"),
        ("runc", "1.4.0-rc.2", "warn"),
        ("runc", "1.4.0-rc.3", "ok"),
        ("runc", "1.4.0", "ok"),
        ("containerd", "1.6.37", "warn"),
        ("containerd", "1.6.38", "ok"),
        ("containerd", "v1.7.26", "warn"),
        ("containerd", "2.0.4", "ok"),
        ("docker", "27.5.1", "warn"),
        ("docker", "28.1.0", "ok"),
        ("docker", "28.3.2", "warn"),
        ("docker", "28.3.3", "ok"),
        ("nvidia-container-toolkit", "1.17.7", "warn"),
        ("nvidia-container-toolkit", "1.17.8", "ok"),
    ],
)
def test_a_version_is_judged_at_the_edge_of_a_range(part: str, version: str, outcome: str) -> None:
    (found,) = judge_versions({part: version}, {})
    assert (found.outcome, found.check) == (outcome, part)


def test_a_hole_that_needs_a_plugin_is_told_only_with_it() -> None:
    (without,) = judge_versions({"docker": "29.0.0"}, {"authorization": False})
    (with_it,) = judge_versions({"docker": "29.0.0"}, {"authorization": True})
    assert (without.outcome, with_it.outcome) == ("ok", "warn")
    assert "CVE-2026-34040" in with_it.what


def test_what_has_no_number_or_no_row_is_not_judged() -> None:
    assert judge_versions({"runc": "unknown", "docker-init": "0.19.0", "crun": "1.8.1"}, {}) == ()


def test_a_candidate_comes_before_its_release_and_a_distributions_suffix_counts_for_nothing() -> None:
    versions = ["1.4.0-rc.2", "1.4.0-rc.10", "1.4.0", "1.4.1"]
    assert sorted(versions, key=lambda text: number(text) or ()) == versions
    assert number("1.1.5+ds1-1+deb12u1") == number("v1.1.5") == (1, 1, 5, 1, 0)
    assert number("1.6.20~ds1") == (1, 6, 20, 1, 0)


def test_every_row_has_its_source_its_date_and_ranges_that_are_numbers() -> None:
    for row in compat.table("host/holes")["rows"]:
        assert row["source"] and row["what"] and row["published"] <= compat.table("host/holes")["dated"]
        for begin, end in row["affected"]:
            assert number(end) and (begin == "" or (number(begin) or ()) < (number(end) or ()))
