"""Find a base image: here, in a registry, or made from its distribution's own packages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from envkit import compat
from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.values import BuildRequest, EngineFacts, ExecRequest, ImageFacts, RunRequest
from envkit.errors import EngineError, HostError
from envkit.hosts.base import Host, Remote
from envkit.hosts.local import LocalHost
from envkit.image.bootstrap import Wanted, bootstrap
from envkit.plan.bases import image_for
from envkit.plan.facts import BaseFacts
from envkit.scratch import Scratch

Report = Callable[[str], None]

_DISTRIBUTION = re.compile(r"(?:.*/)?(debian|ubuntu):([0-9.]+)")

# Run in the base with its own shell; prints JSON. Every value is a plain word, so no quoting is needed.
LOOK = r"""
. /etc/os-release
glibc=$(ldd --version 2>/dev/null | head -n 1 | grep -oE '[0-9]+\.[0-9]+$' || true)
python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
manager=
for name in apt-get dnf; do command -v $name >/dev/null && manager=$name && break; done
user=$(awk -F: '$3 == 1000 { print $1; exit }' /etc/passwd)
printf '{"id":"%s","version":"%s","glibc":"%s","python":"%s","manager":"%s","user":"%s"}' \
    "$ID" "$VERSION_ID" "$glibc" "$python" "$manager" "$user"
"""


def name_of_base(reference: str, engine: Engine, machine: str) -> str:
    """Return what the engine calls a base: its own name, unless that is another machine's here."""
    if machine in ("", engine.facts().architecture):
        return reference
    found = engine.images.inspect(reference)
    return reference if found and found.architecture == machine else image_for(reference, machine)


def find_base(reference: str, engine: Engine, host: Host, report: Report, machine: str = "") -> ImageFacts:
    """Return the base: the engine's own, else pulled, else made here. EngineError says what each way said.

    `machine`: what it is for ("": what the engine's machine is).
    """
    called = name_of_base(reference, engine, machine)
    found = engine.images.inspect(called)
    if found is not None:
        return found
    foreign = "" if called == reference else machine
    report(f"the base {reference}{foreign and f' for {foreign}'} is not here: asking the registry")
    try:
        return (
            _pulled_for(foreign, reference, engine, called)
            if foreign
            else engine.images.pull(reference, report)
        )
    except EngineError as error:
        pulled = error.what
    distribution = _DISTRIBUTION.fullmatch(reference.partition("@")[0])
    if distribution is None or "@" in reference or "/" in reference:
        raise EngineError(
            f"the base {reference} cannot be had: {pulled}",
            fix="load it with `docker load`, or use a base of debian or ubuntu: those envkit makes itself",
        )
    report(f"no registry gives it: making {reference} from its distribution's packages")
    if isinstance(host, Remote):
        host = LocalHost()  # it is made here, and imported there
    try:
        name = f"{distribution[1]}:{distribution[2]}"
        bootstrap(Wanted(name=name, reference=called, foreign=foreign), engine, host, report)
    except (EngineError, HostError) as error:
        raise EngineError(
            f"the base {reference} cannot be had\n  registry: {pulled}\n  own packages: {error.what}",
            fix=error.fix,
        ) from error
    return _there(called, engine)


def _pulled_for(machine: str, reference: str, engine: Engine, called: str) -> ImageFacts:
    """Fetch the base for another machine, without taking its name from the engine's own: a build does."""
    with Scratch("base") as scratch:
        folder = scratch / "context"
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM {reference}\n", encoding="utf-8")
        engine.builder.build(
            BuildRequest(context=folder, name=called, platform=f"linux/{machine}"), lambda event: None
        )
    return _there(called, engine)


def _there(called: str, engine: Engine) -> ImageFacts:
    made = engine.images.inspect(called)
    if made is None:
        raise EngineError(f"{called} was made and is gone", fix="run the command again")
    return made


def describe_base(engine: Engine, reference: str) -> BaseFacts:
    """Look into a base image with its own shell; EngineError when it has none."""
    image = engine.images.inspect(reference)
    if image is None:
        raise EngineError(f"there is no image {reference} here", fix="pull it, or look at `base:`")
    request = RunRequest(
        image=image.id, entrypoint=("/bin/sh",), command=("-c", "sleep 60"), user="0:0", network="none"
    )
    with running(engine, request) as container:
        result = engine.inside.execute(container, ExecRequest(command=("/bin/sh", "-c", LOOK), timeout_s=30))
    try:
        seen: dict[str, str] = json.loads(result.stdout)
    except ValueError as error:
        raise EngineError(
            f"{reference} does not say which distribution it is (it has no /etc/os-release)",
            fix="use another base",
        ) from error
    distribution = f"{seen['id'].lower()}:{seen['version']}"  # openEuler writes itself so
    row = compat.table("distributions")["rows"].get(distribution)
    return BaseFacts(
        reference=reference,
        image_id=image.id,
        digest=image.digests[0] if image.digests else None,
        distribution=distribution,
        glibc=seen["glibc"],
        system_python=seen["python"] or None,
        system_python_candidate=row["python"] if row else None,
        package_manager={"apt-get": "apt", "dnf": "dnf"}.get(seen["manager"]),  # type: ignore[arg-type]  # its three values
        uid_1000_name=seen["user"] or None,
        architecture=image.architecture,
        env=tuple(sorted(image.env.items())),
    )


def check_free_disk(host: Host, facts: EngineFacts, need_bytes: int, what: str = "this build") -> None:
    """Say before work starts that the engine's disk is too small; an engine elsewhere is not looked at."""
    if not facts.local or not facts.storage_root:
        return
    free = host.free_bytes(Path(facts.storage_root))
    if free < need_bytes:
        raise EngineError(
            f"{facts.storage_root} has {free / 1e9:.1f} GB free, and {what} needs about "
            f"{need_bytes / 1e9:.0f} GB",
            fix="free space: `docker system df` shows what takes it, `docker builder prune` empties caches",
        )
