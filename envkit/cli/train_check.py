"""What `envkit train --check` prints, and the words before a run that cannot go well."""

from __future__ import annotations

from envkit.cli import output

_SHOWN = 3  # before a run: the rest is for --check


def check(script: str | None, device: str | None, *, as_json: bool) -> None:
    """Print what the script holds for this device; RunError when something surely fails."""
    from envkit.run.check import check as look
    from envkit.run.check import failure

    found = look(script, device)
    if as_json:
        output.show_json({"script": script, "findings": found})
    elif found:
        rows = [("fails" if one.fails else "differs", one.place, one.effect) for one in found]
        output.show_checks(rows, [one.advice for one in found])
    else:
        output.show("nothing found")
    if error := failure(found):
        raise error


def warn(script: str | None, accelerator: str) -> None:
    """Say before a run, shortly, what surely fails."""
    from envkit.run.check import before

    found = before(script, accelerator)
    for one in found[:_SHOWN]:
        output.note(f"warning: {one.place}: {one.effect}")
    if found:
        output.note(f"`envkit train --check {script} --device {accelerator}` says all, and what to do")
