"""Where a saved image comes from: one entry a save, the newest first, in a label of the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from envkit.image import labels
from envkit.image.evidence import Facts

LABEL = "io.envkit.lineage"


@dataclass(frozen=True, kw_only=True)
class Ancestor:
    """One save: from which image, when, and how much had changed."""

    image: str  # the id of the image that the environment was started from
    tag: str  # what it was called
    layers: int  # how many it had
    when: str  # RFC 3339
    how: str = "commit"  # commit | adopt
    environment: str = ""
    changed: Mapping[str, int] = field(default_factory=dict)  # "files", "bytes", "pip", "apt", … → how many


def of_labels(found: Mapping[str, str]) -> tuple[Ancestor, ...]:
    """Return the saves that led to the image of these labels, the newest first; none for a built one."""
    text = found.get(LABEL)
    if not text:
        return ()
    try:
        facts = Facts.parse(labels.decode(text))
    except ValueError:
        return ()  # somebody else wrote it: it says nothing
    return tuple(_ancestor(row) for row in facts.rows("saves"))


def to_label(saves: tuple[Ancestor, ...]) -> str:
    """Return the saves as a label's value: the same saves, the same text."""
    return labels.encode(labels.canonical({"saves": [asdict(one) for one in saves]}))


def in_words(saves: tuple[Ancestor, ...]) -> tuple[str, ...]:
    """Return a line for each save, the newest first."""
    return tuple(_in_words(one) for one in saves)


def _in_words(one: Ancestor) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in one.changed.items() if what != "bytes" and count)
    where = f" of environment {one.environment}" if one.environment else ""
    return f"{one.how}{where} on {one.tag or one.image[:19]}, {one.when}" + (f": {counts}" if counts else "")


def _ancestor(row: Facts) -> Ancestor:
    return Ancestor(
        image=row.text("image"),
        tag=row.text("tag"),
        layers=row.whole("layers"),
        when=row.text("when"),
        how=row.text("how"),
        environment=row.text("environment"),
        changed={name: value for name, value in row.part("changed").values.items() if isinstance(value, int)},
    )
