"""The plan of a build: the spec with every decision made. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from envkit.accelerators.fit import Considered, Needs
from envkit.plan.facts import ContextFile
from envkit.plan.kept import Kept


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One thing that was decided, and why."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class BasePlan:
    """The image that is built on."""

    reference: str
    distribution: str
    manager: Literal["apt", "dnf"]
    image: str  # the engine's name of it

    @property
    def system(self) -> str:
        """Return the distribution as a word that fits a cache's name: `debian-12`."""
        return self.distribution.replace(":", "-")


@dataclass(frozen=True, kw_only=True)
class ExtensionPlan:
    """A VS Code extension, from the gallery or from a file."""

    id: str = ""
    version: str = ""  # of one from the gallery; "": the newest
    vsix: str = ""  # the file's name, instead of an id
    optional: bool = False

    @property
    def name(self) -> str:
        """Return the extension as the spec names it: `id`, `id@version` or the file's name."""
        return self.vsix or self.id + ("@" + self.version if self.version else "")


@dataclass(frozen=True, kw_only=True)
class CodeServerPlan:
    """Where code-server comes from, and what comes with it."""

    version: str | None  # None: the newest, with the official script
    source: Literal["release", "npm", "file", "script"]
    url: str = ""
    sha256: str = ""
    integrity: str = ""  # npm's `sha512-…`; "" when none is known
    file: str = ""
    extensions: tuple[ExtensionPlan, ...] = ()
    gallery: str = ""


@dataclass(frozen=True, kw_only=True)
class ToolsPlan:
    """The stage of the IDE tools: knows no accelerator."""

    base: str
    image: str  # the engine's name of it
    system: str
    jupyterlab: str
    hashed: bool  # every package with its hash
    code_server: CodeServerPlan | None
    packages: tuple[str, ...]  # of the distribution
    code_server_packages: tuple[str, ...]  # what its source needs of the distribution beside them


@dataclass(frozen=True, kw_only=True)
class PythonPlan:
    """The user's Python."""

    version: str
    interpreter: str
    own_packages: bool  # the base's Python has packages that must stay visible
    packages: tuple[str, ...]  # of the distribution
    folders: tuple[str, ...] = ()  # of packages of an adopted image's own Python, which stay visible
    home: str = "/opt/venv"

    @property
    def program(self) -> str:
        """Return the user's `python`."""
        return f"{self.home}/bin/python"


@dataclass(frozen=True, kw_only=True)
class TorchPlan:
    """The torch that must be there in the end."""

    version: str
    build: str  # "cpu", "cu128"
    requirements: tuple[str, ...]
    index: str | None  # asked before the machine's own; None: not needed
    npu: str | None = None  # torch_npu's version
    of_base: bool = False  # nothing is installed: the base's own Python has it


@dataclass(frozen=True, kw_only=True)
class UserPlan:
    """The run user."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """A build step of the user's own."""

    number: int
    what: str  # the command, or the file, as the spec writes it
    at: Literal["before_packages", "after_packages"]
    as_root: bool
    copy_to: str = ""  # a copy instead of a command; of a folder's contents it ends with `/`
    copy_file: str = ""  # the one file to copy; "": a folder's contents


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """An image to build. The same plan is printed by a dry run and carried out."""

    name: str
    tag: str
    builder: Literal["buildkit", "classic"]
    cache_prefix: str  # of the builder's cache mounts, shared by all images
    template: str  # the template that is rendered
    accelerator: str
    base: BasePlan
    tools: ToolsPlan
    python: PythonPlan
    torch: TorchPlan | None
    requirements: tuple[str, ...]  # requirements files in the context's `requirements/`
    wheels: bool  # the context has a folder `wheels/`
    own_wheels: tuple[str, ...] = ()  # projects of the spec's own wheels, of which a file may have changed
    user: UserPlan
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    steps: tuple[StepPlan, ...]
    own_door: bool
    tensorboard: bool
    lab_settings: str | None  # JupyterLab's overrides.json
    code_settings: str | None  # VS Code's settings, JSON
    digest: str  # decides "nothing changed"
    decisions: tuple[Decision, ...]
    considered: tuple[Considered, ...]  # the rows of the tables that were looked at
    needs: Needs
    warnings: tuple[str, ...]
    blocked: str  # why it cannot be built from here; "" when nothing speaks against it
    kept: Kept | None = None  # what an adopted image keeps of its own
    own_template: str  # the user's own, as the spec names it; it is rendered as `user.j2`
    # All of the context but the Dockerfile and what templates give.
    files: tuple[ContextFile, ...] = field(repr=False)
