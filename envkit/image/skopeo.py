"""Push with skopeo, where it is: several layers at once, by gzip on all cores or zstd, past the engine."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from envkit.engines.base import Engine
from envkit.engines.credentials import Login, Name, login_for
from envkit.engines.registry import is_insecure
from envkit.engines.registry_failures import registry_failure, stalled
from envkit.engines.trust import Trust
from envkit.engines.values import ImageFacts
from envkit.errors import EngineError
from envkit.hosts.base import Command, Host, Silent
from envkit.image.oci_layout import TAG, write_layout
from envkit.scratch import Scratch, is_full, no_room

Compression = Literal["gzip", "zstd"]
_PROGRAM = "skopeo"
# It says nothing while it sends a layer, so what it writes is counted. Where nobody counts (no Linux), a link
# slower than this is taken for one that hangs.
_COUNTED = Path("/proc/self/io")
_SLOWEST_BYTES_S = 1e6
_LAST_LINES = 4
_FULL = "no space left on device"


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One image on its way to one name."""

    facts: ImageFacts
    name: Name
    compression: Compression
    silence_s: float


class Skopeo:
    """Sends images from a layout on this machine's disk, which is made once, however often it tries."""

    def __init__(self, engine: Engine, host: Host, program: Path) -> None:
        self._engine, self._host, self._program = engine, host, program
        self._scratch: Scratch | None = None

    @property
    def version(self) -> str:
        """Return what it calls itself."""
        told = self._host.run(Command(words=(str(self._program), "--version"))).stdout.split()
        return f"{_PROGRAM} {told[-1]}" if told else _PROGRAM

    def push(self, errand: Errand) -> str:
        """Send it; return the digest of the manifest as skopeo made it. RegistryFailed says how it failed."""
        doing, login = f"pushing {errand.name.whole}", login_for(errand.name.registry)
        folder = self._folder(errand, doing)
        digest = folder / "digest"
        digest.unlink(missing_ok=True)
        said: list[str] = []
        try:
            with _secret_file(_logins(errand.name.registry, login), folder) as secrets:
                code = self._host.stream(self._command(errand, secrets), said.append)
        except Silent as error:
            raise stalled(doing, errand.silence_s) from error
        if code:
            text = _why(" ".join(said[-_LAST_LINES:]))
            if _FULL in text and str(folder) in text:
                raise no_room(Path(gettempdir()), doing=doing)
            raise registry_failure(doing, errand.name, text, user=login.user if login else None)
        return digest.read_text("ascii").strip()

    def _folder(self, errand: Errand, doing: str) -> Path:
        """Return the folder with the layout, which is written once."""
        if self._scratch is not None:
            return self._scratch.path
        try:
            self._scratch = Scratch("push")
            write_layout(self._engine.images.save(errand.facts.id), self._scratch.path / "layout")
        except OSError as error:
            if is_full(error):
                raise no_room(Path(gettempdir()), doing=doing) from error
            raise
        return self._scratch.path

    def _command(self, errand: Errand, secrets: Path) -> Command:
        assert self._scratch is not None
        folder = self._scratch.path
        insecure = is_insecure(errand.name.registry, Trust(insecure=self._engine.facts().setup.insecure))
        words = (
            str(self._program),
            "copy",
            f"--dest-authfile={secrets}",
            f"--digestfile={folder / 'digest'}",
            f"--dest-compress-format={errand.compression}",
            f"--dest-tls-verify={'false' if insecure else 'true'}",
            f"oci:{folder / 'layout'}:{TAG}",
            f"docker://{errand.name.whole}",
        )
        more_s = 0.0 if _COUNTED.exists() else errand.facts.size_bytes / _SLOWEST_BYTES_S
        return Command(words=words, timeout_s=errand.silence_s + more_s, sends=True)

    def close(self) -> None:
        """Remove the layout."""
        if self._scratch is not None:
            self._scratch.remove()


def find_skopeo(engine: Engine, host: Host, facts: ImageFacts) -> Skopeo | None:
    """Return it where it is; EnvkitError when there is no room for its layout."""
    found = host.find_programs(_PROGRAM)
    if not found:
        return None
    folder = Path(gettempdir())
    free, needed = host.free_bytes(folder), 2 * facts.size_bytes  # the layout, and what skopeo itself writes
    if free < needed:
        figures = f"skopeo needs {needed / 1e9:.1f} GB there, {free / 1e9:.1f} GB are free"
        raise no_room(folder, figures=figures)
    return Skopeo(engine, host, found[0])


@contextmanager
def _secret_file(text: str, folder: Path) -> Iterator[Path]:
    """Give a file of this user alone, for as long as it is needed: on a command line everybody could read it.

    It lies in this process's memory (memfd_create(2)), so that it is gone with it, however it ends. Where
    there is no such thing, it lies in the folder.
    """
    if not hasattr(os, "memfd_create"):
        path = folder / "auth.json"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        try:
            yield path
        finally:
            path.unlink()
        return
    with os.fdopen(os.memfd_create("envkit-login"), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        yield Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")


def missing() -> EngineError:
    """Return the error of a push by skopeo where there is none."""
    return EngineError(
        "skopeo cannot be used here",
        fix="install it (Debian, Ubuntu: apt-get install skopeo), or --way engine",
    )


def _why(text: str) -> str:
    """Return the reason alone, of all that skopeo says."""
    found = re.search(r'level=fatal msg="((?:[^"\\]|\\.)*)"', text)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else text


def _logins(registry: str, login: Login | None) -> str:
    if login is None:
        return json.dumps({"auths": {}})
    words = f"{login.user}:{login.password}"
    told = {"auth": base64.b64encode(words.encode()).decode("ascii")}
    if login.token:
        told["identitytoken"] = login.token
    return json.dumps({"auths": {registry: told}})
