"""A verdict survives its label, and passes only when something was proven and nothing failed."""

from __future__ import annotations

from dataclasses import replace

from envkit.accelerators.needs import Code
from envkit.image.verdict import Item, Outcome, Verdict, from_label, summary, to_json, to_label


def item(outcome: Outcome, reason: str = "it answers") -> Item:
    return Item(
        id="kernel",
        identity="1000:0",
        sentence="a kernel executes",
        outcome=outcome,
        reason=reason,
        seconds=1.5,
    )


def verdict(*items: Item) -> Verdict:
    return Verdict(
        image="sha256:abc", items=items, missing=(("ms-python.python", "no gallery"),), seconds=41.2
    )


def test_a_verdict_survives_its_label() -> None:
    given = verdict(item("passed"), item("not-applicable"))
    assert from_label(to_label(given)) == given


def test_what_torch_was_built_for_survives_too() -> None:
    given = replace(verdict(item("passed")), code=Code(build="cu130", chips=("9.0", "12.0")))
    assert from_label(to_label(given)) == given


def test_a_long_verdict_survives_its_label_too() -> None:
    given = verdict(*(item("failed", f"reason {number} ü") for number in range(200)))
    assert to_label(given).startswith("gzip:")
    assert from_label(to_label(given)) == given


def test_equal_verdicts_give_equal_labels() -> None:
    assert to_label(verdict(item("passed"))) == to_label(verdict(item("passed")))


def test_one_failure_is_enough_to_fail() -> None:
    assert not verdict(item("passed"), item("failed")).passed


def test_nothing_proven_is_not_a_pass() -> None:
    assert not verdict(item("not-applicable")).passed
    assert not verdict().passed


def test_the_json_says_whether_it_passed() -> None:
    assert '"passed":true' in to_json(verdict(item("passed")))


def test_an_unknown_outcome_reads_as_failed() -> None:
    text = to_json(verdict(item("passed"))).replace('"outcome":"passed"', '"outcome":"wonderful"')
    assert not from_label(text).passed


def test_the_summary_counts() -> None:
    given = verdict(item("passed"), item("passed"), item("not-applicable"))
    assert summary(given) == "passed: 2 passed, 1 not applicable, 41 s"
