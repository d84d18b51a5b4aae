"""What is seen of an environment that is to be saved: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from envkit.engines.values import Change, ContainerFacts, ImageFacts
from envkit.image.manifest import Manifest
from envkit.save.findings import Finding, Unread
from envkit.save.lineage import Ancestor
from envkit.save.values import Value


@dataclass(frozen=True, kw_only=True)
class Path:
    """One changed path; its size is None where nobody could look (the environment is stopped)."""

    path: str
    kind: Literal["changed", "added", "deleted"]
    folder: bool = False
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Installed:
    """Something that was installed into a mount, and so is in no image."""

    kind: str  # pip | extension | virtual environment
    name: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A mount of the environment: what lies there is in no image."""

    target: str
    source: str
    installed: tuple[Installed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unkept:
    """A changed path that no layer can hold."""

    path: str
    why: str
    hides: bool = False  # the engine's own commit would take its name for the deletion of another file


@dataclass(frozen=True, kw_only=True)
class Sight:
    """An environment as it is, and where it came from."""

    environment: str
    container: ContainerFacts
    image: ImageFacts  # that it was started from
    image_tag: str
    config: Mapping[str, Any] = field(repr=False)  # the image's, raw
    container_env: Mapping[str, str] = field(repr=False)
    changes: tuple[Change, ...]
    paths: tuple[Path, ...]
    written_bytes: int
    before: Manifest
    now: Manifest | None  # None: it could not be asked
    outside: tuple[Outside, ...]
    history: tuple[str, ...] = field(default=(), repr=False)  # of its image, a line a step
    values: tuple[Value, ...] = field(default=(), repr=False)  # that must not be in an image
    unkept: tuple[Unkept, ...] = ()
    unread: tuple[Unread, ...] = ()  # not searched for secrets, or not to the end
    found: tuple[Finding, ...] = ()  # secrets in what was changed, where they were looked for
    was_handed_secrets: bool = False  # by `up --env-file`, its spec, or in a variable
    engine_is_here: bool = True
    saves: tuple[Ancestor, ...] = ()  # that led to its image, the newest first
    busy: tuple[str, ...] = ()  # processes that install something
    stuck: tuple[str, ...] = ()  # processes that cannot be stopped for a moment
    manual: tuple[str, ...] = ()  # packages of apt that somebody asked for
    unseen: str = ""  # why not all could be looked at
