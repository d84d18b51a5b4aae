"""Look at a script of this machine for what an accelerator cannot carry over."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from envkit.accelerators import ACCELERATORS
from envkit.errors import RunError, UsageError
from envkit.run.scan import Finding, scan

# A script for GPUs is the usual one: whether it runs on NPUs too is what there is to ask.
DEFAULT = "ascend"
_SHELLS = (".sh", ".bash")
_SHELL_LINE = re.compile(rb"#! ?\S*(/|env +)(ba|da|z|k)?sh\b")
_PYTHON_WORD = re.compile(r"[\w./-]+\.py\b")


def check(script: str | None, device: str | None) -> tuple[Finding, ...]:
    """Return what is found; `device` is as `--device` takes it. RunError: a file is no Python."""
    accelerator = (device or DEFAULT).partition(":")[0]
    if accelerator not in ACCELERATORS:
        raise UsageError(
            f"--check needs a kind of device, and {device!r} is none",
            fix=f"--device {'|'.join(sorted(ACCELERATORS))}",
        )
    path = Path(script or "").resolve()
    if script is None or not path.is_file():
        raise UsageError(
            f"--check reads a script of this machine, and {script} is no file here"
            if script
            else "--check reads a script of this machine, and none is named",
            fix="envkit train --check train.py",
        )
    return tuple(one for file in _pythons(path) for one in scan(_read, file, accelerator))


def file_of(script: str | None, module: str | None) -> str | None:
    """Return what there is to read: the script, or a module's file as `-m` finds it from here."""
    if script is not None or module is None:
        return script
    place = module.replace(".", "/")
    files = (f"{place}.py", f"{place}/__main__.py")
    return next((name for name in files if Path(name).is_file()), files[0])


def _pythons(path: Path) -> tuple[Path, ...]:
    """Return what can be read of a script: itself, or the Python scripts that a shell script starts."""
    with path.open("rb") as file:
        first = file.readline(200)
    if path.suffix not in _SHELLS and not _SHELL_LINE.match(first):
        return (path,)
    words = dict.fromkeys(_PYTHON_WORD.findall(path.read_text("utf-8", "replace")))
    found = tuple(path.parent / word for word in words if (path.parent / word).is_file())
    if not found:
        raise UsageError(
            f"{path.name} is a shell script, and names no Python script beside it that could be read",
            fix="envkit train --check SCRIPT.py, for each that it starts",
        )
    return found


def before(script: str | None, accelerator: str) -> tuple[Finding, ...]:
    """Return what surely fails, to be said before a run; what cannot be read says so by itself then."""
    try:
        return tuple(one for one in check(script, accelerator) if one.fails)
    except (UsageError, RunError, OSError):
        return ()


def failure(found: tuple[Finding, ...]) -> RunError | None:
    """Return the error that a check ends with, None when nothing stops the script."""
    sure = [one for one in found if one.fails]
    if not sure:
        return None
    places = "one place surely fails" if len(sure) == 1 else f"{len(sure)} places surely fail"
    return RunError(f"{places}: {sure[0].place} first", fix=sure[0].advice)


def _read(path: PurePath) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
