"""`envkit cache`: what lies in /work/cache, and removing what nobody used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.cache import CacheReport
    from envkit.hosts.base import Host

_NAMES = 12  # as many as a screen holds beside the sums; --json has all
_ORDER = ("fresh", "in use", "unused", "removed", "kept", "gone", "foreign")
_MEANING = {
    "fresh": "used not long ago",
    "in use": "a process has it open",
    "unused": "goes with the next cleaning",
    "removed": "",
    "kept": "was replaced while it was judged",
    "gone": "its owner removed it meanwhile",
    "foreign": "another user's, or another filesystem: left alone",
}


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        options.as_json,
        options.host,
        click.option("--retention", metavar="TIME", help="Not used for so long: 12h, 3d, 0.  [default: 3d]"),
        click.option(
            "--cache", metavar="DIR", help="The folder behind /work/cache.  [default: ~/envkit/cache]"
        ),
    ):
        command = option(command)
    return command


@click.group("cache", epilog="Example: envkit cache status")
def command() -> None:
    """Look at the cache, and remove what nobody used.

    `envkit up` does the same by itself every few hours. The variable ENVKIT_CACHE_RETENTION sets the time
    after which an entry goes (3d), for `up` too.
    """


@command.command("status", epilog="Example: envkit cache status --retention 1d")
@_shared
def status(cache: str | None, retention: str | None, host_name: str | None, as_json: bool) -> None:
    """Show how large the cache is, and what would go."""
    from envkit.environment.cache import look, retention_s

    host, folder = _place(host_name, cache)
    _show(look(host, folder, retention_s(retention)), as_json=as_json)


@command.command("clean", epilog="Example: envkit cache clean --dry-run")
@_shared
@click.option("--dry-run", is_flag=True, help="Show what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean(  # noqa: PLR0913  click hands over every option by name
    cache: str | None,
    retention: str | None,
    dry_run: bool,
    yes: bool,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Remove what nobody used for the retention time.

    Never what a process has open, never along a link, and only in a folder that envkit made as a cache.
    """
    from envkit.environment.cache import look, retention_s

    host, folder = _place(host_name, cache)
    keep_s = retention_s(retention)
    if dry_run:
        _show(look(host, folder, keep_s, "dry"), as_json=as_json)
        return
    if not yes:
        _ask(look(host, folder, keep_s, "dry"))
    done = look(host, folder, keep_s, "clean")
    _show(done, as_json=as_json)
    if done.failures:
        from envkit.errors import EnvkitError

        raise EnvkitError(
            f"{len(done.failures)} could not be removed: {'; '.join(done.failures[:3])}",
            fix=f"they lie in {done.folder}/.envkit-trash: the next run tries again",
        )


def _place(host_name: str | None, cache: str | None) -> tuple[Host, str]:
    from envkit.cli.site import absolute, open_site

    site = open_site(host_name)
    return site.host, absolute(cache, site) or site.cache


def _ask(found: CacheReport) -> None:
    from envkit.errors import EnvkitError, UsageError

    goes = found.amount("unused")
    if not goes.entries:
        return
    output.note(
        f"{_count(goes.entries)}, {output.human_bytes(goes.bytes)}, to be removed from {found.folder}"
    )
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", fix="add --yes, or --dry-run to see what would go")
    if not click.confirm("remove?", err=True):
        raise EnvkitError("nothing was removed", fix="`envkit cache status` shows what there is")


def _show(found: CacheReport, *, as_json: bool) -> None:
    if as_json:
        output.show_json(found)
        return
    output.show(
        f"{found.folder} ({found.filesystem}), kept for {_time(found.retention_s)} after its last use"
    )
    rows = [
        (f"  {state}", output.human_bytes(amount.bytes), _count(amount.entries), _MEANING[state])
        for state in _ORDER
        if (amount := found.amount(state)).entries
    ]
    output.show_table((), rows or [("  empty", "", "", "")])
    shown = found.entries[:_NAMES]
    if shown:
        output.show_table(
            ("entry", "size", "not used for", ""),
            [(one.name, output.human_bytes(one.bytes), _time(one.unused_s), one.state) for one in shown],
        )
    if found.finished:
        output.note(f"{found.finished} left by a run that was cut off are gone too")
    if not found.reading_leaves_a_trace:
        output.note(
            "reading leaves no trace on this disk (noatime, or a network's): only writing counts as use, and "
            "`up` waits ten times as long"
        )


def _count(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"


def _time(duration_s: float) -> str:
    from envkit.plan.durations import about

    return about(duration_s)
