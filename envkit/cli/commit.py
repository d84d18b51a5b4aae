"""`envkit commit`: what was installed in an environment becomes an image."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from envkit import words
from envkit.cli import complete, options, output
from envkit.cli.diff import TITLES

if TYPE_CHECKING:
    from envkit.save.carry import Committed
    from envkit.save.folders import Folder
    from envkit.save.plan import CommitPlan
    from envkit.save.sight import Outside
    from envkit.save.to_spec import SpecChange

SPEC = "envkit.yaml"
_NAMED = 12  # packages of one kind that are listed


@click.command("commit", epilog="Example: envkit commit lab lab:2026-11")
@click.argument("name", metavar="ENV", shell_complete=complete.environments)
@click.argument("tag", metavar="IMAGE:TAG", shell_complete=complete.images)
@click.option("--dry-run", is_flag=True, help="Say what would be saved and what not, and stop.")
@click.option("--scrub", is_flag=True, help="Take the secrets that are found out of the image.")
@click.option(
    "--allow",
    multiple=True,
    metavar="PATH",
    help="A file or folder whose keys are no secrets, such as a project's for its tests. May be repeated.",
)
@click.option("--squash", is_flag=True, help="Make one layer of this and of earlier saves.")
@click.option(
    "--deep/--no-deep",
    default=None,
    help="Search the layers of its image, too.  [default: when it was handed secrets, on this machine]",
)
@click.option(
    "--to-spec",
    metavar="[FILE]",
    is_flag=False,
    flag_value=SPEC,
    help="Write the packages into a spec, too; its comments stay.  [default: ./envkit.yaml]",
)
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print JSON, progress as JSON lines.")
def command(  # noqa: PLR0913  click hands over every option by name
    name: str,
    tag: str,
    dry_run: bool,
    scrub: bool,
    allow: tuple[str, ...],
    squash: bool,
    deep: bool | None,
    to_spec: str | None,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Save environment ENV as an image: what was installed in it, and nothing of what ran.

    It says first what will be saved and what not: what lies in /work is in no image. It refuses when there
    are secrets. The image starts as the one that ENV came from does, and gets its name only when it has
    passed `envkit verify`.
    """
    from envkit.cli import progress
    from envkit.cli.site import open_site
    from envkit.save.commit import commit, plan
    from envkit.save.plan import CommitOptions

    site = open_site(host_name)
    asked = CommitOptions(tag=tag, scrub=scrub, allow=allow, squash=squash, deep=deep, to_spec=to_spec)
    if dry_run:
        _show_dry(*plan(site.engine, name, asked), as_json=as_json)
        return
    with progress.shown(as_json=as_json) as reports:
        saved = commit(site, name, asked, reports, (lambda _: None) if as_json else show)
    if as_json:
        output.show_json(saved)
        return
    show_end(saved, name)


def _show_dry(plan: CommitPlan, spec: SpecChange | None, *, as_json: bool) -> None:
    if as_json:
        output.show_json({**told(plan), "spec": spec})
        return
    show(plan)
    if spec is not None:
        output.show(spec.difference.rstrip() or f"{spec.file} says all of it already")
        _show_left(spec)


def _show_left(spec: SpecChange) -> None:
    for line in spec.left:
        output.note(f"not in {spec.file}: {line}")
    for line in spec.warnings:
        output.note(f"note: {line}")


def show_end(saved: Committed, environment: str) -> None:
    """Print what came of a save, and what to do next."""
    from envkit.image import verdict

    proven = verdict.summary(saved.verdict) if saved.verdict else "not verified"
    more, time = output.human_bytes(saved.added_bytes), output.human_seconds(saved.seconds)
    output.show(
        f"{saved.tag} is ready: {output.human_bytes(saved.size_bytes)} ({more} more), {time}, {proven}"
    )
    for line in saved.removed:
        output.show(f"  taken out: {line}")
    for unkept in saved.unkept:
        output.note(f"not saved: {unkept.path} ({unkept.why})")
    for unread in saved.unread:
        output.note(f"not searched for secrets, or not to its end: {unread}")
    if saved.spec is not None:
        output.show(
            f"{saved.spec.file} has the packages, too: `envkit build {saved.spec.file}` makes them anew"
        )
        _show_left(saved.spec)
    output.note(
        f"to work in it: `envkit rm {environment}`, then `envkit up {saved.tag} --name {environment}`"
    )


def told(plan: CommitPlan) -> dict[str, object]:
    """Return the plan as JSON has it."""
    return {name: value for name, value in output.plain(plan).items() if name != "sight"}


def show(plan: CommitPlan) -> None:
    """Print what is saved, what is not, and what speaks for caution."""
    came = f" (from {plan.from_tag})" if plan.from_tag else ""
    output.show(f"environment {plan.environment}{came} -> {plan.tag}")
    known = all(one.size_bytes is not None for one in plan.saved)
    about = ("" if known else "at most ") + output.human_bytes(plan.saved_bytes)
    output.show(f"saved: {_files(plan.files)}, {about}" if plan.saved else "saved: no file has changed")
    output.show_table((), [_folder(one) for one in plan.saved])
    _show_packages(plan)
    if plan.variables:
        output.show(f"  variables  {', '.join(plan.variables)}")
    output.show("not saved:")
    rows = [
        (f"  {one.why}", _files(one.files), output.human_bytes(one.size_bytes) if one.size_bytes else "")
        for one in plan.dropped
    ]
    output.show_table((), rows)
    output.show_table((), [_outside(one) for one in plan.outside])
    if plan.findings:
        output.show("secrets:")
        for finding in plan.findings:
            output.show(f"  {finding}")
    for warning in plan.warnings:
        output.note(f"note: {warning}")


def _folder(one: Folder) -> tuple[str, str, str]:
    count = _files(one.files) + (f", {one.deleted} deleted" if one.deleted else "")
    return f"  {one.path}", count, "" if one.size_bytes is None else output.human_bytes(one.size_bytes)


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _show_packages(plan: CommitPlan) -> None:
    for group, changes in groupby(plan.packages or (), key=lambda change: change.group):
        listed = list(changes)
        output.show(f"  {TITLES[group]}")
        rows = [output.change_row(one.name, one.before, one.after) for one in listed[:_NAMED]]
        output.show_table((), [(f"  {sign}", *rest) for sign, *rest in rows])
        if len(listed) > _NAMED:
            output.show(f"    and {len(listed) - _NAMED} more (--json lists them)")


def _outside(one: Outside) -> tuple[str, str]:
    held = [f"{each.kind} {each.name} {each.version}".rstrip() for each in one.installed]
    there = f"; installed there: {words.listed(held, _NAMED)}" if held else ""
    return f"  {one.target}", f"{one.source} of the machine{there}"
