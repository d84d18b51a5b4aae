"""A verdict: item by item, what an image proved and what it did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal

from envkit.accelerators.needs import Code
from envkit.image import labels
from envkit.image.evidence import Facts

LABEL = "io.envkit.verdict"
Outcome = Literal["passed", "failed", "not-applicable"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that was tried, as one identity."""

    id: str
    identity: str  # the uid:gid that it was tried as
    sentence: str
    outcome: Outcome
    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All items of one image. `image` is the id that was verified."""

    image: str
    items: tuple[Item, ...]
    missing: tuple[tuple[str, str], ...] = ()  # optional things that are not there: (name, reason)
    seconds: float = 0.0
    code: Code | None = None  # what its torch was built for; None: there is none, or it does not say

    @property
    def passed(self) -> bool:
        """Tell whether something was proven and nothing failed."""
        outcomes = {item.outcome for item in self.items}
        return "passed" in outcomes and "failed" not in outcomes

    @property
    def failed(self) -> tuple[Item, ...]:
        """Return what failed."""
        return tuple(item for item in self.items if item.outcome == "failed")


def to_json(verdict: Verdict) -> str:
    """Return the verdict as canonical JSON."""
    return labels.canonical({**asdict(verdict), "passed": verdict.passed})


def from_json(text: str) -> Verdict:
    """Read a verdict; ValueError when it is none."""
    facts = Facts.parse(text)
    missing = facts.values.get("missing")
    return Verdict(
        image=facts.text("image"),
        items=tuple(_item(row) for row in facts.rows("items")),
        missing=tuple((str(row[0]), str(row[1])) for row in missing) if isinstance(missing, list) else (),
        seconds=facts.number("seconds"),
        code=_code(facts.part("code")),
    )


def to_label(verdict: Verdict) -> str:
    """Return the verdict as a label's value."""
    return labels.encode(to_json(verdict))


def from_label(label: str) -> Verdict:
    """Read a verdict from a label's value; ValueError when it is none."""
    return from_json(labels.decode(label))


def summary(verdict: Verdict) -> str:
    """Return the verdict in one line: `passed: 28 passed, 2 not applicable, 41 s`."""
    counts = Counter(item.outcome for item in verdict.items)
    words = [
        f"{counts[name]} {name.replace('-', ' ')}"
        for name in ("passed", "failed", "not-applicable")
        if counts[name]
    ]
    return f"{'passed' if verdict.passed else 'failed'}: {', '.join(words)}, {verdict.seconds:.0f} s"


def _item(row: Facts) -> Item:
    known: dict[str, Outcome] = {"passed": "passed", "not-applicable": "not-applicable"}
    return Item(
        id=row.text("id"),
        identity=row.text("identity"),
        sentence=row.text("sentence"),
        outcome=known.get(row.text("outcome"), "failed"),
        reason=row.text("reason"),
        seconds=row.number("seconds"),
    )


def _code(row: Facts) -> Code | None:
    chips = row.values.get("chips")
    if not isinstance(chips, list):
        return None
    return Code(build=row.text("build"), chips=tuple(map(str, chips)), newer_chips=row.yes("newer_chips"))
