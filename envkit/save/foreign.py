"""A foreign container as an image to build on: what was changed in it, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, ExecRequest, ImageFacts
from envkit.errors import EngineError
from envkit.hosts.base import Host
from envkit.save import search
from envkit.save.contents import sorted_out
from envkit.save.findings import Finding, scrub
from envkit.save.layers import Layer, LayerWish, NoPython, make_layers, python_of, reading
from envkit.save.plan import CommitRefused, refuse_findings, refuse_left
from envkit.save.settings import values_in
from envkit.save.taken import Lower, committed, loaded, require, settings, write
from envkit.save.trees import changed
from envkit.save.values import Value
from envkit.scratch import Scratch

WHERE = "the container"


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A container that somebody else started, and where it is."""

    engine: Engine
    host: Host
    container: ContainerFacts
    name: str  # for its copy
    scrub: bool
    note: Callable[[str], None]
    values: tuple[Value, ...] = field(default=(), repr=False)  # that it was given as secrets


@contextmanager
def copied(foreign: Foreign) -> Iterator[ImageFacts]:
    """Give an image of its files as they are now, with its image's own settings; it goes in any case.

    CommitRefused names the secrets in what was changed, unless they are to be taken out.
    """
    engine, container = foreign.engine, foreign.container
    base = require(engine, container.image)
    foreign = _with_values(foreign)
    with committed(engine, container) as copy, Scratch("adopt") as scratch:
        config = settings(engine, base.id)
        layers = _layers(foreign, copy, base, scratch)
        if layers is None:
            _refuse_in_bytes(foreign, copy, base)
            lower = Lower(image=require(engine, copy), history=engine.images.history(copy), name=foreign.name)
            archive = write(engine, config, lower, scratch)
        else:
            lower = Lower(image=base, history=engine.images.history(base.id), name=foreign.name)
            archive = write(engine, config, lower, scratch, layers)
            held = search.Archive(content=archive, lower_layers=len(base.diff_ids), loose=True)
            found = search.search_archive(foreign.host, held, foreign.values).findings
            refuse_left((one for one in found if one.where == "file"), WHERE)
        with loaded(engine, archive) as made:
            yield made


def _with_values(foreign: Foreign) -> Foreign:
    return replace(foreign, values=values_in(foreign.engine.containers.config(foreign.container.id)))


def _layers(foreign: Foreign, copy: str, base: ImageFacts, scratch: Path) -> Sequence[Layer] | None:
    """Return what was changed as layers, without secrets; None where no Python in it could read that."""
    engine = foreign.engine
    with reading(engine, base.id) as beneath, reading(engine, copy) as inside:
        if not _can_read(engine, inside):
            return None
        told = engine.containers.changes(foreign.container.id)
        kept, dropped = sorted_out(engine, inside, changed(engine, beneath, inside, told))
        foreign.note(f"searching what was changed in it for secrets: {len(kept)} paths")
        there = [one.path for one in kept if one.kind != "deleted"]
        found = search.scan(engine, inside, there, foreign.values)
        for unread in found.unread:
            foreign.note(f"not searched: {unread}")
        refuse_findings(found.findings, scrub=foreign.scrub, where=WHERE)
        for one in found.findings:
            foreign.note(f"left out: {one.place}: {one.rule}")
        cleaning = scrub(found.findings)
        wish = LayerWish(changes=kept, drop=(*dropped, *cleaning.drop), replace=cleaning.replace)
        return make_layers(engine, inside, wish, scratch)


def _can_read(engine: Engine, container: str) -> bool:
    """Tell whether it has a Python that the programs which read its files run in: 3.8 or newer."""
    say = "import sys; sys.exit(sys.version_info < (3, 8))"
    try:
        request = ExecRequest(command=(python_of(engine, container), "-I", "-c", say), user="0:0")
        return engine.inside.execute(container, request).code == 0
    except (NoPython, EngineError):
        return False


def _refuse_in_bytes(foreign: Foreign, copy: str, base: ImageFacts) -> None:
    """Search the copy's bytes on this machine, and raise CommitRefused for what is found."""
    foreign.note("searching the copy's bytes for secrets: it has no Python that could do it")
    held = search.Archive(
        content=foreign.engine.images.save(copy), lower_layers=len(base.diff_ids), loose=True
    )
    found = search.search_archive(foreign.host, held, foreign.values).findings
    left: list[Finding] = [one for one in found if one.where == "file"]
    if left:
        raise CommitRefused(
            f"the image would hold {len(left)} secret{'' if len(left) == 1 else 's'} of the container's:"
            + "".join(f"\n    {one.place}: {one.rule}" for one in left[:30]),
            fix="remove them in the container: it has no Python with which they could be left out",
        )
