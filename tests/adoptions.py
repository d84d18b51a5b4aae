"""What tests of adoption share: an image in memory, and what its shell and its Python say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult, ImageFacts
from envkit.hosts.base import Command
from envkit.image.own_entrypoint import SAY
from envkit.image.own_look import MARK, OWN, SYSTEM
from envkit.probes import scan_archive
from tests.scripted_host import ScriptedHost

IMAGE = "team/train:1.0"
ROOT = "0:0"


@dataclass
class Image:
    """An image as its own programs describe it; a test changes what it is about."""

    facts: ImageFacts = field(
        default_factory=lambda: replace(EMPTY, tags=(IMAGE,), user="app", env={"PATH": "/app/venv/bin:/bin"})
    )
    system: Mapping[str, str] = field(
        default_factory=lambda: {"id": "debian", "version": "12", "glibc": "2.36"}
    )
    manager: str = "apt-get"
    own: Mapping[str, str] = field(
        default_factory=lambda: {"uid": "4321", "home": "/home/app", "directory": "/app", "python": "python"}
    )
    python: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] | None = field(default_factory=dict)  # None: it does not even start for them
    wraps: bytes | None = None  # what a command's environment is behind the entrypoint; None: it does not run

    def engine(self) -> FakeEngine:
        """Return an engine that has the image."""
        engine = FakeEngine()
        engine.images.add(self.facts)
        accounts = "account=root:0\naccount=app:4321\n"
        system = {**self.system, "manager": self.manager}
        engine.inside.scripts = {
            ("/bin/sh", "-c", SYSTEM): ExecResult(
                code=0, stdout=_lines(system) + accounts.encode(), stderr=b""
            ),
            ("/bin/sh", "-c", OWN): ExecResult(code=0, stdout=_lines(self.own), stderr=b""),
            ("python", "-"): self._says,
            (self._said["program"], "-", *self._said["folders"]): self._says,
        }
        words = b"welcome\n\nenvkit-has-run " + (self.wraps or b"") + b" envkit-has-ended\n"
        code, printed = (0, words) if self.wraps is not None else (2, b"no such option\n")
        engine.containers.endings[("/bin/sh", "-c", SAY)] = (code, printed)
        return engine

    @property
    def _said(self) -> dict[str, Any]:
        said = {
            "version": "3.11", "implementation": "cpython", "program": "/app/venv/bin/python",
            "interpreter": "/usr/bin/python3.11", "folders": ["/app/venv/lib/python3.11/site-packages"],
            "unreadable": [], "closed": {},
        }  # fmt: skip
        return {**said, **self.python}

    def _says(self, container: ContainerFacts, request: ExecRequest) -> ExecResult:
        stranger = request.user not in (ROOT, self.facts.user)
        if stranger and self.others is None:
            return ExecResult(code=126, stdout=b"", stderr=b"permission denied")
        said = {**self._said, **((self.others or {}) if stranger else {})}
        return _printed(f"hello\n{MARK}{json.dumps(said)}\n".encode())


class Searcher(ScriptedHost):
    """A machine that searches an image's bytes with this Python."""

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        plan = json.loads(command.stdin)["plan"]
        scan = scan_archive.Archive(plan)
        with Path(plan["path"]).open("rb") as file:
            scan.read(file)
        each_line(json.dumps(scan.report))
        return 0


def _printed(text: bytes) -> ExecResult:
    return ExecResult(code=0, stdout=text, stderr=b"")


def _lines(words: Mapping[str, str]) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in words.items()).encode()
