"""Adopt an image: build both IDEs onto it, and keep what is its own: Python, torch, user, entrypoint."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from envkit import compat
from envkit.accelerators.fit import below
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts
from envkit.errors import PlanError, UsageError
from envkit.hosts.base import Host
from envkit.image import emulation, own_look
from envkit.image.base import find_base
from envkit.image.build import BuildOptions, Built, Make, build, plan_build
from envkit.image.expectation import EXPECT
from envkit.image.own_look import Seen
from envkit.image.planned import Planned
from envkit.image.proving import Reports
from envkit.plan.build_plan import Decision
from envkit.plan.kept import Kept
from envkit.spec.load import LoadedSpec, from_text

_EXTENSIONS = [{"id": "ms-python.python", "optional": True}]
_PLAIN_PATH = re.compile(r"/[\w./+-]+")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the work is done, and who hears of it."""

    engine: Engine
    host: Host
    reports: Reports
    make: Make | None = None  # who carries the plan out; None: the engine's builder


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is adopted: an image under a name that a Dockerfile can start from."""

    image: ImageFacts
    name: str
    container: str = ""  # the one that the image is a copy of
    was: str = ""  # that one's own image


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """An image that can be adopted: its spec, made from what was seen of it."""

    loaded: LoadedSpec
    options: BuildOptions


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """What came of it."""

    built: Built
    kept: Kept


def find_image(reference: str, place: Place) -> Source:
    """Find the image that is named, in a registry too; refuse one that is envkit's."""
    image = find_base(reference, place.engine, place.host, place.reports.note)
    refuse_ours(image, reference)
    return Source(image=image, name=_name_of(image, reference))


def plan_adoption(source: Source, tag: str | None, place: Place) -> Planned:
    """Return the plan that `adopt` carries out."""
    adoption = consider(source, tag, place)
    planned = plan_build(adoption.loaded, place.engine, place.host, adoption.options)
    return planned if place.make is None else _by_commit(planned)


def adopt(source: Source, tag: str | None, place: Place) -> Adopted:
    """Build on the image and prove the result. A failure leaves no tag, and the image itself is as it was."""
    adoption = consider(source, tag, place)
    built = build(adoption.loaded, place.engine, place.host, adoption.options, place.reports)
    assert adoption.options.kept is not None  # `consider` has looked
    return Adopted(built=built, kept=adoption.options.kept)


def _by_commit(planned: Planned) -> Planned:
    """Say in the plan that its steps are done in a container."""
    reason = "the steps are done in a container of the image, which is committed"
    way = Decision(name="builder", value="by commit", reason=reason)
    told = (way if one.name == "builder" else one for one in planned.plan.decisions)
    return replace(planned, plan=replace(planned.plan, decisions=tuple(told)))


def consider(source: Source, tag: str | None, place: Place) -> Adoption:
    """Look into the image and make its spec; an error that says why it cannot be adopted, before any work."""
    called = source.container or source.was or source.name
    machine = source.image.architecture
    foreign = machine if emulation.warned(place.engine, called, machine) else ""
    place.reports.note(f"looking into {called}")
    seen = own_look.look_into(place.engine, source.image, called)
    refuse(seen)
    kept = replace(seen.kept, reference=source.was or source.name, container=source.container)
    target = tag or default_tag(called)
    loaded = from_text(f"adopt {called}", spec_text(seen, source.name, target, foreign))
    return Adoption(loaded=loaded, options=BuildOptions(tag=target, kept=kept, make=place.make))


def refuse_ours(image: ImageFacts, reference: str) -> None:
    """Say when there is nothing to do."""
    if EXPECT in image.labels:
        raise UsageError(
            f"{reference} is envkit's already: it has the IDEs",
            fix=f"`envkit up {reference}` starts it, `envkit verify {reference}` proves it again",
        )


def refuse(seen: Seen) -> None:
    """Raise PlanError when the image cannot be adopted: what it lacks, and what would do."""
    for problem, fix in (_of_system(seen), _of_python(seen)):
        if problem:
            raise PlanError(f"{seen.kept.reference} cannot be adopted: {problem}", fix=fix)


def _of_system(seen: Seen) -> tuple[str, str]:
    least = compat.table("adopt")["glibc"]["least"]
    name = seen.distribution.partition(":")[0]
    later = [known for known in _known() if known.startswith(f"{name}:")] or _known()
    newer = f"take a later base: {', '.join(later)}"
    if seen.musl or not seen.glibc:
        libc = "its C library is musl" if seen.musl else "it has no glibc"
        return f"{libc}, and code-server's Node needs glibc {least}", f"build it on {', '.join(_known())}"
    if below(seen.glibc, least):
        return f"it has glibc {seen.glibc}, and code-server's Node needs {least}", newer
    if not seen.manager:
        return "it has no package manager (apt or dnf)", f"build it on {', '.join(_known())}"
    if seen.distribution not in _known():
        return f"it is {seen.distribution}, on which the IDEs' own tools do not run", newer
    return "", ""


def _known() -> list[str]:
    """Return the distributions whose own Python can run the IDE tools."""
    table = compat.table("distributions")
    return [
        name
        for name, row in table["rows"].items()
        if not below(row["python"], table["tools_python"]["least"])
    ]


def _of_python(seen: Seen) -> tuple[str, str]:
    row, python = compat.table("adopt")["python"], seen.kept.python
    span = f"{row['least']} to {row['newest']}"
    fix = f"put a CPython {span} first on its PATH"
    if python is None:
        old = seen.old_python
        if old and not below(old, row["least"]):
            return f"its Python {old} does not say where its packages are", f"mend it, or {fix}"
        return (
            (f"its Python is {old}, and a notebook's kernel (ipykernel) needs {span}", fix)
            if old
            else ("", "")
        )
    if seen.implementation != "cpython":
        return f"its Python is {seen.implementation}, and envkit's kernel needs CPython", fix
    if below(python.version, row["least"]) or below(row["newest"], python.version):
        return f"its Python is {python.version}, and a notebook's kernel (ipykernel) needs {span}", fix
    if seen.unreadable:
        place = seen.unreadable[0]
        return (
            f"only its own user can read {place}, which its Python needs; envkit's images run as any user",
            f"in its Dockerfile: `RUN chmod -R go+rX {place}`",
        )
    odd = [path for path in (python.interpreter, *python.folders) if not _PLAIN_PATH.fullmatch(path)]
    if odd:
        return f"the path {odd[0]!r} of its Python has letters that no build takes", "move it"
    return "", ""


def spec_text(seen: Seen, base: str, target: str, foreign: str = "") -> str:
    """Return the spec of an adopted image, as it would be written."""
    python = seen.kept.python
    spec: dict[str, object] = {
        "name": PurePosixPath(target).name.partition(":")[0],
        "base": base,
        "os": seen.distribution,
        "accelerator": _accelerator(seen.kept),
        "python": python.version
        if python
        else compat.table("distributions")["rows"][seen.distribution]["python"],
        "user": _user(seen),
        "ide": {"code_server": {"extensions": _EXTENSIONS}},
    }
    if foreign:
        spec["target"] = {"machine": foreign}
    version = re.match(r"\d+(?:\.\d+){1,3}(?:(?:a|b|rc)\d+)?", (python.torch if python else None) or "")
    if version:
        spec |= {"torch": version[0], "torch_from": "base"}
    if seen.closed:
        steps = [own_look.open_command(one) for one in seen.closed]
        spec["steps"] = [{"run": step, "user": "root", "at": "before_packages"} for step in steps]
    return json.dumps(spec, indent=1)


def _accelerator(kept: Kept) -> str:
    """Tell which cards it is for: its torch says so, else the variables that the makers' bases set."""
    names = {name for name, _ in kept.env}
    if (kept.python and kept.python.torch_npu) or "ASCEND_TOOLKIT_HOME" in names:
        return "ascend"
    if kept.python and kept.python.torch:
        return "cuda" if kept.python.cuda else "cpu"
    return "cuda" if "CUDA_VERSION" in names else "cpu"


def _user(seen: Seen) -> dict[str, object]:
    """Return the image's own user, in group 0; root's image gets whoever has uid 1000, or `dev`."""
    uid = seen.uid or 1000
    named = next((name for name, number in seen.accounts.items() if number == uid), "")
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", named):
        named = f"user{uid}" if "dev" in seen.accounts else "dev"
    return {"name": named, "uid": uid, "gid": 0}


def default_tag(name: str) -> str:
    """Return `NAME-ide:TAG` for `me/NAME:TAG`."""
    own, _, tag = PurePosixPath(name.partition("@")[0]).name.partition(":")
    return f"{own}-ide:{tag or 'dev'}"


def _name_of(image: ImageFacts, reference: str) -> str:
    """Return a name that a Dockerfile can start from; one that was given by its id must have one."""
    full = reference if ":" in reference.rpartition("/")[2] or "@" in reference else f"{reference}:latest"
    if full in image.tags or full in image.digests:
        return full
    if image.tags:
        return image.tags[0]
    raise UsageError(
        f"the image {reference} has no name to build on",
        fix=f"`docker tag {reference} NAME:TAG`, then `envkit adopt NAME:TAG`",
    )
