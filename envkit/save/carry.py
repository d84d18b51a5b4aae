"""Carry a save's plan out: copy, search, layer, load, prove, and only then name."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from envkit.engines.base import Engine
from envkit.engines.failures import LinkLost
from envkit.engines.values import ImageFacts
from envkit.environment import save_lease
from envkit.environment.site import Site
from envkit.errors import EngineError, VerifyError
from envkit.image import verdict as verdicts
from envkit.image.base import check_free_disk
from envkit.image.for_now import forget_names, name_for_now
from envkit.image.proving import Reports, prove_as
from envkit.image.verdict import Verdict
from envkit.save import lineage, search
from envkit.save.archive import Recipe, image_json, spool, write_archive
from envkit.save.configuration import added_variables, configuration
from envkit.save.contents import own_accounts, sorted_out
from envkit.save.findings import VALUE, Finding, Found, Scrub, Unread, scrub, without_allowed
from envkit.save.layers import Layer, LayerWish, reading
from envkit.save.lineage import Ancestor
from envkit.save.making import in_words, make_searched
from envkit.save.plan import CommitPlan, refuse_at_work, refuse_findings, refuse_hiding, refuse_left
from envkit.save.settings import cleaned
from envkit.save.sight import Unkept
from envkit.save.snapshot import snapshot
from envkit.save.squash import ground
from envkit.save.to_spec import SpecChange
from envkit.save.trees import Beneath, beneath
from envkit.save.values import Value
from envkit.scratch import Scratch

_ROOM = 3  # times what was written: the engine's copy, the layers on their way, and as they are loaded
_SPARE_BYTES = 500_000_000


@dataclass(frozen=True, kw_only=True)
class Committed:
    """What came of a save."""

    tag: str
    image_id: str
    size_bytes: int
    added_bytes: int
    layers: int
    seconds: float
    verdict: Verdict | None
    removed: tuple[str, ...] = ()  # what --scrub took out, in words
    unkept: tuple[Unkept, ...] = ()  # what no layer can hold
    unread: tuple[Unread, ...] = ()  # what was not searched for secrets, or not to its end
    spec: SpecChange | None = None  # the spec that got what was installed


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A save that is going on."""

    site: Site
    plan: CommitPlan
    reports: Reports
    scratch: Path
    beside: Executor  # for what may take its time; the save ends when that has ended
    values: tuple[Value, ...] = field(default=(), repr=False)

    @property
    def engine(self) -> Engine:
        return self.site.engine

    @property
    def base(self) -> ImageFacts:
        return self.plan.sight.image

    def note(self, text: str) -> None:
        self.reports.note(text)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the new layers are made of."""

    wish: LayerWish
    cleaning: Scrub
    keep: int | None  # how many of the lower layers stay; None: all
    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...]


Prove = Callable[[str, str, Engine, Reports], str]


def carry(site: Site, plan: CommitPlan, reports: Reports, prove: Prove = prove_as) -> Committed:
    """Save the environment as the plan says; on failure there is no tag, and nothing of it stays.

    `prove` returns the id of the image with its manifest and verdict, and raises when it does not work.
    """
    began = time.monotonic()
    refuse_at_work(plan)
    refuse_hiding(plan)
    refuse_findings(plan.findings, scrub=plan.scrub)
    needed = _ROOM * plan.written_bytes + _SPARE_BYTES
    check_free_disk(site.host, site.engine.facts(), needed, "this save")
    with (
        save_lease.held(site.engine, plan.sight.container),
        Scratch("save") as scratch,
        ThreadPoolExecutor(1) as beside,
    ):
        work = _Work(
            site=site, plan=plan, reports=reports, scratch=scratch, beside=beside, values=plan.sight.values
        )
        made, wanted = _made(work)
        try:
            _prove_and_name(work, made, prove)
        finally:
            forget_names(site.engine, made)
    facts = site.engine.images.inspect(plan.tag)
    if facts is None:
        raise EngineError(f"{plan.tag} was saved and is gone", fix="run the command again")
    label = facts.labels.get(verdicts.LABEL)
    return Committed(
        tag=plan.tag,
        image_id=facts.id,
        size_bytes=facts.size_bytes,
        added_bytes=facts.size_bytes - work.base.size_bytes,
        layers=facts.layers,
        seconds=round(time.monotonic() - began, 1),
        verdict=verdicts.from_label(label) if label else None,
        removed=tuple(f"{one.place}: {one.rule}" for one in wanted.findings),
        unkept=plan.unkept,
        unread=wanted.unread,
    )


def _prove_and_name(work: _Work, made: str, prove: Prove) -> None:
    try:
        final = prove("save", made, work.engine, work.reports)
    except VerifyError as error:
        fix = f"mend it in the environment, and commit again: `envkit shell {work.plan.environment}`"
        raise VerifyError(error.what, fix=fix) from error
    try:
        work.engine.images.tag(final, work.plan.tag)
    finally:
        forget_names(work.engine, final)


def _made(work: _Work) -> tuple[str, _Wanted]:
    """Return the id of the new image, not yet proven, and what was taken out of it."""
    below = _search_below(work)
    keep = _keep(work, below)
    work.note(f"copying what was changed in environment {work.plan.environment}")
    with (
        ground(work.engine, work.base.id, keep) as below_it,
        beneath(work.engine, below_it) as tree,
        snapshot(work.engine, work.plan.sight.container, work.note, work.beside) as copied,
        reading(work.engine, copied) as container,
    ):
        if keep is not None:
            work.note("making one layer of what is saved now and was saved before")
        wanted = _wanted(work, keep, (tree, container), below)
        layers, unread = _layers(work, container, wanted.wish)
    return _loaded(work, wanted, layers), replace(wanted, unread=unread)


def _layers(work: _Work, container: str, wish: LayerWish) -> tuple[tuple[Layer, ...], tuple[Unread, ...]]:
    """Make the layers, and search the very bytes that the engine is to get."""
    searcher = (work.site.host, work.values)
    layers, searched = make_searched(work.engine, container, wish, work.scratch, searcher)
    found = without_allowed(searched.findings, work.plan.allow)
    if work.plan.scrub:
        refuse_left(found)
    elif found:
        refuse_findings(in_words(work.engine, container, found, work.values), scrub=False)
    return layers, searched.unread


def _search_below(work: _Work) -> tuple[Finding, ...]:
    """Search the layers that the image is to stand on, in the engine's own bytes."""
    if not work.plan.deep:
        return ()
    work.note("searching the layers beneath for secrets")
    bytes_ = search.Archive(
        content=work.engine.images.save(work.base.id), lower_layers=len(work.base.diff_ids)
    )
    searched = search.search_archive(work.site.host, bytes_, work.values)
    for unread in searched.unread:
        work.note(f"not searched, or not to its end: {unread}")
    found = without_allowed(searched.findings, work.plan.allow)
    refuse_findings(found, scrub=work.plan.scrub and work.plan.squash)
    return found


def _wanted(work: _Work, keep: int | None, trees: tuple[Beneath, str], below: tuple[Finding, ...]) -> _Wanted:
    """Decide what goes into the new layers, by what the copy holds and what they lie on."""
    sight, (tree, container) = work.plan.sight, trees
    seen = tree.changed(container, None if keep else sight.changes)
    kept, dropped = sorted_out(work.engine, container, seen)
    both = (tree.container, container)
    kept, replaced = own_accounts(work.engine, both, sight.container.user, kept)
    work.note(f"searching what was changed for secrets: {len(kept)} paths")
    # What is to be taken out must be known before; otherwise it is enough to search what comes out.
    paths = [one.path for one in kept] if work.plan.scrub else []
    found = search.scan(work.engine, container, paths, work.values) if paths else Found()
    findings = (*work.plan.findings, *below, *without_allowed(found.findings, work.plan.allow))
    refuse_findings(findings, scrub=work.plan.scrub)
    cleaning = scrub(findings)
    hidden = [one.real or one.path for one in below]  # it may still lie there, for all to see
    wish = LayerWish(
        changes=None if keep == 0 else kept,
        drop=(*dropped, *cleaning.drop, *hidden),
        replace={**replaced, **cleaning.replace},
    )
    return _Wanted(wish=wish, cleaning=cleaning, keep=keep, findings=findings, unread=found.unread)


def _keep(work: _Work, below: tuple[Finding, ...]) -> int | None:
    """Return how many of the lower layers stay beneath one new one; None: all of them."""
    if scrub(below).flatten:
        return 0
    if work.plan.way == "squash":
        return work.plan.sight.saves[-1].layers  # the first save's own image was built
    return 0 if work.plan.way == "flatten" else None


def _loaded(work: _Work, wanted: _Wanted, layers: tuple[Layer, ...]) -> str:
    """Write the image, and give it to the engine; return its id."""
    below = work.base.diff_ids if wanted.keep is None else work.base.diff_ids[: wanted.keep]
    lower = None
    if below and not work.engine.facts().loads_on_top:
        work.note("fetching the layers beneath: this engine takes none without them")
        saved = work.engine.images.save(work.base.id)
        lower = spool(saved, work.scratch / "below.tar", work.base.size_bytes)
    archive = work.scratch / "image.tar"
    recipe = _recipe(work, below, wanted.cleaning)
    refuse_left(
        Finding(where="history", path="its settings", rule=f"{VALUE}{name}", remedy="edit")
        for name in search.in_settings(image_json(recipe, layers), work.values)
    )
    identity = write_archive(archive, recipe, layers, lower)
    work.note("giving it to the engine")
    return _given(work, archive, identity)


def _given(work: _Work, archive: Path, identity: str) -> str:
    """Give the archive to the engine; return the image's id, also when only the answer was lost."""
    try:
        return work.engine.images.load(archive, work.note)
    except LinkLost:
        if work.engine.images.inspect(identity) is None:
            raise
        return identity


def _recipe(work: _Work, below: tuple[str, ...], cleaning: Scrub) -> Recipe:
    sight, now = work.plan.sight, datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    saves = (_ancestor(work.plan, now), *sight.saves)
    config = configuration(
        sight.config,
        added_variables(sight.image.env, sight.container_env),
        {lineage.LABEL: lineage.to_label(saves)},
        cleaning.unset,
    )
    history = work.engine.images.history(work.base.id)
    if work.plan.scrub:
        config, lines = cleaned(config, [row.created_by for row in history], work.values)
        history = tuple(replace(row, created_by=line) for row, line in zip(history, lines, strict=True))
    return Recipe(
        architecture=work.base.architecture,
        config=config,
        created=now,
        below=below,
        history=history,
        name=name_for_now("save", "new"),
    )


def _ancestor(plan: CommitPlan, now: str) -> Ancestor:
    counts: dict[str, int] = {}
    for change in plan.packages or ():
        counts[change.group] = counts.get(change.group, 0) + 1
    return Ancestor(
        image=plan.from_image,
        tag=plan.from_tag,
        layers=plan.layers,
        when=now,
        environment=plan.environment,
        changed={"files": plan.files, "bytes": plan.saved_bytes, **counts},
    )
