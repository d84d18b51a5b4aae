"""`envkit plan`: every decision for a spec, with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from envkit.cli import complete, options

if TYPE_CHECKING:
    from envkit.engines.base import Engine
    from envkit.hosts.base import Host
    from envkit.image.planned import Planned
    from envkit.plan.build_plan import BuildPlan


@click.command(
    epilog="Example: envkit plan preset:cuda --target driver=535.104 --why",
    help="""Print every decision for SPEC, with its reason. Nothing is built.

    SPEC is a file, a folder with an envkit.yaml, or preset:NAME; left out, ./envkit.yaml.
    """,
)
@click.argument("spec", default="envkit.yaml", shell_complete=complete.specs)
@click.option(
    "--why", is_flag=True, help="Print the rows of the tables that were looked at, with their source."
)
@options.target
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print the whole plan as JSON.")
def command(spec: str, why: bool, target: str | None, host_name: str | None, as_json: bool) -> None:
    """Plan and print."""
    from envkit import paths
    from envkit.cli.site import opened_host
    from envkit.hosts.local import LocalHost
    from envkit.image.planned import plan_spec, prepare
    from envkit.spec.load import load
    from envkit.spec.retarget import for_target

    loaded = for_target(load(spec, paths.presets()), target)
    host = opened_host(host_name) if host_name else LocalHost()
    known = prepare(loaded, engine_if_any(host), host)
    show(plan_spec(loaded, known, look_outside=True), as_json=as_json, why=why)


def engine_if_any(host: Host) -> Engine | None:
    """Return the machine's engine, or None with a note: a plan can be made without."""
    from envkit.cli import output
    from envkit.engines.docker import connect
    from envkit.errors import EngineError

    try:
        return connect(host)
    except EngineError as error:
        output.note(f"note: planned without an engine: {error.what.splitlines()[0]}")
        return None


def show(planned: Planned, *, as_json: bool, why: bool = False) -> None:
    """Print a plan: for people its decisions, as JSON all of it but the bytes of its files."""
    from envkit.cli import output

    plan = planned.plan
    if as_json:
        output.show_json(_whole(planned))
        return
    base = next((one.value for one in plan.decisions if one.name == "base"), plan.base.reference)
    output.show(f"{plan.tag}, to be built from {base}\n")
    output.show_reasons([(decision.name, decision.value, decision.reason) for decision in plan.decisions])
    if why:
        _show_considered(plan)
    own = _own_instructions(plan)
    if own:
        output.show("\nyour own instructions, the one place where a spec's text is run:")
        output.show_table((), own)
    reachable = sorted(planned.facts.reachable.items())
    if reachable:
        places = ", ".join(f"{name} {'yes' if can else 'no'}" for name, can in reachable)
        output.show(f"\nreachable from here: {places}")
    for warning in plan.warnings:
        output.note(f"warning: {warning}")
    if plan.blocked:
        output.note(f"cannot be built from here: {plan.blocked}")


def _show_considered(plan: BuildPlan) -> None:
    """Print the rows that were looked at: `+` was taken."""
    from envkit.cli import output

    if not plan.considered:
        output.show("\nno table was asked: the spec names everything")
        return
    output.show("\nrows that were looked at, until one fitted (+):")
    output.show_reasons(
        [
            (f"{'+' if row.taken else '-'} {row.decision}", row.value, f"{row.why} [{row.source}]")
            for row in plan.considered
        ]
    )


def _own_instructions(plan: BuildPlan) -> list[tuple[str, str, str]]:
    """Return the user's steps, and template, as rows: when, who, what."""
    rows = []
    for step in plan.steps:
        what = f"copy {step.what} to {step.copy_to}" if step.copy_to else step.what
        who = "root" if step.as_root else plan.user.name
        rows.append((step.at.replace("_", " "), who, what))
    return rows + (
        [("a template", "", f"{plan.own_template}: `envkit render` shows its blocks")]
        if plan.own_template
        else []
    )


def _whole(planned: Planned) -> dict[str, Any]:
    """Return the plan and all that it was made of; a large file of this machine's own has no digest."""
    from envkit.cli import output
    from envkit.plan.digest import sha256_of

    value: dict[str, Any] = output.plain(planned.plan)
    digests = {file.name: sha256_of(file) for file in planned.files}
    value["files"] = {name: f"sha256:{digest}" if digest else None for name, digest in digests.items()}
    value["reachable"] = dict(planned.facts.reachable)
    return value
