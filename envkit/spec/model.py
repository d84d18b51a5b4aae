"""The spec: one frozen model that gives validation, the JSON Schema and the README's table.

Every field's `description` is user text: it appears in the schema and in the README.
Values are immutable all the way down (tuples, `FrozenMap`), so that a spec hashes and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from envkit.spec import rules, short
from envkit.spec.fields import (
    AbsolutePath,
    CodeServerVersion,
    Command,
    CudaVersion,
    Distribution,
    EnvName,
    EnvValue,
    ExtensionId,
    Flag,
    FrozenMap,
    GroupId,
    ImageReference,
    JsonText,
    JupyterLabVersion,
    LabelName,
    Name,
    ParentReference,
    PythonVersion,
    RelativePath,
    SecretFile,
    SecretName,
    Sha256,
    TorchVersion,
    UserId,
    UserName,
    Version,
)
from envkit.spec.packages import Apt, Dnf, Pip
from envkit.spec.part import Broken, Part
from envkit.spec.target import Target


class Extension(Part):
    """A VS Code extension. A bare id or path is the short form, and is required."""

    model_config = ConfigDict(json_schema_extra=short.or_text)

    id: ExtensionId | None = Field(
        default=None, description="`publisher.name`, with an optional `@version`, from the gallery"
    )
    vsix: RelativePath | None = Field(default=None, description="a `.vsix` file instead of an id")
    optional: Flag = Field(
        default=False, description="when it cannot be fetched: named in the verdict, not an error"
    )

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read a text as an id, or as the path of a `.vsix` file."""
        return short.extension(given)

    @classmethod
    def broken_rules(cls, given: Mapping[str, object]) -> Iterator[Broken]:
        """Ask for exactly one of `id` and `vsix`."""
        return rules.extension(given)


class JupyterLab(Part):
    """JupyterLab, in a Python of its own."""

    text_key: ClassVar[str] = "version"

    version: JupyterLabVersion = Field(default="4.6.6", description="at least 4.6")
    settings: JsonText | None = Field(default=None, description="JupyterLab's `overrides.json`, as a mapping")


class CodeServer(Part):
    """VS Code in the browser."""

    text_key: ClassVar[str] = "version"

    version: CodeServerVersion | None = Field(
        default="4.138.0", description="which release; with `source: script` always the newest"
    )
    source: Literal["auto", "release", "npm", "file", "script"] = Field(
        default="auto",
        description="where it comes from; `auto` takes the first of release and npm that can be reached",
    )
    sha256: Sha256 | None = Field(
        default=None,
        description="of the release file; with it, `auto` takes the release where that can be reached",
    )
    file: RelativePath | None = Field(
        default=None, description="a release file (`.tar.gz`), with `source: file`"
    )
    extensions: tuple[Extension, ...] = Field(
        default=(), description="extensions that are there for every user"
    )
    settings: JsonText | None = Field(default=None, description="VS Code's machine settings, as a mapping")
    own_door: Flag = Field(default=False, description="a second door at port 8080 with a password of its own")

    @classmethod
    def long_form(cls, given: object) -> object:
        """Leave the version out where the install script takes the newest."""
        return short.code_server(given)

    @classmethod
    def broken_rules(cls, given: Mapping[str, object]) -> Iterator[Broken]:
        """Let `file`, `sha256` and `version` stand only beside a source that uses them."""
        return rules.code_server(given)


def _on_or_off(given: Any) -> str:
    return "off" if given is False else "on"


class Ide(Part):
    """The two IDEs."""

    jupyterlab: JupyterLab = Field(
        default=JupyterLab(),
        description="JupyterLab; its login is the door to all else, so it is always there",
        json_schema_extra=short.or_true,
    )
    code_server: Annotated[
        Annotated[CodeServer, Tag("on")] | Annotated[Literal[False], Tag("off")], Discriminator(_on_or_off)
    ] = Field(default=CodeServer(), description="code-server, or `false`", json_schema_extra=short.or_true)

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read `true` as an IDE with its defaults."""
        return short.ides(given)


class Services(Part):
    """What runs beside the IDEs."""

    tensorboard: Flag = Field(
        default=True, description="TensorBoard at `<base>/tensorboard/`, started by the first request"
    )


class User(Part):
    """Who owns the user's Python and runs the image when nobody says otherwise."""

    text_key: ClassVar[str] = "name"

    name: UserName = Field(default="dev", description="the user's name")
    uid: UserId = Field(default=1000, description="user id; never 0")
    gid: GroupId = Field(default=0, description="group id; 0 lets any uid run it")


class Step(Part):
    """A build step of the user's own: the one place where text becomes an instruction."""

    text_key: ClassVar[str] = "run"

    run: Command | None = Field(default=None, description="a shell command, one line")
    script: RelativePath | None = Field(default=None, description="a script that is copied in and run")
    copy_from: RelativePath | None = Field(
        default=None, alias="copy", description="a file or folder to copy in"
    )
    to: AbsolutePath | None = Field(default=None, description="where `copy` goes, an absolute path")
    user: Literal["root", "user"] = Field(default="user", description="who runs it")
    at: Literal["before_packages", "after_packages"] = Field(
        default="after_packages", description="when it runs"
    )

    @classmethod
    def broken_rules(cls, given: Mapping[str, object]) -> Iterator[Broken]:
        """Ask for exactly one of `run`, `script` and `copy`, and for `to` with `copy` only."""
        return rules.step(given)


class Secret(Part):
    """What an environment is given at each start and an image never holds. A bare name is the short form."""

    model_config = ConfigDict(json_schema_extra=short.or_text)

    name: SecretName = Field(description="the variable that the IDEs see; also a file in `/run/secrets`")
    file: SecretFile | None = Field(
        default=None,
        description="a file of whoever starts it that holds the value; left out: their variable of that name",
    )
    optional: Flag = Field(default=False, description="starts without it too")

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read a text as a name."""
        return short.secret(given)


class Spec(Part):
    """An image, as its user wants it."""

    name: Name = Field(description="the image's name; it is tagged `NAME:dev`")
    extends: tuple[ParentReference, ...] = Field(
        default=(),
        description="presets (`preset:cpu`) or files that this one builds on: mappings merge, lists append, "
        "other values replace, and `null` takes a key back to its default",
        json_schema_extra=short.or_one,
    )
    base: ImageReference = Field(
        default="auto", description="the base image with its tag or digest, or `auto`"
    )
    os: Distribution | None = Field(
        default=None, description="the base's distribution (`debian:12`) when its name does not tell"
    )
    accelerator: Literal["cpu", "cuda", "ascend"] = Field(default="cpu", description="what computes")
    python: PythonVersion = Field(default="3.11", description="the user's Python, `major.minor`")
    torch: TorchVersion | None = Field(
        default=None, description="torch's version, or `auto`: the newest that fits; left out: no torch"
    )
    torch_from: Literal["index", "base"] = Field(
        default="index", description="`base`: the base brings that torch in its own Python, and it stays"
    )
    torch_npu: Version | None = Field(
        default=None,
        description="torch_npu's exact release, on Ascend; left out: the one for the base's CANN",
    )
    cuda: CudaVersion | None = Field(
        default=None,
        description="the CUDA line of torch's build, such as `12.8`; left out: the one that fits the target",
    )
    target: Target = Field(default=Target(), description="the card, driver and machine that the image is for")
    apt: Apt = Field(default=Apt(), description="packages of the distribution, Debian or Ubuntu")
    dnf: Dnf = Field(default=Dnf(), description="packages of the distribution, openEuler")
    pip: Pip = Field(default=Pip(), description="packages of the user's Python")
    env: FrozenMap[EnvName, EnvValue] = Field(
        default=FrozenMap(), description="environment variables, seen by every process"
    )
    ide: Ide = Field(default=Ide(), description="the IDEs")
    services: Services = Field(default=Services(), description="what runs beside the IDEs")
    user: User = Field(default=User(), description="who runs the image")
    secrets: tuple[Secret, ...] = Field(
        default=(), description="secrets by name, which an environment waits for; their values are never here"
    )
    steps: tuple[Step, ...] = Field(
        default=(), description="build steps of your own: the one place for commands"
    )
    template: RelativePath | None = Field(
        default=None, description="a Jinja template of your own that extends ours"
    )
    labels: FrozenMap[LabelName, EnvValue] = Field(default=FrozenMap(), description="labels of the image")

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read one parent as a list of one."""
        return short.parents(given)

    @classmethod
    def broken_rules(cls, given: Mapping[str, object]) -> Iterator[Broken]:
        """Let `torch_npu` and `cuda` stand only beside their accelerator, and torch only at its key."""
        return rules.spec(given)
