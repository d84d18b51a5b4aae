"""What is known of the world when a plan is made: arguments to planning, never asked for by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from envkit.plan.kept import Kept


@dataclass(frozen=True, kw_only=True)
class BaseFacts:
    """A base image, as looking into it tells."""

    reference: str
    image_id: str
    digest: str | None = None  # repo@sha256:…; None for what never saw a registry
    distribution: str  # "debian:12"
    glibc: str  # "2.36"
    system_python: str | None  # the distribution's python3 that is installed, "3.11"
    system_python_candidate: str | None  # the one its packages would install
    package_manager: Literal["apt", "dnf"] | None
    uid_1000_name: str | None = None
    architecture: str = "amd64"
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuildFacts:
    """What planning a build may know; everything has a value that means "not looked at"."""

    architecture: str = "amd64"  # of the image, as OCI names it: the target's, else the engine's
    engine_makes: str = ""  # the architecture of what the engine builds; "": nobody asked
    emulates: bool = False  # it can build for other machines than its own, and run what comes of it
    foreign_bases: tuple[str, ...] = ()  # names under which the engine has a base for the image's machine
    builder: Literal["buildkit", "classic"] = "buildkit"
    cache: str = "envkit"  # the first part of the names of the builder's caches, which images share
    base_id: str = ""  # the base image's id; "" when it is not here
    base: BaseFacts | None = None  # looked into only when its name does not tell
    kept: Kept | None = None  # what a base that is adopted keeps of its own
    wheels: tuple[str, ...] = ()  # file names in the wheel folders of this machine's pip
    reachable: Mapping[str, bool] = field(
        default_factory=dict
    )  # "release", "npm", "torch", "gallery"; absent: not tried

    @property
    def is_foreign(self) -> bool:
        """Tell whether the image is for another machine than the one that builds it."""
        return self.engine_makes not in ("", self.architecture)


@dataclass(frozen=True, kw_only=True)
class ContextFile:
    """A file of the build context: its bytes, or where they are. Paths are POSIX, relative."""

    name: str
    content: bytes | Path
    mode: int = 0o644
    sha256: str = ""  # of a file that is not read into memory


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the spec's files hold: read once, at the edge."""

    files: tuple[
        ContextFile, ...
    ] = ()  # by the name that the spec gives them; a folder's files by folder/name
