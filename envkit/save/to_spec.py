"""Write what was installed back into a spec: the reproducible way out of a snapshot."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from envkit import paths
from envkit.errors import UsageError
from envkit.image.diff import Change
from envkit.save.plan import CommitPlan
from envkit.spec.edit import PackageEdit, with_packages

DEFAULT = "envkit.yaml"  # design.md, section 7
# The keys of a spec that say which torch and which Python packages of the IDE there are.
_OWN_KEYS = {"torch": "torch", "torch-npu": "torch", "pip": "", "setuptools": "", "wheel": ""}
_NAMES = {"apt": "apt", "rpm": "dnf", "pip": "pip"}


@dataclass(frozen=True, kw_only=True)
class SpecChange:
    """How a spec's file is to be."""

    file: str
    before: str
    after: str
    left: tuple[str, ...]  # what a spec cannot say, or has no line for, in words

    @property
    def difference(self) -> str:
        """Return what changes, as `diff -u` shows it."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), self.file, self.file
        )
        return "".join(lines)


def spec_change(plan: CommitPlan, file: str) -> SpecChange:
    """Return the spec with what was installed; UsageError when nobody could look, or there is no spec."""
    if plan.packages is None:
        raise UsageError(
            f"environment {plan.environment} is stopped: its packages cannot be listed",
            fix=f"`envkit start {plan.environment}` first, or leave --to-spec out",
        )
    before = _text(plan, Path(file))
    edits, left = _edits(plan)
    after, missed = with_packages(before, edits)
    left += [f"{edit.key}: {edit.name} was removed, and {file} has no line for it" for edit in missed]
    return SpecChange(file=file, before=before, after=after, left=tuple(left))


def write(change: SpecChange) -> None:
    """Write the file whole or not at all."""
    path = Path(change.file)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.resolve().parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(change.after)
        Path(name).chmod(mode)
        Path(name).replace(path.resolve())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _text(plan: CommitPlan, file: Path) -> str:
    """Return the spec's text; of one that is not there yet, a spec that builds on the image's preset."""
    if file.is_file():
        return file.read_text("utf-8")
    preset = plan.sight.image.labels.get("io.envkit.name", "")
    if (
        file.exists()
        or not re.fullmatch(r"[\w.-]+", preset)
        or not (paths.presets() / f"{preset}.yaml").is_file()
    ):
        raise UsageError(
            f"there is no spec {file}", fix="--to-spec FILE, with the spec that the image was built from"
        )
    name = plan.tag.rpartition("/")[2].partition(":")[0]
    return (
        f"# What was installed in environment {plan.environment}.\nname: {name}\nextends: [preset:{preset}]\n"
    )


def _edits(plan: CommitPlan) -> tuple[list[PackageEdit], list[str]]:
    edits: list[PackageEdit] = []
    left: list[str] = []
    for change in plan.packages or ():
        edit = _edit(plan, change)
        if isinstance(edit, PackageEdit):
            edits.append(edit)
        elif edit:
            left.append(edit)
    return edits, left


def _edit(plan: CommitPlan, change: Change) -> PackageEdit | str:
    """Return what a change means for the spec; or why it means nothing there, "" when that is plain."""
    key = _NAMES.get(change.group)
    told = f"{change.group}: {change.name} {change.after or 'was removed'}"
    if key is None:
        return f"{told}: a spec has no list for that"
    if key == "pip":
        name = canonicalize_name(change.name)
        if name in _OWN_KEYS:
            own = _OWN_KEYS[name]
            return f"{told}: set it by the key `{own}`" if own else ""
        entry = f"{change.name}=={change.after}" if change.after else None
        return PackageEdit(key="pip", name=name, entry=entry)
    if change.after is None:
        return PackageEdit(key=key, name=change.name, entry=None)  # type: ignore[arg-type]  # of _NAMES
    if change.before is not None:
        return f"{told}: the build takes the version that the mirror has"
    if key == "apt" and change.name not in plan.sight.manual:
        return ""  # it came with another
    return PackageEdit(key=key, name=change.name, entry=change.name)  # type: ignore[arg-type]  # as above
