"""`envkit plan`: every decision for a spec, with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from envkit.engines.base import Engine
    from envkit.image.planned import Planned


@click.command(
    epilog="Example: envkit plan preset:cuda",
    help="""Print every decision for SPEC, with its reason. Nothing is built.

    SPEC is a file, a folder with an envkit.yaml, or preset:NAME; left out, ./envkit.yaml.
    """,
)
@click.argument("spec", default="envkit.yaml")
@click.option("--json", "as_json", is_flag=True, help="Print the whole plan as JSON.")
def command(spec: str, as_json: bool) -> None:
    """Plan and print."""
    from envkit import paths
    from envkit.hosts.local import LocalHost
    from envkit.image.planned import plan_spec, prepare
    from envkit.spec.load import load

    loaded = load(spec, paths.presets())
    known = prepare(loaded, engine_if_any(), LocalHost())
    show(plan_spec(loaded, known, look_outside=True), as_json=as_json)


def engine_if_any() -> Engine | None:
    """Return this machine's engine, or None with a note: a plan can be made without."""
    from envkit.cli import output
    from envkit.engines.docker import connect
    from envkit.errors import EngineError
    from envkit.hosts.local import LocalHost

    try:
        return connect(LocalHost())
    except EngineError as error:
        output.note(f"note: planned without an engine: {error.what.splitlines()[0]}")
        return None


def show(planned: Planned, *, as_json: bool) -> None:
    """Print a plan: for people its decisions, as JSON all of it but the bytes of its files."""
    from envkit.cli import output
    from envkit.plan.digest import sha256_of

    plan = planned.plan
    if as_json:
        value = output.plain(plan)
        value["files"] = {file.name: f"sha256:{sha256_of(file)}" for file in planned.files}
        value["reachable"] = dict(planned.facts.reachable)
        output.show_json(value)
        return
    output.show(f"{plan.tag}, to be built from {plan.base.reference}\n")
    output.show_table(("", "decided", "because"), [(d.name, d.value, d.reason) for d in plan.decisions])
    for warning in plan.warnings:
        output.note(f"warning: {warning}")
    if plan.blocked:
        output.note(f"cannot be built from here: {plan.blocked}")
    own = [step for step in plan.steps if step.what]
    if own:
        output.show("\nyour own steps (the one place where a spec's text is run):")
        output.show_table(
            (), [(f"{s.number}.", "root" if s.as_root else plan.user.name, s.what) for s in own]
        )
    places = ", ".join(
        f"{name} {'yes' if can else 'no'}" for name, can in sorted(planned.facts.reachable.items())
    )
    if places:
        output.show(f"\nreachable from here: {places}")
