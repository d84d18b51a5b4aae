"""Each item is judged as soon as all that it needs was found, and as it would be at the end."""

from __future__ import annotations

import pytest

from envkit.image.checks import CHECKS, Check, item
from envkit.image.evidence import Evidence, Facts
from envkit.image.judging import Judging
from envkit.image.verdict import Item
from tests.test_image_checks import ENV, EXPECT, good, items

FOUND = {name: Facts(values) for name, values in good().items()}


def judging(reported: list[Item]) -> Judging:
    return Judging("1000:0", ENV, EXPECT, reported.append)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_an_item_reads_nothing_but_what_it_needs(check: Check) -> None:
    needed = Evidence(identity="1000:0", env=ENV, facts={name: FOUND[name] for name in check.needs})
    assert item(check, needed, EXPECT) == items(good())[check.id]


def test_an_item_is_reported_with_the_last_of_what_it_needs() -> None:
    reported: list[Item] = []
    judge = judging(reported)
    judge.hear("torch", FOUND["torch"])
    judge.hear("kernel", FOUND["kernel"])
    assert [item.id for item in reported] == ["torch"]
    judge.hear("status", FOUND["status"])
    assert [item.id for item in reported] == ["torch", "kernel"]


def test_what_an_image_has_not_is_not_waited_for_once_the_listeners_are_known() -> None:
    reported: list[Item] = []
    judge = judging(reported)
    for name in ("status", "workbench", "code-server-refuses"):
        judge.hear(name, FOUND[name])
    assert reported == []
    judge.hear("listeners", FOUND["listeners"])
    assert {item.id for item in reported} == {"workbench", "code-server-refuses"}


def test_the_end_judges_the_rest_and_gives_the_tables_order() -> None:
    reported: list[Item] = []
    judge = judging(reported)
    for name in FOUND:
        judge.hear(name, FOUND[name])
    assert judge.end() == tuple(items(good()).values())
    assert sorted(reported, key=judge.end().index) == list(judge.end())
    nothing = judging([]).end()
    assert [item.outcome for item in nothing].count("passed") == 0
