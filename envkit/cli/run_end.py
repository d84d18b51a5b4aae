"""Follow a training run to its end, and say how it ended: what `train`, `attach` and `logs -f` share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import output

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from envkit.environment.site import Site
    from envkit.run.folder import End
    from envkit.run.follow_nodes import Followed
    from envkit.run.listing import Run


def write(part: bytes) -> None:
    """Print what a run printed, as it is."""
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def follow_to_end(site: Site, run: Run, *, rank: int | None, tail: int | None) -> End:
    """Print what it prints until it has ended, and say how; Ctrl-C leaves it alone."""
    from envkit.errors import Interrupted
    from envkit.run import going
    from envkit.run.follow import Ears, follow_with
    from envkit.run.follow_nodes import follow_nodes
    from envkit.run.output import Wanted, log_of, offset_of
    from envkit.run.settle import settle_if_reached

    offset = offset_of(site.host, log_of(run, Wanted(rank=rank)), tail)
    known, ears = going.of(run), Ears(write=write, report=output.note, rank=rank)
    nodes = _nodes(site, run, offset, tail) if rank is None and not run.is_over else []
    try:
        if len(nodes) > 1:
            end = follow_nodes(nodes, ears).end
        else:
            end = follow_with(site, known, ears, offset=offset)
            settle_if_reached(site, known, output.note)
    except KeyboardInterrupt:
        output.note(f"run {run.name} goes on; `envkit stop {run.name}` ends it")
        click.get_current_context().exit(Interrupted.exit_code)
    tell(run.name, run.folder.path, end)
    return end


def where_rank_is(site: Site, run: Run, rank: int | None) -> tuple[Site, Run]:
    """Return the machine and the part of a run that have a rank's log: on several nodes it may be another."""
    from envkit.cli.train_nodes import opened
    from envkit.run.listing import find
    from envkit.run.nodes import elsewhere

    there = None if rank is None else elsewhere(run, rank)
    if there is None:
        return site, run
    name, part = there
    other = opened(name)
    return other, find(other, part)


def _nodes(site: Site, run: Run, offset: int, tail: int | None) -> list[Followed]:
    """Return all nodes of a run whose first part this is; one that is not found is said, and left out."""
    from envkit.cli.train_nodes import opened
    from envkit.errors import EnvkitError
    from envkit.run import going, listing
    from envkit.run.follow_nodes import Followed
    from envkit.run.nodes import names_of, part_name
    from envkit.run.output import Wanted, log_of, offset_of

    names = names_of(run)
    found = [Followed(name=name, site=site, going=going.of(run), offset=offset) for name in names[:1]]
    for rank, name in list(enumerate(names))[1:]:
        try:
            there = opened(name)
            part = listing.find(there, part_name(run.name, rank))
            begin = offset_of(there.host, log_of(part, Wanted()), tail)
        except EnvkitError as error:
            output.note(f"node {name} is not followed: {error.what}")
            continue
        found.append(Followed(name=name, site=there, going=going.of(part), offset=begin))
    return found


def tell(name: str, folder: PurePosixPath, end: End) -> None:
    """Say how a run ended, and where its evidence is."""
    output.note(f"run {name}: {end.sentence or end.state}")
    if end.state == "failed" and end.frame is not None and end.frame.text:
        output.note(f"    {end.frame.text}")
    _explain(end)
    output.note(f"  {folder}")


def _explain(end: End) -> None:
    """Say why and what to do, where the table of failure texts knows a script's last words."""
    from envkit.compat.failures import likely

    known = likely(end.words) if end.state == "failed" and end.words else None
    if known is not None:
        output.note(f"  cause: {known.cause}")
        output.note(f"  fix: {known.fix}")


def code(end: End) -> int:
    """Return the exit code that an end means."""
    from envkit.errors import RunError

    return 0 if end.state == "finished" else RunError.exit_code
