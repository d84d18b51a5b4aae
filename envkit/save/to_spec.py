"""Write what was installed back into a spec: the reproducible way out of a snapshot."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envkit import paths
from envkit.errors import UsageError
from envkit.image.diff import Change
from envkit.save.beyond_spec import beside_packages, files_that_ask
from envkit.save.origins import Origins
from envkit.save.plan import CommitPlan
from envkit.spec.edit import PackageEdit, with_packages
from envkit.spec.load import load
from envkit.words import listed

_TORCHES = {"torch": "torch", "torch-npu": "torch_npu"}  # a spec has keys of their own for these
_NAMED = 20  # things of one kind that are named


@dataclass(frozen=True, kw_only=True)
class SpecChange:
    """How a spec's file is to be."""

    file: str
    before: str
    after: str
    left: tuple[str, ...]  # what a spec cannot say, or has no line for, in words
    warnings: tuple[str, ...] = ()  # why a build of it may refuse, or give something else

    @property
    def difference(self) -> str:
        """Return what changes, as `diff -u` shows it."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), self.file, self.file
        )
        return "".join(lines)


def refuse_stopped(plan: CommitPlan) -> None:
    """Raise UsageError when nobody could look which packages there are."""
    if plan.packages is None:
        raise UsageError(
            f"environment {plan.environment} is stopped: its packages cannot be listed",
            fix=f"`envkit start {plan.environment}` first, or leave --to-spec out",
        )


def spec_change(plan: CommitPlan, file: str, origins: Origins) -> SpecChange:
    """Return the spec with what was installed; UsageError when there is none to write into."""
    refuse_stopped(plan)
    before = _text(plan, Path(file))
    said = [_said(plan, change, origins) for change in plan.packages or ()]
    edits = [one for one in said if isinstance(one, PackageEdit)]
    after, missed = with_packages(before, edits)
    left = [one for one in said if isinstance(one, str) and one]
    left += [f"{edit.key}: {edit.name} was removed, and {file} has no line for it" for edit in missed]
    left += beside_packages(plan, origins)
    asked = files_that_ask(load(file, paths.presets()), edits) if Path(file).is_file() else ()
    return SpecChange(
        file=file,
        before=before,
        after=after,
        left=tuple(left),
        warnings=(*asked, *_warnings(plan, edits, origins)),
    )


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


def _said(plan: CommitPlan, change: Change, origins: Origins) -> PackageEdit | str:
    """Return what a change means for the spec; or why it means nothing there, "" when that is plain."""
    if change.group == "pip":
        return _of_pip(change, origins)
    if change.group == "apt":
        return _of_apt(change, origins)
    if change.group == "tools":
        return ""  # programs of packages that are told of themselves
    told = f"{change.group}: {change.name} {change.after or 'was removed'}"
    if change.group == "extensions" and change.after:
        return f"{told}: write {change.name}@{change.after} under `ide.code_server.extensions`"
    if change.group == "rpm":
        if change.before is not None and change.after is not None:
            return f"{told}: the build takes the version that the mirror has"
        return PackageEdit(key="dnf", name=change.name, entry=change.name if change.after else None)
    return f"{told}: a spec has no list for that"


def _of_pip(change: Change, origins: Origins) -> PackageEdit | str:
    name = canonicalize_name(change.name)
    if name in _TORCHES:
        version = change.after and _public(change.after)
        return PackageEdit(key=_TORCHES[name], name=change.name, entry=version)  # type: ignore[arg-type]  # its values
    if change.after is None:
        return PackageEdit(key="pip", name=name, entry=None)
    direct = origins.direct.get(name)
    if direct is None:
        return PackageEdit(key="pip", name=name, entry=f"{change.name}=={change.after}")
    if direct.requirement:
        return PackageEdit(key="pip", name=name, entry=f"{change.name} @ {direct.requirement}")
    where = direct.url if direct.kind == "file" else "an address with a login"
    return (
        f"pip: {change.name} {change.after} came from {where}: "
        "put a wheel of it into the folder that `pip.wheels` names, and it under `pip.packages`"
    )


def _of_apt(change: Change, origins: Origins) -> PackageEdit | str:
    if change.after is None:
        return PackageEdit(key="apt", name=change.name, entry=None)
    if change.name in origins.foreign:
        return f"apt: {change.name} {change.after}: no mirror that the environment knows has it"
    if change.before is None and change.name not in origins.apt:
        return ""  # it comes with another
    return PackageEdit(key="apt", name=change.name, entry=f"{change.name}={change.after}")


def _public(version: str) -> str:
    try:
        return Version(version).public
    except InvalidVersion:
        return version


def _warnings(plan: CommitPlan, edits: Iterable[PackageEdit], origins: Origins) -> list[str]:
    pinned = list(edits)
    found = []
    ours = {edit.name for edit in pinned if edit.key == "apt" and edit.entry}
    new = {one.name for one in plan.packages or () if one.group == "apt" and one.before is None}
    came = new - ours - origins.foreign
    if ours:
        found.append(
            "apt's mirrors keep few versions: when one that is asked for is gone, build without its `=…`"
        )
    if came:
        found.append(
            f"apt: {len(came)} packages came with these; the build takes the versions that the mirror has"
        )
    entries = [edit.entry for edit in pinned if edit.key == "pip" and edit.entry]
    own = [entry for entry in entries if "+" in entry.partition("==")[2]]
    if own:
        found.append(f"from an index of their own, which the build must reach: {listed(own, _NAMED)}")
    if origins.clashes:
        told = listed(origins.clashes, _NAMED)
        found.append(f"pip says that these do not fit together, and a build refuses them: {told}")
    return found
