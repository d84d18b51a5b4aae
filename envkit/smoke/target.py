"""What is meant: an environment, an image, or a machine's own Python; and which device it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen, Wiring
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, ImageFacts
from envkit.environment import lookup, machine
from envkit.environment.asking import cards_there
from envkit.environment.card_lease import CardTaken, Claim
from envkit.environment.site import Site
from envkit.environment.target import find_image, is_spec, named
from envkit.errors import AcceleratorError, EnvkitError, UsageError
from envkit.hosts.base import Host
from envkit.image import emulation
from envkit.image.inventory import find
from envkit.image.user_python import python_of
from envkit.plan.devices import AUTO, DeviceWish, decide, meant, parse_device
from envkit.plan.limits import TRAINING, shm_mib
from envkit.smoke.checks import LIMIT_S, START_S, Tier
from envkit.smoke.places import Container, Here, Inside, Place, started

ACCELERATOR = "io.envkit.accelerator"
# Past this nobody waits, and a container whose envkit was killed ends by itself: many times what a tier
# took on two CPUs, and more than a first NPU run needs to compile its kernels.
TOTAL_S: dict[Tier, float] = {"quick": 600, "standard": 1200, "full": 2400}

_TRIES = 8  # each loses a card to another who was faster


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for."""

    target: str | None = None  # an image, a spec or an environment; None: the folder's own spec
    device: DeviceWish = field(default_factory=DeviceWish)
    tier: Tier = "standard"
    only: tuple[str, ...] = ()
    python: str | None = None
    shm_mib: int | None = None
    share: bool = False  # take cards that others use, too


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where the probes run, and what must be seen there."""

    place: Place
    title: str
    kind: str  # torch's word for the device, or "auto"
    ids: tuple[int, ...] | None = None  # those among what is seen there; None: all
    count: int | None = None  # how many must be seen; None: not known
    names: tuple[str, ...] = ()  # as the machine's own tool has them; (): it was not asked


def here(host: Host, wish: Wish) -> Spot:
    """Return a machine's own Python."""
    if wish.target is not None or wish.shm_mib is not None or wish.share:
        raise UsageError(
            "--here runs no container",
            fix="leave out the image, --shm and --share, or leave out --here",
        )
    if wish.device.uuids:
        raise UsageError("--here takes cards by number", fix="`envkit devices` shows their numbers")
    python = wish.python or "python3"
    kind, ids = _torch_kind(wish.device.accelerator), wish.device.ids
    place = Here(host=host, python=python, silence_s=START_S + LIMIT_S + 60)
    count = len(ids) if ids else wish.device.count
    return Spot(place=place, title=f"{python} on {host.name}", kind=kind, ids=ids, count=count)


@contextmanager
def spot(site: Site, wish: Wish) -> Iterator[Spot]:
    """Give the place that is meant; a container that was made for it is removed."""
    target = named(wish.target)
    found = None if is_spec(target) else _environment(site.engine, target)
    if found is not None:
        yield _in_environment(site.engine, found, wish)
        return
    image = find(site.engine, find_image(site.engine, target).id)
    emulation.warned(site.engine, target, image.architecture)
    with ExitStack() as stack:
        wiring, seen, container = _granted(stack, site, image, wish)
        python = python_of(site.engine, container, image, wish.python)
        place = Inside(engine=site.engine, container=container, python=python, timeout_s=TOTAL_S[wish.tier])
        kind = _torch_kind(wiring.accelerator)
        names = tuple(card.name for card in seen.cards if card.key in wiring.keys)
        yield Spot(place=place, title=target, kind=kind, count=len(wiring.ids) or None, names=names)


def _granted(stack: ExitStack, site: Site, image: ImageFacts, wish: Wish) -> tuple[Wiring, Seen, str]:
    """Start a container with cards that nobody has; whoever loses one in between looks again."""
    for _ in range(_TRIES):
        with suppress(CardTaken):  # the next look finds another, or names who has it and refuses
            return _begun(stack, site, image, wish)
    return _begun(stack, site, image, wish)


def _begun(stack: ExitStack, site: Site, image: ImageFacts, wish: Wish) -> tuple[Wiring, Seen, str]:
    wiring, seen = _wiring(site, image, wish)
    wanted = Container(
        image=image,
        wiring=wiring,
        claim=Claim(
            accelerator=wiring.accelerator,
            keys=wiring.keys,
            holder=f"a smoke test of {named(wish.target)}",
            image_id=image.id,
            share=wish.share,
        ),
        shm_mib=shm_mib(wish.shm_mib, machine.memory_mib(site.host), limited=False),
        ulimits=TRAINING if machine.raises_limits(site.host) else (),
        total_s=TOTAL_S[wish.tier],
    )
    return wiring, seen, stack.enter_context(started(site.engine, wanted))


def _environment(engine: Engine, target: str) -> ContainerFacts | None:
    """Return the environment of that name; a name of nothing may still be an image's."""
    try:
        found = lookup.find(engine, target)
    except EnvkitError:
        return None
    return lookup.running(engine, target) if found else None


def _in_environment(engine: Engine, facts: ContainerFacts, wish: Wish) -> Spot:
    name = lookup.name_of(facts)
    if wish.shm_mib is not None:
        raise UsageError(f"environment {name} has its /dev/shm", fix=f"`envkit rm {name}`, then up --shm")
    if wish.share:
        raise UsageError(f"environment {name} has its cards", fix="leave out --share")
    has = parse_device(str(json.loads(facts.labels.get("io.envkit.run", "{}")).get("device", "cpu")))
    if wish.device not in (DeviceWish(), DeviceWish(accelerator=has.accelerator), has):
        raise AcceleratorError(
            f"environment {name} has {has.accelerator}, and all of its cards are tried",
            fix="leave out --device; an image can be tried with any",
        )
    python = python_of(engine, facts.id, engine.images.inspect(facts.image), wish.python)
    return Spot(
        place=Inside(engine=engine, container=facts.id, python=python, timeout_s=TOTAL_S[wish.tier]),
        title=f"environment {name}",
        kind=_torch_kind(has.accelerator),
        count=len(has.ids or ()) + len(has.uuids) or None,
    )


def _wiring(site: Site, image: ImageFacts, wish: Wish) -> tuple[Wiring, Seen]:
    """Choose the cards: an image of ours says what it is for, for others the machine decides."""
    made_for = image.labels.get(ACCELERATOR)
    if made_for is None:
        asked = wish.device.accelerator
        made_for = machine.present(site.host) if asked == AUTO else asked
    kind = meant(wish.device, made_for)
    seen = cards_there(site.host, site.engine, site.engine.facts().cdi, kind)
    return decide(wish.device, made_for, seen, share=wish.share), seen


def _torch_kind(accelerator: str) -> str:
    return AUTO if accelerator == AUTO else ACCELERATORS[accelerator].torch_device
