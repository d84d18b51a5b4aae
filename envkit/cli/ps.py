"""`envkit ps`: list the environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.states import Environment


@click.command("ps", epilog="Example: envkit ps --all-hosts")
@options.host
@click.option("--all-hosts", is_flag=True, help="This machine, and every host of `envkit host list`.")
@options.as_json
def command(host_name: str | None, all_hosts: bool, as_json: bool) -> None:
    """List all environments: what each is, where it answers (without its token), why it does not."""
    from envkit.cli.site import open_engine
    from envkit.environment.states import environments
    from envkit.errors import UsageError

    if all_hosts and host_name is not None:
        raise UsageError("--all-hosts and --host exclude each other", fix="leave one of them out")
    if all_hosts:
        _everywhere(as_json=as_json)
        return
    found = environments(open_engine(host_name))
    if as_json:
        output.show_json(found)
    elif not found:
        output.note("there is no environment; `envkit up` starts one")
    else:
        rows = [(one.name, one.state, one.image, one.url or "-") for one in found]
        output.show_table(("NAME", "STATE", "IMAGE", "URL"), rows, _reasons(found))


def _everywhere(*, as_json: bool) -> None:
    """List what is on each machine; one that does not answer is named, and hides no other."""
    from concurrent.futures import ThreadPoolExecutor

    from envkit.cli.site import seen_from
    from envkit.hosts import registry

    names = (None, *(one.name for one in registry.entries()))
    with ThreadPoolExecutor(len(names)) as pool:
        answers = tuple(pool.map(seen_from, names))
    if as_json:
        output.show_json(answers)
        return
    found = [(answer.host or "", one) for answer in answers for one in answer.environments]
    rows = [(host or "-", one.name, one.state, one.image, one.url or "-") for host, one in found]
    if rows:
        headers = ("HOST", "NAME", "STATE", "IMAGE", "URL")
        output.show_table(headers, rows, _reasons([one for _, one in found]))
    for answer in answers:
        if answer.unreachable:
            output.note(f"{answer.host or 'this machine'} does not answer: {answer.unreachable}")


def _reasons(found: tuple[Environment, ...] | list[Environment]) -> list[str]:
    return [f"  {one.reason}" if one.reason else "" for one in found]
