"""Find a base image: here, in a registry, or made from its distribution's own packages."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from envkit import compat
from envkit.container.temporary import running
from envkit.engines.base import OWNED, Engine, EngineFacts, ExecRequest, ImageFacts, RunRequest
from envkit.errors import EngineError, HostError
from envkit.hosts.base import Command, Host
from envkit.plan.facts import BaseFacts

Report = Callable[[str], None]

_DISTRIBUTION = re.compile(r"(?:.*/)?(debian|ubuntu):([0-9.]+)")
_BOOTSTRAP_SILENCE_S = 600.0

# Run in the base with its own shell; prints JSON. Every value is a plain word, so no quoting is needed.
_LOOK = r"""
. /etc/os-release
glibc=$(ldd --version 2>/dev/null | head -n 1 | grep -oE '[0-9]+\.[0-9]+$' || true)
python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
manager=
for name in apt-get dnf; do command -v $name >/dev/null && manager=$name && break; done
user=$(awk -F: '$3 == 1000 { print $1; exit }' /etc/passwd)
printf '{"id":"%s","version":"%s","glibc":"%s","python":"%s","manager":"%s","user":"%s"}' \
    "$ID" "$VERSION_ID" "$glibc" "$python" "$manager" "$user"
"""


def find_base(reference: str, engine: Engine, host: Host, report: Report) -> ImageFacts:
    """Return the base: the engine's own, else pulled, else bootstrapped. EngineError says what each way said."""
    found = engine.images.inspect(reference)
    if found is not None:
        return found
    report(f"the base {reference} is not here: asking the registry")
    try:
        return engine.images.pull(reference, report)
    except EngineError as error:
        pulled = error.what
    distribution = _DISTRIBUTION.fullmatch(reference.partition("@")[0])
    if distribution is None or "@" in reference or "/" in reference:
        raise EngineError(
            f"the base {reference} cannot be had: {pulled}",
            fix="load it with `docker load`, or use a base of debian or ubuntu: those envkit makes itself",
        )
    report(f"no registry gives it: making {reference} from its distribution's packages")
    try:
        return _bootstrap(reference, f"{distribution[1]}:{distribution[2]}", engine, host, report)
    except (EngineError, HostError) as error:
        raise EngineError(
            f"the base {reference} cannot be had\n  registry: {pulled}\n  own packages: {error.what}",
            fix=error.fix,
        ) from error


def describe_base(engine: Engine, reference: str) -> BaseFacts:
    """Look into a base image with its own shell; EngineError when it has none."""
    image = engine.images.inspect(reference)
    if image is None:
        raise EngineError(f"there is no image {reference} here", fix="pull it, or look at `base:`")
    request = RunRequest(
        image=image.id, entrypoint=("/bin/sh",), command=("-c", "sleep 60"), user="0:0", network="none"
    )
    with running(engine, request) as container:
        result = engine.inside.execute(container, ExecRequest(command=("/bin/sh", "-c", _LOOK), timeout_s=30))
    try:
        seen: dict[str, str] = json.loads(result.stdout)
    except ValueError as error:
        raise EngineError(
            f"{reference} does not say which distribution it is (it has no /etc/os-release)",
            fix="use another base",
        ) from error
    distribution = f"{seen['id']}:{seen['version']}"
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


def check_free_disk(host: Host, facts: EngineFacts, need_bytes: int) -> None:
    """Say before work starts that the engine's disk is too small; an engine elsewhere is not looked at."""
    if not facts.local or not facts.storage_root:
        return
    free = host.free_bytes(Path(facts.storage_root))
    if free < need_bytes:
        raise EngineError(
            f"{facts.storage_root} has {free / 1e9:.1f} GB free; this build needs about {need_bytes / 1e9:.0f} GB",
            fix="free space: `docker system df` shows what takes it, `docker builder prune` removes old caches",
        )


def _bootstrap(reference: str, distribution: str, engine: Engine, host: Host, report: Report) -> ImageFacts:
    row = compat.table("distributions")["rows"].get(distribution)
    if row is None:
        known = ", ".join(compat.table("distributions")["rows"])
        raise HostError(f"envkit knows no release {distribution}", fix=f"use one of {known}")
    _need_mmdebstrap(host, report)
    with tempfile.TemporaryDirectory(prefix="envkit-base-") as scratch:
        tar = Path(scratch) / "base.tar"
        words = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", row["codename"], str(tar)]
        if not _host_is(host, distribution.partition(":")[0]):
            words.append(row["mirror"])
        lines: list[str] = []

        def each_line(line: str) -> None:
            lines.append(line)
            if line.startswith("I: "):
                report(line.removeprefix("I: "))

        # The same packages give the same bytes: times are set to the epoch that is given (mmdebstrap(1)).
        command = Command(words=tuple(words), env={"SOURCE_DATE_EPOCH": "0"}, timeout_s=_BOOTSTRAP_SILENCE_S)
        if host.stream(command, each_line) != 0:
            raise HostError(
                "mmdebstrap failed: " + " / ".join(lines[-3:]),
                fix=f"run it by hand to see more: {' '.join(words[:4])}",
            )
        labels = {OWNED: "true", "io.envkit.kind": "base", "io.envkit.distribution": distribution}
        engine.images.import_rootfs(tar, reference, labels)
    found = engine.images.inspect(reference)
    if found is None:
        raise EngineError(f"{reference} was imported and is gone", fix="run the command again")
    return found


def _need_mmdebstrap(host: Host, report: Report) -> None:
    if host.find_programs("mmdebstrap"):
        return
    may_install = (
        bool(host.find_programs("apt-get")) and host.run(Command(words=("id", "-u"))).stdout.strip() == "0"
    )
    if not may_install:
        raise HostError(
            "mmdebstrap is not here", fix="install it: `apt-get install mmdebstrap` (Debian, Ubuntu)"
        )
    report("installing mmdebstrap with apt-get")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ("apt-get", "update"),
        ("apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap"),
    ):
        result = host.run(Command(words=words, env=environment, timeout_s=_BOOTSTRAP_SILENCE_S))
        if result.code != 0:
            raise HostError(
                f"{' '.join(words[:2])} failed: {result.stderr.strip()[-200:]}",
                fix="install mmdebstrap by hand",
            )


def _host_is(host: Host, distribution: str) -> bool:
    """Tell whether the host is of this distribution: then its own mirror, proxy and keys serve."""
    text = (host.read(Path("/etc/os-release")) or b"").decode("utf-8", "replace")
    return re.search(rf"^ID={distribution}$", text, re.MULTILINE) is not None
