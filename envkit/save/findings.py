"""What a search for secrets found, and how it is removed. No value ever stands in any of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Where = Literal["file", "variable", "command", "label", "history", "lower layer"]
Remedy = Literal["drop", "edit", "unset", "flatten"]

VALUE = "the value of "  # how the rule of an exact value begins

_WILL = {
    "drop": "--scrub leaves the file out",
    "edit": "--scrub cuts it out",
    "unset": "--scrub removes the variable",
    "flatten": "it lies in a layer beneath: only --squash with --scrub removes it",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A secret, or a place that holds secrets by its nature."""

    where: Where
    path: str  # of the file; the variable's, label's or setting's name
    rule: str  # in plain words: "a Hugging Face token", "the value of HF_TOKEN"
    remedy: Remedy
    line: int | None = None
    inside: str = ""  # the file within an archive
    layer: int | None = None  # of a lower layer, from 1
    # Its true name, where what may be printed differs: a name can hold a value.
    real: str | None = field(default=None, repr=False, compare=False)
    # The file without what was found; only for `edit`. It can be long, and is the user's: never printed.
    content: bytes | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """Return a line for people."""
        return f"{self.place}: {self.rule}; {_WILL[self.remedy]}"

    @property
    def place(self) -> str:
        """Return where it is, as one line whatever the name holds."""
        path = shown(self.path) + (f" ({shown(self.inside)} in it)" if self.inside else "")
        if self.line is not None:
            path = f"{path}:{self.line}"
        if self.where == "lower layer":
            return f"layer {self.layer}, {path}" if self.layer else f"a lower layer, {path}"
        return path if self.where == "file" else f"{self.where} {path}"


@dataclass(frozen=True, kw_only=True)
class Unread:
    """What could not be looked into."""

    path: str
    why: str

    def __str__(self) -> str:
        """Return a line for people."""
        return f"{shown(self.path)}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search gave."""

    findings: tuple[Finding, ...] = ()
    unread: tuple[Unread, ...] = ()  # not looked into, or not to the end
    files: int = 0  # that were read
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Scrub:
    """What is done about findings."""

    drop: tuple[str, ...] = ()  # paths that are left out
    replace: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # path → its new content
    unset: tuple[str, ...] = ()  # variables
    flatten: bool = False  # a lower layer holds one: nothing but a flatten removes it


def without_allowed(findings: Iterable[Finding], allowed: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return the findings but those in files that the user answers for: never a value handed over."""
    return tuple(
        one
        for one in findings
        if one.where not in ("file", "lower layer")
        or one.rule.startswith(VALUE)
        or not any(_is_in(one.real or one.path, path) for path in allowed)
    )


def _is_in(path: str, allowed: str) -> bool:
    held, place = "/" + path.lstrip("/"), "/" + allowed.strip("/")
    return held == place or held.startswith(f"{place}/")


def scrub(findings: Iterable[Finding]) -> Scrub:
    """Return what removes these findings; a file that must go for one reason is not edited for another."""
    found = tuple(findings)
    files = [(one.real or one.path, one) for one in found if one.where == "file"]
    drop = {path for path, one in files if one.remedy == "drop"}
    edited = {path: one.content for path, one in files if one.remedy == "edit"}
    lost = {path for path, content in edited.items() if content is None}
    return Scrub(
        drop=tuple(sorted(drop | lost)),
        replace={
            path: content
            for path, content in sorted(edited.items())
            if content is not None and path not in drop
        },
        unset=tuple(sorted({one.path for one in found if one.remedy == "unset"})),
        flatten=any(one.remedy == "flatten" for one in found),
    )


def shown(text: str) -> str:
    """Return a name as one line: what is not printable is written as Python writes it."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
