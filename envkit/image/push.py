"""Push: an image goes to a registry, and is there only when the registry itself has said so."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Literal

from envkit.engines.base import Engine
from envkit.engines.credentials import Name, in_registry
from envkit.engines.failures import RegistryFailed
from envkit.engines.values import ImageFacts, Published, Sent, short_id
from envkit.errors import EnvkitError
from envkit.hosts.base import Host, Remote
from envkit.image import platforms
from envkit.image.inventory import find, verdict_of
from envkit.image.lent_name import called
from envkit.image.patience import Patience
from envkit.image.skopeo import Compression, Errand, Skopeo, find_skopeo, missing


@dataclass(frozen=True, kw_only=True)
class PushWish:
    """What to push, and where to."""

    image: str
    to: str | None = None  # None: the image's own name
    platform: str | None = None
    silence_s: float = 600.0
    way: Literal["auto", "engine", "skopeo"] = "auto"
    compression: Compression = "gzip"


@dataclass(frozen=True, kw_only=True)
class View:
    """Who hears how it goes."""

    note: Callable[[str], None]
    sent: Callable[[Sent], None]
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A push that the registry has confirmed."""

    reference: str
    digest: str
    image: str  # its id
    way: str
    layers: int
    sent: int | None  # how many of them were not there yet; skopeo does not tell
    sent_bytes: int  # as the registry holds them: compressed; 0 when only the engine can ask it
    all_bytes: int
    tries: int
    seconds: float
    needs: tuple[platforms.Need, ...] = ()
    next_steps: tuple[str, ...] = ()


@dataclass
class _Tally:
    """The last word on each layer; a layer that was sent stays sent when a later try finds it there."""

    view: View
    no_room: Callable[[], RegistryFailed | None]
    states: dict[str, Sent] = field(default_factory=dict)
    has_asked: bool = False

    def hear(self, sent: Sent) -> None:
        """Hear of a layer; RegistryFailed when it is not taken because the registry is full."""
        before = self.states.get(sent.layer)
        if sent.state == "again" and not self.has_asked:
            self.has_asked = True
            if full := self.no_room():
                raise full
        if before is None or before.state != "sent":
            self.states[sent.layer] = sent
        self.view.sent(sent)

    @property
    def sent(self) -> set[str]:
        return {layer for layer, last in self.states.items() if last.state == "sent"}


def push(engine: Engine, host: Host, wish: PushWish, view: View) -> Pushed:
    """Send it, read the registry's manifest back, and compare; anything else than equal is an error."""
    began = time.monotonic()
    facts = find(engine, wish.image)
    name = in_registry(wish.to or wish.image)
    needs = _needed(engine, facts, name, wish.platform)
    way = _way((engine, host), wish, facts, name, view)
    tally = _Tally(view, no_room=lambda: engine.images.no_room(name.whole))
    sending, asking = (Patience(note=view.note, wait=view.wait) for _ in range(2))
    view.note(f"pushing {wish.image} to {name.whole} {_in_words(engine, way, wish.compression)}")
    if way is None:
        with called(engine, facts, name.whole):
            digest = sending.ask(lambda: engine.images.push(name.whole, tally.hear, wish.silence_s))
    else:
        errand = Errand(facts=facts, name=name, compression=wish.compression, silence_s=wish.silence_s)
        with closing(way):
            digest = sending.ask(lambda: _by_skopeo(way, errand, engine))
    there = asking.ask(lambda: engine.images.published(name.whole))
    held = _proven(name, facts, digest, there)
    if held.has_zstd and way is not None and wish.compression == "gzip":
        # skopeo leaves layers that it sent as zstd before as they are, and Docker 20.10 cannot read those.
        view.note("layers were there as zstd: the engine sends them as gzip")
        return push(engine, host, replace(wish, way="engine"), view)
    sizes = {short_id(diff_id): size for diff_id, (_, size) in zip(facts.diff_ids, held.layers, strict=False)}
    return Pushed(
        reference=name.whole,
        digest=digest,
        image=facts.id,
        way=_in_words(engine, way, wish.compression),
        layers=len(facts.diff_ids),
        sent=len(tally.sent) if way is None else None,
        sent_bytes=sum(sizes.get(layer, 0) for layer in tally.sent),
        all_bytes=sum(sizes.values()),
        tries=sending.tries,
        seconds=time.monotonic() - began,
        needs=needs,
        next_steps=platforms.next_steps(wish.platform, name.whole, name.repository) if wish.platform else (),
    )


def _way(
    place: tuple[Engine, Host], wish: PushWish, facts: ImageFacts, name: Name, view: View
) -> Skopeo | None:
    """Return skopeo, or None for the engine.

    The engine skips at once what it has sent to that registry before, or got from there: then it is quicker.
    """
    engine, host = place
    known = any(digest.startswith(f"{name.registry}/") for digest in facts.digests)
    if wish.way == "engine" or isinstance(host, Remote) or (wish.way == "auto" and known):
        if wish.compression == "zstd" or (wish.way == "skopeo" and isinstance(host, Remote)):
            raise missing()
        return None
    by_skopeo = wish.way == "skopeo" or wish.compression == "zstd"
    try:
        found = find_skopeo(engine, host, facts)
    except EnvkitError as error:
        if by_skopeo:
            raise
        view.note(f"skopeo is here, but {error.what}")
        return None
    if found is None and by_skopeo:
        raise missing()
    return found


def _by_skopeo(way: Skopeo, errand: Errand, engine: Engine) -> str:
    """Push; of a registry that is out of order, tell whether it is full."""
    try:
        return way.push(errand)
    except RegistryFailed as error:
        if error.kind == "5xx" and (full := engine.images.no_room(errand.name.whole)):
            raise full from error
        raise


def _in_words(engine: Engine, way: Skopeo | None, compression: str) -> str:
    if way is not None:
        return f"with {way.version}, {compression}, several layers at once"
    about = engine.facts()
    return f"through the engine ({about.kind} {about.version})"


def _needed(
    engine: Engine, facts: ImageFacts, name: Name, platform: str | None
) -> tuple[platforms.Need, ...]:
    if platform is None:
        return ()
    candidate = platforms.Candidate(
        facts=facts,
        steps=engine.images.history(facts.id),
        verdict=verdict_of(engine, facts.id),
        repository=name.repository,
    )
    needs = platforms.needs(platform, candidate)
    if lacking := [need for need in needs if not need.is_met]:
        told = "".join(f"\n    no: {need.what}: {need.reason}" for need in lacking)
        fixes = dict.fromkeys(need.fix for need in lacking)
        raise EnvkitError(f"{platform} would not take {name.whole}:{told}", fix="; ".join(fixes))
    return needs


def _proven(name: Name, facts: ImageFacts, digest: str, held: Published | None) -> Published:
    fix = "run it again; if it says so again, the registry changes or loses what it is given: ask its owner"
    if held is None:
        raise _unproven(f"{name.whole} was sent, and the registry has nothing of that name", fix)
    if held.digest != digest:
        raise _unproven(
            f"{name.whole} was sent as {digest}, the registry has {held.digest}: somebody else pushed, too",
            fix,
        )
    if held.config and facts.id not in (held.config, held.digest):
        raise _unproven(f"{name.whole}: the registry has the image {held.config}, sent was {facts.id}", fix)
    return held


def _unproven(what: str, fix: str) -> RegistryFailed:
    return RegistryFailed(what, fix=fix, kind="not proven", again=False)
