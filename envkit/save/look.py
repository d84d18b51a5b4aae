"""Look at an environment that is to be saved. Nothing in it is changed, and nothing is written there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from envkit.engines.base import Engine
from envkit.engines.values import Change, ContainerFacts, ImageFacts
from envkit.environment.lookup import chosen, name_of
from envkit.errors import EngineError, EnvkitError
from envkit.image import probe
from envkit.image.evidence import Facts
from envkit.image.inventory import collect_in, manifest_of
from envkit.image.manifest import Manifest
from envkit.plan import secret_plan
from envkit.save import lineage
from envkit.save.configuration import variables
from envkit.save.findings import Found
from envkit.save.layers import python_of
from envkit.save.rules import never_saved
from envkit.save.search import known_values, scan
from envkit.save.settings import values_in
from envkit.save.sight import Installed, Outside, Path, Sight, Unkept
from envkit.save.values import Value

_STATES = ("running", "exited")
_WHITEOUT = ".wh."  # OCI image layer specification, "Whiteouts"


def look(engine: Engine, name: str | None, *, search: bool) -> Sight:
    """See what there is to be saved; EnvkitError when that cannot be now.

    `search`: also look for secrets in what was changed. The save itself does that in its copy.
    """
    container = chosen(engine, name)
    _refuse_state(container)
    image = _image(engine, container)
    changes = engine.containers.changes(container.id)
    config = engine.containers.config(container.id)
    own = values_in(config)
    values = (*known_values(engine, container.id), *own)
    inside = _Inside() if container.state != "running" else _look_inside(engine, container, image, changes)
    searched = _searched(engine, container, changes, values) if search else Found()
    return Sight(
        environment=name_of(container),
        container=container,
        image=image,
        image_tag=_tag(container, image),
        config=engine.images.config(image.id),
        container_env=variables(config),
        changes=changes,
        paths=paths(changes, inside.sizes),
        written_bytes=engine.containers.written_bytes(container.id),
        before=manifest_of(engine, image.id),
        now=inside.now,
        outside=_outside(container, inside.found),
        history=tuple(row.created_by for row in engine.images.history(image.id)),
        values=values,
        found=searched.findings,
        unread=searched.unread,
        unkept=unkept(changes, inside.found.rows("unkept")),
        was_handed_secrets=bool(own or secret_plan.of_labels(container.labels)),
        engine_is_here=engine.facts().local,
        saves=lineage.of_labels(image.labels),
        busy=_words(inside.found, "busy"),
        stuck=_words(inside.found, "stuck"),
        manual=_words(inside.found, "manual"),
        unseen="" if inside.now else "it is stopped",
    )


@dataclass(frozen=True, kw_only=True)
class _Inside:
    found: Facts = field(default_factory=Facts)
    now: Manifest | None = None

    @property
    def sizes(self) -> list[tuple[int, bool]]:
        rows = self.found.values.get("sizes")
        return [(int(size), bool(folder)) for size, folder in rows] if isinstance(rows, list) else []


def _refuse_state(container: ContainerFacts) -> None:
    name = name_of(container)
    if container.state == "paused":
        raise EnvkitError(
            f"environment {name} is paused, and no save of ours did that",
            fix=f"`docker unpause {container.name}`, then again",
        )
    if container.state not in _STATES:
        raise EnvkitError(
            f"environment {name} cannot be saved: it is {container.state}",
            fix=f"`envkit wait {name}`, then again" if container.state != "created" else f"envkit up {name}",
        )


def _image(engine: Engine, container: ContainerFacts) -> ImageFacts:
    found = engine.images.inspect(container.image)
    if found is None:
        raise EngineError(
            f"the image of environment {name_of(container)} is gone ({container.image[:19]})",
            fix="copy out what you need: `envkit cp`; without its image nothing can be saved on top of it",
        )
    return found


def _look_inside(
    engine: Engine, container: ContainerFacts, image: ImageFacts, changes: tuple[Change, ...]
) -> _Inside:
    plan = {
        "paths": [change.path for change in changes if change.kind != "deleted"],
        "mounts": [mount.target for mount in container.mounts],
        "environment": True,
    }
    found = probe.ask_by_word(engine, container.id, "save_look", plan)
    if found.error:
        raise EngineError(
            f"environment {name_of(container)} cannot be looked at: {found.error}",
            fix=f"`envkit stop {name_of(container)}`: a stopped one can be saved, too",
        )
    return _Inside(found=found, now=collect_in(engine, container.id, image))


def seen_inside(engine: Engine, container: str, paths: list[str]) -> list[tuple[int, bool]]:
    """Return the size of each path in a running container, and whether it is a folder."""
    found = probe.ask_by_word(
        engine, container, "save_look", {"paths": paths}, python=python_of(engine, container)
    )
    if found.error:
        raise EngineError(f"the copy cannot be looked at: {found.error}", fix="run the command again")
    return _Inside(found=found).sizes


def paths(changes: tuple[Change, ...], sizes: list[tuple[int, bool]]) -> tuple[Path, ...]:
    """Return the changes with what was found out about those that are there, in the same order."""
    known = iter(sizes)
    found = []
    for change in changes:
        size, folder = (None, False) if change.kind == "deleted" else next(known, (None, False))
        found.append(Path(path=change.path, kind=change.kind, folder=folder, size_bytes=size))
    return tuple(found)


def _tag(container: ContainerFacts, image: ImageFacts) -> str:
    """Return what its image was called when it was started, or is called now; "" for one without a name."""
    record: dict[str, Any] = json.loads(container.labels.get("io.envkit.run", "{}"))
    asked = str(record.get("image", ""))
    return asked if asked and not asked.startswith("sha256:") else next(iter(image.tags), "")


def unkept(changes: tuple[Change, ...], rows: Iterable[Facts]) -> tuple[Unkept, ...]:
    """Return what no layer can hold, as a look inside told, but for what is never saved.

    Of a stopped one only names tell, and whether another file has the rest of such a name is not known.
    """
    seen = {row.text("path"): row for row in rows}
    new = {change.path for change in changes if change.kind == "added"}
    found = []
    for change in changes:
        folder, _, name = change.path.rpartition("/")
        other = f"{folder}/{name.removeprefix(_WHITEOUT)}"
        row = seen.get(change.path)
        if never_saved(change.path, is_folder=False) or change.kind == "deleted":
            continue
        if row is not None and not name.startswith(_WHITEOUT):
            found.append(Unkept(path=change.path, why=row.text("why")))
        elif name.startswith(_WHITEOUT):
            hides = (row is None or row.yes("hides")) and other not in new
            found.append(Unkept(path=change.path, why="its name means a deletion", hides=hides))
    return tuple(found)


def _searched(
    engine: Engine, container: ContainerFacts, changes: tuple[Change, ...], values: tuple[Value, ...]
) -> Found:
    if container.state != "running":
        return Found()
    return scan(engine, container.id, [one.path for one in changes if one.kind != "deleted"], values)


def _outside(container: ContainerFacts, found: Facts) -> tuple[Outside, ...]:
    installed = found.part("installed")
    return tuple(
        Outside(
            target=mount.target,
            source=mount.source,
            installed=tuple(
                Installed(kind=row.text("kind"), name=row.text("name"), version=row.text("version"))
                for row in installed.rows(mount.target)
            ),
        )
        for mount in sorted(container.mounts, key=lambda one: one.target)
    )


def _words(found: Facts, name: str) -> tuple[str, ...]:
    words = found.values.get(name)
    return tuple(map(str, words)) if isinstance(words, list) else ()
