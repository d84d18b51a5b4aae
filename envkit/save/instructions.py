"""The instructions of a Dockerfile that envkit rendered, for the way that carries them out in a container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction: its word, and what follows, on one line or several."""

    word: str
    rest: str

    def __str__(self) -> str:
        return f"{self.word} {self.rest}"


@dataclass(frozen=True, kw_only=True)
class Halves:
    """What is done in a container, and what describes the image: its variables and all that follows them."""

    done: tuple[Instruction, ...]
    said: tuple[Instruction, ...]


def halves(dockerfile: str) -> Halves:
    """Split the image's own stages of a Dockerfile for the classic builder, which needs no mounts.

    That one installs in a stage of its own and takes over what has changed; here all is one container.
    """
    found = list(_instructions(dockerfile))
    begin = next(
        place for place, one in enumerate(found) if one.word == "FROM" and one.rest.endswith(" AS installed")
    )
    stage = [one for one in found[begin:] if one.word not in ("FROM", "SHELL") and not _takes_over(one)]
    end = next(place for place, one in enumerate(stage) if one.word == "ENV")
    return Halves(done=tuple(stage[:end]), said=tuple(stage[end:]))


def _takes_over(one: Instruction) -> bool:
    return "/run/envkit-changes" in one.rest


def _instructions(dockerfile: str) -> Iterator[Instruction]:
    waiting: list[str] = []
    for line in dockerfile.split("\n"):
        if line.lstrip().startswith("#") or not (line.strip() or waiting):
            continue
        waiting.append(line)
        if re.search(r"\\[ \t]*$", line):
            continue
        word, _, rest = "\n".join(waiting).strip().partition(" ")
        yield Instruction(word=word.upper(), rest=rest.strip())
        waiting = []
