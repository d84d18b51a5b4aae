"""Which packages must be asked for where recommended ones do not come along."""

from __future__ import annotations

import pytest

from envkit.save.apt_roots import Needs, needs_of, roots


def needs(needed: str = "", recommended: str = "") -> Needs:
    return needs_of(needed=needed, recommended=recommended)


def test_of_alternatives_the_first_counts_and_versions_do_not() -> None:
    read = needs("libc6 (>= 2.36), default-mta | mail-transport-agent, python3:any", "less")
    assert read == Needs(
        needed=frozenset({"libc6", "default-mta", "python3"}), recommended=frozenset({"less"})
    )


@pytest.mark.parametrize(
    ("known", "asked", "found"),
    [
        ({"jq": needs("libjq1"), "libjq1": needs()}, {"jq"}, ("jq",)),
        # A recommended one is asked for, and what that one needs is not.
        ({"npm": needs("", "git"), "git": needs("perl"), "perl": needs()}, {"npm"}, ("git", "npm")),
        # Recommended by what is recommended.
        ({"a": needs("", "b"), "b": needs("", "c"), "c": needs()}, {"a"}, ("a", "b", "c")),
        # Of two recommended ones, one may need the other.
        ({"a": needs("", "b, c"), "b": needs("c"), "c": needs()}, {"a"}, ("a", "b")),
        # Nobody asked for it by name: the second of alternatives, say.
        ({"a": needs("x | b"), "b": needs("c"), "c": needs()}, {"a"}, ("a", "b")),
        # Two that need each other, and nothing else does.
        ({"a": needs(), "b": needs("c"), "c": needs("b")}, {"a"}, ("a", "b")),
        ({"a": needs(), "old": needs()}, {"a", "gone"}, ("a", "old")),
    ],
)
def test_all_of_the_new_ones_come(known: dict[str, Needs], asked: set[str], found: tuple[str, ...]) -> None:
    assert roots(known, asked, known) == found


def test_what_was_there_before_is_not_asked_for() -> None:
    assert roots({"jq"}, {"jq", "git"}, {"jq": needs("libc6"), "libc6": needs()}) == ("jq",)
