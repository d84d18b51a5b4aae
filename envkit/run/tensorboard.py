"""Bring TensorBoard before whoever asks: in an environment that sees the runs, or in one made for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from envkit.container.wait import Patience, wait_until
from envkit.engines.values import OWNED, ContainerFacts, ImageFacts
from envkit.environment import folders, lookup, starting
from envkit.environment.machine import caller
from envkit.environment.opening import OpenDoor, Service, asking_at, open_door
from envkit.environment.target import find_image
from envkit.environment.up import Report, Site, UpRequest, up
from envkit.errors import UsageError
from envkit.plan.devices import CPU, DeviceWish
from envkit.plan.run_plan import RunOptions
from envkit.run.listing import Run, find, home_of

NAME = "tensorboard"  # of the environment that is made for it
_SERVICE: Service = "tensorboard"


def open_board(
    site: Site, names: tuple[str, ...], home: str | None, timeout_s: float, report: Report
) -> OpenDoor:
    """Return the door of TensorBoard, for the named runs or for all of a home; it has answered."""
    runs = tuple(find(site, name) for name in names)
    where = folders.resolve(site.host, _home(site, runs, home), option="--home")
    facts = _environment(site, where)
    if facts is None:
        facts = _make(site, where, runs, timeout_s, report)
    found = open_door(site, lookup.name_of(facts), _SERVICE, timeout_s)
    found = replace(found, runs=tuple(sorted({run.name for run in runs})))
    _wait(site, facts, found, timeout_s)
    return found


def _home(site: Site, runs: tuple[Run, ...], home: str | None) -> str:
    homes = dict.fromkeys(run.home for run in runs)
    if len(homes) > 1:
        raise UsageError(
            f"these runs are in several homes: {', '.join(homes)}",
            fix="look at the runs of one home at a time",
        )
    return next(iter(homes), home or site.home)


def _environment(site: Site, home: str) -> ContainerFacts | None:
    """Return an environment that runs, has that home, and TensorBoard; the one made for it comes first."""
    able = [
        facts
        for facts in lookup.everything(site.engine)
        if facts.state == "running" and home_of(facts) == home and _has_board(facts.labels)
    ]
    return min(
        able, key=lambda facts: (not lookup.name_of(facts).startswith(NAME), facts.created), default=None
    )


def _has_board(labels: Mapping[str, str]) -> bool:
    try:
        expect = json.loads(labels.get("io.envkit.expect", "{}"))
    except ValueError:
        return False
    return isinstance(expect, dict) and _SERVICE in expect.get("services", ())


def _make(site: Site, home: str, runs: tuple[Run, ...], timeout_s: float, report: Report) -> ContainerFacts:
    """Bring up an environment for it, without cards."""
    name = NAME if home == site.home else f"{NAME}-{hashlib.sha256(home.encode()).hexdigest()[:6]}"
    made = lookup.find(site.engine, name)
    if made is not None and home_of(made) != home:
        raise UsageError(
            f"environment {name} is there already, with another home ({home_of(made)})",
            fix=f"`envkit rm {name}`, or an environment of your own: `envkit up --home {home}`",
        )
    if made is not None:
        starting.start(site, name, timeout_s, report)
        return lookup.running(site.engine, name)
    image = _image(site, runs)
    report(f"no environment with this home runs: starting {name} ({image}); `envkit stop {name}` ends it")
    request = UpRequest(
        image=find_image(site.engine, image),
        options=RunOptions(name=name, home=home, device=DeviceWish(accelerator=CPU)),
        caller=caller(site.host),
        timeout_s=timeout_s,
    )
    up(site, request, report)
    return lookup.running(site.engine, name)


def _image(site: Site, runs: tuple[Run, ...]) -> str:
    """Return an image of ours with TensorBoard: of one of the runs, or the newest."""
    for run in runs:
        facts = site.engine.images.inspect(str(run.record.record.get("image_id") or "none"))
        if facts is not None and _has_board(facts.labels):
            return _reference(facts)
    ours = site.engine.images.list({OWNED: "true", "io.envkit.kind": "image"})
    able = [facts for facts in ours if facts.tags and _has_board(facts.labels)]
    if not able:
        raise UsageError("no image here has TensorBoard", fix="`envkit build preset:cpu` makes one")
    return _reference(max(able, key=lambda facts: facts.created))


def _reference(facts: ImageFacts) -> str:
    return facts.tags[0] if facts.tags else facts.id


def _wait(site: Site, facts: ContainerFacts, found: OpenDoor, timeout_s: float) -> None:
    """Wait for the page itself: TensorBoard is started by the first who asks, and takes some seconds."""
    asking = asking_at(site, facts)
    path = f"{found.base}/{found.chosen if found.runs else 'tensorboard/'}"
    patience = Patience.of(site.engine, facts.id, timeout_s)
    answers: list[int | None] = []

    def is_there() -> bool:
        answers.append(asking(found.port, path, found.token))
        return answers[-1] in (200, 404)

    wait_until(patience, f"environment {found.name}: TensorBoard answers", is_there)
    if answers[-1] != 200:
        raise UsageError(
            f"environment {found.name} is of an older envkit: its TensorBoard shows all runs or none",
            fix=f"`envkit tensorboard` without a name, or build its image anew and `envkit rm {found.name}`",
        )
