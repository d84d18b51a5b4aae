"""Push with skopeo, where it is: several layers at once, by gzip on all cores or zstd, past the engine."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from envkit.engines.base import Engine
from envkit.engines.credentials import Login, Name, login_for
from envkit.engines.registry import Trust, is_insecure
from envkit.engines.registry_failures import registry_failure, stalled
from envkit.engines.values import ImageFacts
from envkit.errors import EngineError
from envkit.hosts.base import Command, Host, Silent
from envkit.image.oci_layout import TAG, write_layout
from envkit.scratch import Scratch

Compression = Literal["gzip", "zstd"]
_PROGRAM = "skopeo"
# It says nothing while it sends a layer: a link slower than this is taken for one that hangs.
_SLOWEST_BYTES_S = 1e6
_LAST_LINES = 4


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
        if self._scratch is None:
            self._scratch = Scratch("push")
            write_layout(self._engine.images.save(errand.facts.id), self._scratch.path / "layout")
        folder, login = self._scratch.path, login_for(errand.name.registry)
        digest = folder / "digest"
        digest.unlink(missing_ok=True)
        said: list[str] = []
        try:
            with _secret_file(_logins(errand.name.registry, login), folder) as secrets:
                code = self._host.stream(self._command(errand, secrets), said.append)
        except Silent as error:
            raise stalled(f"pushing {errand.name.whole}", errand.silence_s) from error
        if code:
            text = " ".join(said[-_LAST_LINES:])
            user = login.user if login else None
            raise registry_failure(f"pushing {errand.name.whole}", errand.name, text, user=user)
        return digest.read_text("ascii").strip()

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
        patience_s = errand.silence_s + errand.facts.size_bytes / _SLOWEST_BYTES_S
        return Command(words=words, timeout_s=patience_s)

    def close(self) -> None:
        """Remove the layout."""
        if self._scratch is not None:
            self._scratch.remove()


def find_skopeo(engine: Engine, host: Host, facts: ImageFacts, say: Callable[[str], None]) -> Skopeo | None:
    """Return it when it is here and its layout has room; `say` hears why not, where that may surprise."""
    found = host.find_programs(_PROGRAM)
    if not found:
        return None
    free = host.free_bytes(Path(gettempdir()))
    if free < 2 * facts.size_bytes:  # the layout, and what skopeo itself writes beside it
        say(f"skopeo is here, but {gettempdir()} has no room for {2 * facts.size_bytes / 1e9:.1f} GB")
        return None
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


def _logins(registry: str, login: Login | None) -> str:
    if login is None:
        return json.dumps({"auths": {}})
    words = f"{login.user}:{login.password}"
    told = {"auth": base64.b64encode(words.encode()).decode("ascii")}
    if login.token:
        told["identitytoken"] = login.token
    return json.dumps({"auths": {registry: told}})
