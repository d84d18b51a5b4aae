"""`envkit engine`: look at the container engine, or install and start one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from envkit.doctor.engine import EngineStatus


@click.group(name="engine", invoke_without_command=True, epilog="Example: envkit engine start")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Look at the container engine, or install one; without a word more, it looks."""
    context.default_map = {name: {"as_json": as_json} for name in ("status", "start")}
    if context.invoked_subcommand is None:
        context.invoke(status, as_json=as_json)


@command.command(short_help="Look, and say what is wrong.", epilog="Example: envkit engine status --json")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
def status(as_json: bool) -> None:
    """Say which engine and which builder envkit uses, and what is wrong with them."""
    from envkit.doctor.engine import look
    from envkit.hosts.local import LocalHost

    show(look(LocalHost()), as_json=as_json)


@command.command(short_help="Install and start Docker.", epilog="Example: sudo envkit engine start")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
def start(as_json: bool) -> None:
    """Install and start Docker, as root on Debian or Ubuntu; elsewhere say what to do.

    Asked again, it goes on where it was; an engine that answers is left as it is.
    """
    from envkit.cli.progress import Lines
    from envkit.doctor.engine import look
    from envkit.doctor.engine_start import start as start_engine
    from envkit.engines.docker import connect
    from envkit.hosts.local import LocalHost

    host = LocalHost()
    start_engine(host, connect, Lines(as_json=as_json).note)
    show(look(host), as_json=as_json)


def show(found: EngineStatus, *, as_json: bool) -> None:
    """Print the status; no engine is an EngineError."""
    from envkit.cli import output
    from envkit.errors import EngineError

    if as_json:
        output.show_json({"answers": found.answers, **output.plain(found)})
    elif found.answers:
        output.show_table((), rows(found))
    for finding in found.findings:
        if finding.outcome == "fail":
            raise EngineError(finding.what, fix=finding.fix)
        if not as_json:
            output.note(f"warning: {finding.what}\n  fix: {finding.fix}")


def rows(found: EngineStatus) -> list[tuple[str, str]]:
    """Return the status as lines of a name and what there is to say."""
    from envkit.cli import output

    facts = found.facts
    assert facts is not None
    free = "" if found.free_bytes is None else f", {output.human_bytes(found.free_bytes)} free"
    builder = f"BuildKit through {found.buildkit}" if found.buildkit else "the classic builder"
    lines = [
        ("engine", f"{facts.kind} {facts.version} ({facts.architecture}) at {found.address}"),
        ("found by", found.why),
        ("storage", f"{facts.storage_root or 'unknown'}{free}"),
        ("builds with", builder),
    ]
    return lines + [
        ("client" if client.taken else "not taken", f"{client.path}: {client.what}")
        for client in found.clients
    ]
