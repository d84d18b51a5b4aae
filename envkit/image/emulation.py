"""Whether an engine runs programs of another machine: it is asked to run the smallest one there is.

No list tells it: an engine has none, a builder's own (`docker buildx inspect`) is made once, and may be old.
"""

from __future__ import annotations

import io
import struct
import tarfile
import time
from pathlib import Path

from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, RunRequest
from envkit.errors import EngineError
from envkit.image.for_now import forget_names, name_for_now
from envkit.plan import emulation
from envkit.scratch import Scratch

_PROGRAM = "exit"
_ADDRESS = 0x400000
_ALIGNED = 0x10000  # the largest page that an arm64 kernel has
_HEADERS = 64 + 56
# ELF's number of the machine (elf(5)), and its instructions of exit(0).
_EXITS = {
    "amd64": (62, "31ff b83c000000 0f05"),  # xor edi, edi; mov eax, 60; syscall
    "arm64": (183, "000080d2 a80b80d2 010000d4"),  # mov x0, 0; mov x8, 93; svc 0
}
_PATIENCE_S = 60.0
_NO = "exec format error"  # as the kernel, and newer runtimes, say no


def warned(engine: Engine, what: str, architecture: str) -> tuple[str, ...]:
    """Return what is to be said before what is made for them runs; HostError when it would not."""
    machine = engine.facts().architecture
    can = architecture in ("", machine) or emulates(engine, architecture)
    return emulation.warned(what, architecture, machine, can=can)


def platform_of(engine: Engine, image: str) -> str:
    """Return what a builder must be told of an image that it builds on; "" for one of its own machine."""
    facts = engine.images.inspect(image)
    return "" if facts is None else platform(engine, facts.architecture)


def platform(engine: Engine, architecture: str) -> str:
    """Return the same for a machine."""
    return "" if architecture in ("", engine.facts().architecture) else f"linux/{architecture}"


def emulates(engine: Engine, architecture: str) -> bool:
    """Tell whether it runs programs of such machines. Takes about a second, and leaves nothing behind."""
    if architecture not in _EXITS:
        return False
    with Scratch("emulation") as scratch:
        name = name_for_now("emulation", architecture)
        labels = {OWNED: "true", "io.envkit.kind": "emulation"}
        image = engine.images.import_rootfs(
            _rootfs(scratch / "root.tar", architecture), name, labels, architecture
        )
    try:
        return _ends_well(engine, image, architecture)
    finally:
        forget_names(engine, image)


def _ends_well(engine: Engine, image: str, architecture: str) -> bool:
    request = RunRequest(
        image=image,
        entrypoint=(f"/{_PROGRAM}",),
        command=(architecture,),  # it reads none
        user="0:0",
        network="none",
        health=False,
    )
    try:
        with running(engine, request) as container:
            deadline = time.monotonic() + _PATIENCE_S
            while time.monotonic() < deadline:
                facts = engine.containers.inspect(container)
                if facts is not None and facts.exit_code is not None:
                    return facts.exit_code == 0
                time.sleep(0.05)
    except EngineError as error:
        if _NO not in error.what:
            raise
    return False


def _rootfs(tar: Path, architecture: str) -> Path:
    program = elf(*_EXITS[architecture])
    with tarfile.open(tar, "w") as archive:
        entry = tarfile.TarInfo(_PROGRAM)
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return tar


def elf(machine: int, instructions: str) -> bytes:
    """Return a program of these instructions: 64 bits, little-endian, one segment, nothing linked."""
    code = bytes.fromhex(instructions)
    size = _HEADERS + len(code)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01", 2, machine, 1, _ADDRESS + _HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, _ALIGNED)
    return head + segment + code
