"""What `envkit train --check` prints, and the words before a run that cannot go well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from envkit.cli import output

if TYPE_CHECKING:
    from envkit.run.scan import Finding

_SHOWN = 3  # before a run: the rest is for --check


def check(script: str | None, module: str | None, device: str | None, *, as_json: bool) -> None:
    """Print what the script, or the module, holds for this device; RunError when something surely fails."""
    from envkit.run.check import check as look
    from envkit.run.check import failure, file_of

    script = file_of(script, module)
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


@contextmanager
def warned(script: str | None, module: str | None, accelerator: str) -> Iterator[None]:
    """Look at a script while its run is started; then say shortly what surely fails."""
    found: list[Finding] = []

    def look() -> None:
        from envkit.run import follow  # noqa: F401  # what comes next is loaded while the engine works, too
        from envkit.run.check import before, file_of

        found.extend(before(file_of(script, module), accelerator))

    beside = Thread(target=look, daemon=True)
    beside.start()
    yield
    beside.join()
    for one in found[:_SHOWN]:
        output.note(f"warning: {one.place}: {one.effect}")
    if found:
        called = script or f"-m {module}"
        output.note(f"`envkit train --check {called} --device {accelerator}` says all, and what to do")
