"""What a spec's lists of packages cannot say of an environment, in words."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit.save.origins import Origins
from envkit.save.plan import CommitPlan, sorted_out
from envkit.save.sight import Path
from envkit.spec.edit import PackageEdit
from envkit.spec.load import LoadedSpec

# Trees that the package managers fill, and ours: what lies there is told of as packages.
_MANAGED = ("/usr/", "/var/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/boot/", "/opt/venv/", "/opt/envkit/")
_NODE = "/usr/local/lib/node_modules/"
_LINKS = "/usr/local/bin/"  # of npm's programs, beside a user's own
_MANY = 8


def beside_packages(plan: CommitPlan, origins: Origins) -> list[str]:
    """Return what is saved and is no package that a spec can name, and what is not even saved."""
    found = []
    if origins.npm:
        found.append(f"npm, for all: {', '.join(origins.npm)}: a step of yours can install them")
    folders = _own_files(plan)
    for folder, count in list(folders.items())[:_MANY]:
        found.append(f"{count} file{'s' if count > 1 else ''} in {folder}: a step of yours can copy them")
    if len(folders) > _MANY:
        found.append(f"files in {len(folders) - _MANY} more folders")
    for mount in plan.outside:
        for one in mount.installed:
            what = f"{one.kind} {one.name} {one.version}".rstrip()
            found.append(f"{what}: it lies in {mount.target}, and stays there")
    return found


def files_that_ask(spec: LoadedSpec, edits: Iterable[PackageEdit]) -> tuple[str, ...]:
    """Return the lines of the spec's own lists of packages that want something else than the edits."""
    wanted = {edit.name: edit for edit in edits if edit.key == "pip"}
    found = []
    for name in spec.spec.pip.requirements:
        for line in (spec.folder / name).read_text("utf-8", "replace").splitlines():
            asked = _requirement(line.partition(" #")[0].strip())
            edit = wanted.get(canonicalize_name(asked.name)) if asked else None
            if asked and edit and not _agree(asked, edit):
                now = f"{edit.entry} is there" if edit.entry else "it was removed"
                found.append(
                    f"{name} asks for {asked}, and {now}: change it there, or the build refuses both"
                )
    return tuple(found)


def _own_files(plan: CommitPlan) -> dict[str, int]:
    apt = any(one.group in ("apt", "rpm") for one in plan.packages or ())
    found: dict[str, int] = {}
    kept, _ = sorted_out(plan.sight.paths)
    for one in kept:
        if one.folder or one.kind == "deleted" or not _is_own(one, apt=apt):
            continue
        folder = "/".join(one.path.split("/")[:3]) if one.path.count("/") > 2 else one.path.rpartition("/")[0]
        found[folder or "/"] = found.get(folder or "/", 0) + 1
    return dict(sorted(found.items()))


def _is_own(one: Path, *, apt: bool) -> bool:
    if one.path.startswith("/usr/local/"):
        return not one.path.startswith((_NODE, _LINKS)) or (not apt and one.path.startswith(_LINKS))
    if one.path.startswith("/etc/"):
        return not apt  # a package writes there, too: nobody knows whose a file is
    return not one.path.startswith(_MANAGED)


def _requirement(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None  # a comment, an option, a file


def _agree(asked: Requirement, edit: PackageEdit) -> bool:
    if edit.entry is None or asked.url:
        return False
    version = edit.entry.partition("==")[2]
    return not version or asked.specifier.contains(version, prereleases=True)
