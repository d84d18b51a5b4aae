"""`envkit train --nodes`: one run on several machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envkit.cli import output, train_check
from envkit.cli.resources import Resources
from envkit.cli.train_wish import Asked, wish_of

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.run.follow import Ears
    from envkit.run.follow_nodes import Heard
    from envkit.run.going import Going
    from envkit.run.nodes import Machine, Part

_WAITS = (
    "a node that is lost and comes back waits 15 minutes for the token of the nodes' line, which is only in "
    "memory: `envkit attach` brings it"
)

Attached = Callable[["Going", Asked, "Callable[[Ears], Heard]"], int]


def run(asked: Asked, resources: Resources, attached: Attached) -> int:
    """Plan and start every node's part, and follow all; return the exit code."""
    from envkit.run.follow_nodes import Followed, follow_nodes
    from envkit.run.nodes import Line, plan_nodes, start_nodes

    machines = _machines(asked, resources)
    line = Line(address=asked.node_address, silence_s=asked.node_silence)
    parts = plan_nodes(machines, line, _builder, output.note)
    if asked.dry_run:
        _show(parts, as_json=asked.as_json)
        return 0
    for text in dict.fromkeys(note for part in parts for note in part.plan.notes):
        output.note(f"warning: {text}")
    with train_check.warned(asked.script, asked.module, parts[0].request.accelerator):
        started, bearer = start_nodes(parts, output.note)
    for part, going in zip(parts, started, strict=True):
        output.note(f"run {going.name} on {part.machine.name}: {going.folder.path}")
    if asked.detach:
        show_detached(parts, started, as_json=asked.as_json)
        return 0
    nodes = [
        Followed(name=part.machine.name, site=part.machine.site, going=going)
        for part, going in zip(parts, started, strict=True)
    ]
    return attached(started[0], asked, lambda ears: follow_nodes(nodes, ears, bearer))


def _machines(asked: Asked, resources: Resources) -> list[Machine]:
    from envkit.errors import UsageError
    from envkit.run.nodes import Machine

    names = [name for name in (asked.nodes or "").split(",") if name]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(
            f"--nodes {asked.nodes!r} is no list of machines", fix="two or more, each once: host1,host2"
        )
    if asked.host_name:
        raise UsageError("--nodes says on which machines: --host would name another", fix="leave --host out")
    if asked.environment:
        raise UsageError(
            "an environment has a network of its own, where other nodes do not reach it",
            fix="--image, which is on each node, in place of --env",
        )
    found: list[Machine] = []
    for name in names:
        site = opened(name)
        wish = replace(wish_of(site, asked, resources), is_own=True)
        wish = replace(wish, job=replace(wish.job, name=found[0].wish.job.name if found else wish.job.name))
        found.append(Machine(name=name, site=site, wish=wish))
    return found


def opened(name: str) -> Site:
    """Return a node by its name."""
    from envkit.cli.site import open_site
    from envkit.run.follow_nodes import HERE

    return open_site(None if name == HERE else name)


def _builder(site: Site) -> Callable[[str], Any]:
    """Build nothing: two builds are two images."""
    from envkit.environment.target import find_image

    return lambda spec: find_image(site.engine, spec)


def _show(parts: tuple[Part, ...], *, as_json: bool) -> None:
    from envkit.run.decisions import decisions

    if as_json:
        output.show_json([part.plan for part in parts])
        return
    for part in parts:
        rows = [(one.what, one.value, one.why) for one in decisions(part.plan)]
        output.show_table((), [("node", part.machine.name, ""), *rows])


def show_detached(parts: tuple[Part, ...], started: tuple[Going, ...], *, as_json: bool) -> None:
    from envkit.run.follow_nodes import HERE

    pairs = list(zip(parts, started, strict=True))
    note = _WAITS if started[0].survives else ""
    if as_json:
        told = [
            {"node": part.machine.name, "name": going.name, "folder": str(going.folder.path)}
            for part, going in pairs
        ]
        output.show_json({"name": started[0].name, "nodes": told, "end": None, "note": note})
        return
    first = parts[0].machine.name
    where = "" if first == HERE else f" --host {first}"
    output.show(started[0].name)
    output.note(
        f"it goes on by itself: `envkit attach {started[0].name}{where}` follows all nodes, "
        f"`envkit stop {started[0].name}{where}` ends them"
    )
    if note:
        output.note(note)
