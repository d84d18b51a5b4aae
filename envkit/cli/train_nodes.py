"""`envkit train --nodes`: one run on several machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envkit.cli import output
from envkit.cli.resources import Resources
from envkit.cli.train_wish import Asked, wish_of

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.run.going import Going
    from envkit.run.nodes import Machine

_HERE = "this"  # this machine's name among the nodes


def run(asked: Asked, resources: Resources, attached: Callable[[Site, Going, Asked], int]) -> int:
    """Plan and start every node's part, and follow node 0; return the exit code."""
    from envkit.run.nodes import plan_nodes, settle_others, start_nodes

    machines = _machines(asked, resources)
    plans = plan_nodes(machines, asked.node_address, _builder, output.note)
    if asked.dry_run:
        _show(machines, plans, as_json=asked.as_json)
        return 0
    for plan in plans:
        for text in plan.notes:
            output.note(f"warning: {text}")
    started = start_nodes(machines, plans, output.note)
    for machine, going in zip(machines, started, strict=True):
        output.note(f"run {going.name} on {machine.name}: {going.folder.path}")
    if asked.detach:
        output.show_json([going.name for going in started]) if asked.as_json else output.show(started[0].name)
        return 0
    code = attached(machines[0].site, started[0], asked)
    settle_others(machines, started, output.note)
    return code


def _machines(asked: Asked, resources: Resources) -> list[Machine]:
    from envkit.cli.site import open_site
    from envkit.errors import UsageError
    from envkit.run.nodes import Machine

    names = [name for name in (asked.nodes or "").split(",") if name]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(
            f"--nodes {asked.nodes!r} is no list of machines", fix="two or more, each once: host1,host2"
        )
    if asked.image is None or asked.host_name or asked.environment:
        raise UsageError(
            "--nodes needs --image, and neither --env nor --host", fix="an image that is on each of them"
        )
    if asked.retries or asked.retry_on or asked.resume:
        raise UsageError(
            "--nodes goes with neither --retries nor --resume yet",
            fix="start it again under another --name; the script finds its checkpoint",
        )
    found: list[Machine] = []
    for name in names:
        site = open_site(None if name == _HERE else name)
        wish = wish_of(site, asked, resources)
        wish = replace(wish, job=replace(wish.job, name=found[0].wish.job.name if found else wish.job.name))
        found.append(Machine(name=name, site=site, wish=wish))
    return found


def _builder(site: Site) -> Callable[[str], Any]:
    """Build nothing: two builds are two images."""
    from envkit.environment.target import find_image

    return lambda spec: find_image(site.engine, spec)


def _show(machines: list[Machine], plans: tuple[Any, ...], *, as_json: bool) -> None:
    from envkit.run.decisions import decisions

    if as_json:
        output.show_json(plans)
        return
    for machine, plan in zip(machines, plans, strict=True):
        output.show_table(
            (), [("node", machine.name, ""), *((one.what, one.value, one.why) for one in decisions(plan))]
        )
