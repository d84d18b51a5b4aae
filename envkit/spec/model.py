"""The spec: one frozen model that gives validation, the JSON Schema and the README's table.

Every field's `description` is user text: it appears in the schema and in the README.
Values are immutable all the way down (tuples, `FrozenMap`), so that a spec hashes and compares.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from envkit.spec.fields import (
    AptPackage,
    EnvName,
    EnvValue,
    ExtensionId,
    FrozenMap,
    ImageReference,
    JsonText,
    LabelName,
    Line,
    Name,
    PipRequirement,
    PythonVersion,
    RelativePath,
    Sha256,
    UserName,
    Version,
)


class Part(BaseModel):
    """The base of every part of a spec: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Apt(Part):
    """Packages of the distribution. A plain list is the short form of `packages`."""

    packages: tuple[AptPackage, ...] = Field(
        (), description="package names, each with an optional `=version`"
    )
    files: tuple[RelativePath, ...] = Field(
        (), description="files with one package a line; `#` starts a comment"
    )


class Pip(Part):
    """Packages of the user's Python. A plain list is the short form of `packages`."""

    packages: tuple[PipRequirement, ...] = Field(default=(), description="requirements as PEP 508 writes them")
    requirements: tuple[RelativePath, ...] = Field(default=(), description="requirements files")
    wheels: RelativePath | None = Field(default=None, description="a folder of wheels, preferred to the index")


class Extension(Part):
    """A VS Code extension. A bare id or path is the short form, and is required."""

    id: ExtensionId | None = Field(
        None, description="`publisher.name`, with an optional `@version`, from the gallery"
    )
    vsix: RelativePath | None = Field(default=None, description="a `.vsix` file instead of an id")
    optional: bool = Field(default=False, description="when it cannot be fetched: named in the verdict, not an error")


class JupyterLab(Part):
    """JupyterLab, in a Python of its own."""

    version: Version = Field(default="4.6.6", description="at least 4.6")
    settings: JsonText | None = Field(default=None, description="JupyterLab's `overrides.json`, as a mapping")


class CodeServer(Part):
    """VS Code in the browser."""

    version: Version | None = Field(default="4.138.0", description="which release; with `source: script` the newest")
    source: Literal["auto", "release", "npm", "file", "script"] = Field(
        "auto",
        description="where it comes from; `auto` takes the first of release and npm that can be reached",
    )
    sha256: Sha256 | None = Field(default=None, description="of the release file; known ones need none")
    file: RelativePath | None = Field(default=None, description="a release file (`.tar.gz`) with `source: file`")
    extensions: tuple[Extension, ...] = Field(default=(), description="extensions that are there for every user")
    settings: JsonText | None = Field(default=None, description="VS Code's machine settings, as a mapping")
    own_door: bool = Field(default=False, description="a second door at port 8080 with a password of its own")


class Ide(Part):
    """The two IDEs. `false` leaves one out."""

    jupyterlab: JupyterLab | Literal[False] = Field(default=JupyterLab(), description="JupyterLab, or `false`")
    code_server: CodeServer | Literal[False] = Field(default=CodeServer(), description="code-server, or `false`")


class Services(Part):
    """What runs beside the IDEs."""

    tensorboard: bool = Field(
        True, description="TensorBoard at `<base>/tensorboard/`, started by the first request"
    )


class User(Part):
    """Who owns the user's Python and runs the image when nobody says otherwise."""

    name: UserName = Field(default="dev", description="the user's name")
    uid: Annotated[int, Field(ge=1, le=2_000_000_000)] = Field(default=1000, description="user id")
    gid: Annotated[int, Field(ge=0, le=2_000_000_000)] = Field(
        0, description="group id; 0 lets any uid run it"
    )


class Step(Part):
    """A build step of the user's own: the one place where text becomes an instruction."""

    run: Line | None = Field(default=None, description="a shell command, one line")
    script: RelativePath | None = Field(default=None, description="a script that is copied in and run")
    copy_from: RelativePath | None = Field(None, alias="copy", description="a file or folder to copy in")
    to: Line | None = Field(default=None, description="where `copy` goes, an absolute path")
    user: Literal["root", "user"] = Field(default="user", description="who runs it")
    at: Literal["before_packages", "after_packages"] = Field(default="after_packages", description="when it runs")


class Spec(Part):
    """An image, as its user wants it."""

    name: Name = Field(description="the image's name; it is tagged `NAME:dev`")
    extends: tuple[Line, ...] = Field(
        (), description="presets (`preset:cpu`) or files that this one builds on"
    )
    base: ImageReference | Literal["auto"] = Field(default="auto", description="the base image, or `auto`")
    os: Line | None = Field(
        None, description="the base's distribution (`debian:12`) when its name does not tell"
    )
    accelerator: Literal["cpu", "cuda", "ascend"] = Field(default="cpu", description="what computes")
    python: PythonVersion = Field(default="3.11", description="the user's Python, `major.minor`")
    torch: Version | None = Field(default=None, description="torch's version; left out: no torch")
    torch_npu: Version | None = Field(default=None, description="torch_npu's version, on Ascend")
    cuda: Version | None = Field(default=None, description="the CUDA line of torch's build, such as `12.8`")
    apt: Apt = Field(default=Apt(), description="packages of the distribution")
    pip: Pip = Field(default=Pip(), description="packages of the user's Python")
    env: FrozenMap[EnvName, EnvValue] = Field(
        FrozenMap(), description="environment variables, seen by every process"
    )
    ide: Ide = Field(default=Ide(), description="the IDEs")
    services: Services = Field(default=Services(), description="what runs beside the IDEs")
    user: User = Field(default=User(), description="who runs the image")
    steps: tuple[Step, ...] = Field(default=(), description="build steps of your own: the one place for commands")
    template: RelativePath | None = Field(default=None, description="a Jinja template of your own that extends ours")
    labels: FrozenMap[LabelName, EnvValue] = Field(default=FrozenMap(), description="labels of the image")
