"""The plan of a save: what becomes part of the image, what does not, and why. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from envkit.engines.values import OWNED, ImageFacts
from envkit.errors import EnvkitError, UsageError
from envkit.image.diff import Change, compare
from envkit.image.manifest import GROUPS, Manifest
from envkit.save import cautions
from envkit.save.cautions import CommitOptions as CommitOptions
from envkit.save.configuration import added_variables, configuration
from envkit.save.depth import Way, way
from envkit.save.findings import Finding, Unread, without_allowed
from envkit.save.folders import Folder, summed_up
from envkit.save.rules import never_saved
from envkit.save.settings import scan_config
from envkit.save.sight import Installed, Outside, Path, Sight, Unkept

_NAME = re.compile(r"[a-z0-9][\w.:/-]*[\w]", re.ASCII)
_ACCOUNTS = ("/etc/passwd", "/etc/group")
_LISTED = 30  # secrets that are named
_KEY = "a private key"  # compat/secrets.json; the one that projects have for their tests
_NEAR = 2  # folders above a place that is proposed as a whole: `/opt/project`, never `/opt`


class CommitRefused(EnvkitError):
    """It would save what must not be saved."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Changed files that do not become part of the image, for one reason."""

    why: str
    files: int
    size_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class CommitPlan:
    """A save, with every decision made."""

    environment: str
    tag: str
    from_image: str
    from_tag: str
    saved: tuple[Folder, ...]
    dropped: tuple[Dropped, ...]
    packages: tuple[Change, ...] | None  # None: nobody could look
    outside: tuple[Outside, ...]
    variables: tuple[str, ...]  # names that the image gets beside its own
    layers: int  # of the image that it came from
    squash: bool
    way: Way  # what the new layers lie on
    scrub: bool
    deep: bool
    allow: tuple[str, ...]
    findings: tuple[Finding, ...]  # the secrets that are known before
    unkept: tuple[Unkept, ...] = ()  # what no layer can hold
    unread: tuple[Unread, ...] = ()  # what was not searched for secrets, or not to its end
    replaces: str = ""  # the id of the image that has the tag now
    warnings: tuple[str, ...] = ()
    written_bytes: int = 0
    sight: Sight = field(repr=False)

    @property
    def files(self) -> int:
        """Return how many files are saved."""
        return sum(one.files for one in self.saved)

    @property
    def saved_bytes(self) -> int:
        """Return how much is saved; of a stopped environment, how much at most."""
        sizes = [one.size_bytes for one in self.saved]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else self.written_bytes

    @property
    def installed_outside(self) -> tuple[Installed, ...]:
        """Return what was installed where no image reaches."""
        return tuple(one for mount in self.outside for one in mount.installed)


def plan_commit(sight: Sight, options: CommitOptions, present: ImageFacts | None) -> CommitPlan:
    """Decide everything about a save; `present` has the tag now."""
    _refuse_tag(options.tag, present)
    kept, dropped = sorted_out(sight.paths)
    unkept = {one.path for one in sight.unkept}
    kept = tuple(one for one in kept if one.path not in unkept)
    on = way(sight, squash=options.squash)
    added = added_variables(sight.image.env, sight.container_env)
    target = configuration(sight.config, added, {}, ())
    return CommitPlan(
        environment=sight.environment,
        tag=options.tag,
        from_image=sight.image.id,
        from_tag=sight.image_tag,
        saved=summed_up(kept),
        dropped=dropped,
        packages=None if sight.now is None else packages_between(sight.before, sight.now),
        outside=sight.outside,
        variables=tuple(sorted(added)),
        layers=sight.image.layers,
        squash=options.squash or on == "squash",
        way=on,
        scrub=options.scrub,
        deep=cautions.deep(sight, options),
        findings=without_allowed(
            (*scan_config(target, sight.history, sight.values), *sight.found), options.allow
        ),
        allow=options.allow,
        replaces=present.id if present else "",
        warnings=tuple(cautions.cautions(sight, options, kept, present)),
        unkept=sight.unkept,
        unread=sight.unread,
        written_bytes=sight.written_bytes,
        sight=sight,
    )


def refuse_at_work(plan: CommitPlan) -> None:
    """Raise an EnvkitError while packages are being installed: half of one would be saved."""
    if plan.sight.busy:
        raise EnvkitError(
            f"environment {plan.environment} is installing something: {', '.join(plan.sight.busy)}",
            fix="wait for its end; a half-installed package is of no use in an image",
        )


def refuse_hiding(plan: CommitPlan) -> None:
    """Raise CommitRefused for names by which the engine's own commit would delete something else."""
    found = [one for one in plan.unkept if one.hides]
    if found:
        raise CommitRefused(
            f"in a layer a name that begins with .wh. deletes what is called by the rest of it: "
            f"{', '.join(one.path for one in found[:_LISTED])}",
            fix="rename them in the environment, or remove them",
        )


def refuse_findings(findings: Iterable[Finding], *, scrub: bool, where: str = "the environment") -> None:
    """Raise CommitRefused for secrets that nothing takes out."""
    found = tuple(findings)
    if not found or scrub:
        return
    lines = [f"\n    {one}" for one in found[:_LISTED]]
    more = f"\n    and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    allowing = _allowing(found) if where == "the environment" else ""  # nothing else has the option
    options = "--scrub --squash" if any(one.remedy == "flatten" for one in found) else "--scrub"
    raise CommitRefused(
        f"the image would hold {_count(len(found), 'secret')}:{''.join(lines)}{more}",
        fix=f"remove them in {where}, or take them out of the image: {options}{allowing}",
    )


def _allowing(found: tuple[Finding, ...]) -> str:
    """Return what to say of files that may be no secrets at all: a project's keys for its tests, say."""
    files = [one.path for one in found if one.where == "file" and one.rule == _KEY]
    if not files:
        return ""
    folder = posixpath.commonpath([posixpath.dirname(path) for path in files])
    place = files[0] if len(set(files)) == 1 or folder.count("/") < _NEAR else folder
    return f"; a project's keys for its tests are no secrets: --allow {place}"


def refuse_left(findings: Iterable[Finding], where: str = "the environment") -> None:
    """Raise CommitRefused for secrets that the finished bytes still hold."""
    lines = [f"\n    {one.place}: {one.rule}" for one in findings]
    if lines:
        raise CommitRefused(
            f"the finished image still held {_count(len(lines), 'secret')}:{''.join(lines[:_LISTED])}",
            fix=f"remove them in {where}; nothing was saved",
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def sorted_out(paths: tuple[Path, ...]) -> tuple[tuple[Path, ...], tuple[Dropped, ...]]:
    """Return the paths that are saved, and what is dropped by its reason; a deletion is always kept."""
    kept: list[Path] = []
    dropped: dict[str, list[Path]] = {}
    for one in paths:
        never = never_saved(one.path, is_folder=one.folder) if one.kind != "deleted" else None
        if never:
            dropped.setdefault(never.name, []).append(one)
        elif one.path not in _ACCOUNTS:  # written by `up`, and too small to be told of
            kept.append(one)
    return tuple(kept), tuple(_dropped(why, held) for why, held in sorted(dropped.items()))


def _dropped(why: str, held: list[Path]) -> Dropped:
    sizes = [one.size_bytes for one in held]
    known = [size for size in sizes if size is not None]
    return Dropped(
        why=why,
        files=sum(not one.folder for one in held),
        size_bytes=sum(known) if len(known) == len(sizes) else None,
    )


def _refuse_tag(tag: str, present: ImageFacts | None) -> None:
    if "@" in tag or not _NAME.fullmatch(tag):
        raise UsageError(f"{tag!r} cannot be an image's name", fix="write NAME:TAG, as in lab:2026-11")
    if present and present.labels.get(OWNED) != "true":
        raise UsageError(
            f"{tag} is there already, and it is not envkit's",
            fix=f"take another name, or `docker rmi {tag}` first",
        )


def packages_between(before: Manifest, now: Manifest) -> tuple[Change, ...]:
    """Return the packages that differ."""
    return tuple(change for change in compare(before, now).changes if change.group in GROUPS)
