"""The types of a spec's fields: each says what it allows, in words a user reads."""

from __future__ import annotations

import re
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version as PackagingVersion

from envkit.spec import reserved
from envkit.spec.frozen import FrozenMap, JsonText
from envkit.spec.text import Text, refusal, shown
from envkit.spec.whole import Flag, GroupId, UserId

__all__ = [
    "AbsolutePath",
    "AptPackage",
    "CodeServerVersion",
    "Command",
    "CudaVersion",
    "Distribution",
    "EnvName",
    "EnvValue",
    "ExtensionId",
    "Flag",
    "FrozenMap",
    "GroupId",
    "ImageReference",
    "JsonText",
    "JupyterLabVersion",
    "LabelName",
    "Line",
    "Name",
    "ParentReference",
    "PipRequirement",
    "PythonVersion",
    "RelativePath",
    "Sha256",
    "UserId",
    "UserName",
    "Version",
]

# A file name that no shell, Dockerfile or glob reads as anything but a name.
_FILE = r"[\w.+@%=,~()# -]+"


def _reference(value: str) -> None:
    if value == "auto":
        return
    name, _, digest = value.partition("@")
    tail = name.rpartition("/")[2]
    if tail.partition(":")[2] == "latest":
        what = f"{shown(value)} names `latest`, which is another image tomorrow"
        raise refusal(what, allowed=_REFERENCE, fix="name the version, as in `debian:12`")
    if not digest and ":" not in tail and value:
        what = f"{shown(value)} has neither tag nor digest, so it would mean `latest`: another image tomorrow"
        raise refusal(what, allowed=_REFERENCE, fix=f"name the version, as in `{value[:60]}:12`")
    if name != name.lower() and ":" not in tail.lower() and not digest:
        raise refusal(f"{shown(value)} has capital letters", allowed=_REFERENCE)


def _requirement(value: str) -> str:
    if value.startswith("-"):
        what = f"{shown(value)} is an option of pip, not a package"
        raise refusal(
            what, allowed=_REQUIREMENT, fix="put options into a file named under `pip.requirements`"
        )
    if "\\" in value or "${" in value:
        raise refusal(f"{shown(value)}: pip would read `\\` and `${{` as instructions", allowed=_REQUIREMENT)
    try:
        requirement = Requirement(value)
    except (InvalidRequirement, ValueError, RecursionError) as error:
        raise refusal(f"{shown(value)} is no requirement", allowed=_REQUIREMENT) from error
    if requirement.url and "@" in requirement.url.partition("//")[2].partition("/")[0]:
        what = "credentials in a spec end up in the image"
        raise refusal(what, allowed="a URL without user and password")
    return value


def _env_name(value: str) -> None:
    reason = reserved.env_reason(value)
    if reason:
        raise refusal(f"{shown(value)} cannot be set here: {reason}")


def _label_name(value: str) -> None:
    for prefix in reserved.LABELS:
        if value.startswith(prefix):
            raise refusal(f"{shown(value)}: labels that begin with `{prefix}` have an owner")


def _path(value: str) -> str:
    if value.startswith(("/", "~")):
        what = f"{shown(value)} is not inside the spec's folder"
        raise refusal(what, allowed=_PATH, fix="copy it beside the spec and write its relative path")
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise refusal(f"{shown(value)} leaves the spec's folder", allowed=_PATH)
    if not parts:
        raise refusal(
            f"{shown(value)} names the spec's folder itself", allowed=_PATH, fix="name what is in it"
        )
    return "/".join(parts)


def _odd_letters(value: str) -> None:
    odd = next(
        (letter for letter in value if letter.isprintable() and not re.fullmatch(rf"{_FILE}|/", letter)), ""
    )
    if odd:
        what = f"{shown(value)} holds {odd!r}, which a shell or Dockerfile reads as more than a letter"
        raise refusal(what, allowed="letters, digits and ` ._+@%=,~()#-`", fix="rename the file")


def _absolute(value: str) -> str:
    if not value.startswith("/") or ".." in value.split("/"):
        raise refusal(f"{shown(value)} is no absolute path", allowed=_ABSOLUTE)
    return value


def _python(value: str) -> None:
    if value.count(".") > 1:
        what = f"{shown(value)} names a patch release; the base decides that"
        raise refusal(what, allowed=_PYTHON, fix=f"write {'.'.join(value.split('.')[:2])}")


def _version(value: str) -> None:
    if "+" in value:
        what = f"{shown(value)} names a build; `accelerator` and `cuda` choose it"
        raise refusal(what, allowed=_VERSION, fix=f"write {value.partition('+')[0]}")
    if value[:1] in "=<>~!" and value:
        what = f"{shown(value)} is a range"
        raise refusal(what, allowed=_VERSION, fix=f"write {value.lstrip('=<>~! ')}")


def _user(value: str) -> None:
    if value == "root":
        what = "'root' cannot own the image's Python: the image runs as a user"
        raise refusal(what, allowed=_USER, fix="use `user: root` in a step that needs it")


def _lab(value: str) -> str:
    if PackagingVersion(value) < PackagingVersion("4.6"):
        raise refusal(f"JupyterLab {value} is too old", allowed="4.6 or newer")
    return value


def _extension(value: str) -> None:
    if value and "." not in value:
        raise refusal(
            f"{shown(value)} names no publisher", allowed=_EXTENSION, fix=f"write `PUBLISHER.{value}`"
        )


def _release(value: str) -> None:
    _version(value)
    if value.count(".") == 1:
        raise refusal(
            f"{shown(value)} is only half a version", allowed=_RELEASE, fix=f"write {value}.0, or the like"
        )


def _command(value: str) -> None:
    if "\n" in value:
        raise refusal(
            "a command is one line",
            fix="write a script, and name it with `script: FILE`; or use several steps",
        )


_EXTENSION = "`publisher.name`, with an optional `@version`"
_RELEASE = "`major.minor.patch`, as in 4.138.0"


def _package(value: str) -> None:
    if " " in value.strip():
        what = f"{shown(value)} is not one package"
        raise refusal(what, allowed=_PACKAGE, fix=f"write [{', '.join(value.split()[:8])}]")
    if value.endswith("-"):
        raise refusal(f'{shown(value)}: apt would read the `-` as "remove"', allowed=_PACKAGE)


_PACKAGE = "a package's name in lower case, with an optional `=version`"
_REFERENCE = "an image with a tag or a digest, as in `debian:12`, or `auto`"
_REQUIREMENT = "a requirement as PEP 508 writes it, as in `numpy>=2`"
_ENV_NAME = "letters, digits and `_`, not a digit first"
_LABEL = "lower-case letters and digits with `.`, `-`, `_`, `/` between them"
_PATH = "a relative path inside the spec's folder"
# Letters of any language, which not every editor's `\w` knows, and no `..`.
_EDITOR = r"^(?![/~])(?!(?:.*/)?\.\.(?:/|$))[^\\*?\[\]{}\"'`|&;<>$!:]+$"
_ABSOLUTE = "an absolute path without `..`, as in `/opt/data`"
_PYTHON = "`major.minor`, 3.9 to 3.14"
_VERSION = "one exact version, as in `2.13.0`"
_USER = "a lower-case letter, then letters, digits, `_` and `-`; not `root`"

Name = Annotated[
    str,
    Text(
        "lower-case letters and digits, with `.`, `_` or `-` between them, at most 63",
        r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*",
        63,
    ),
]
# The grammar of a reference, as github.com/distribution/reference writes it.
ImageReference = Annotated[
    str,
    Text(
        _REFERENCE,
        r"auto|(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
        r"(?::[0-9]{1,5})?/)?"
        r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
        r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
        255 + 128 + 72,
        hint=_reference,
    ),
]
Distribution = Annotated[
    str,
    Text("`debian:12`, `ubuntu:24.04` and the like", r"[a-z][a-z0-9]{1,30}:[0-9]{1,3}(?:\.[0-9]{1,3})?", 40),
]
ParentReference = Annotated[
    str,
    Text(
        "`preset:NAME`, or the relative path of a file",
        rf"preset:[a-z0-9_-]+|(?!/){_FILE}(?:/{_FILE})*",
        1024,
    ),
]
PythonVersion = Annotated[str, Text(_PYTHON, r"3\.(?:9|1[0-4])", 8, hint=_python, bare=("number",))]
Version = Annotated[
    str,
    Text(
        _VERSION,
        r"[0-9]{1,6}(?:\.[0-9]{1,8}){1,3}(?:(?:a|b|rc)[0-9]{1,4})?(?:\.post[0-9]{1,4})?(?:\.dev[0-9]{1,8})?",
        64,
        hint=_version,
        bare=("number",),
    ),
]
_NUMBER = r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,2}(?:(?:a|b|rc)[0-9]{1,3})?"
JupyterLabVersion = Annotated[
    str, Text("one exact version, 4.6 or newer", _NUMBER, 32, hint=_version, check=_lab, bare=("number",))
]
CudaVersion = Annotated[
    str, Text("`major.minor`, as in 12.8", r"[1-9][0-9]\.[0-9]", 8, hint=_version, bare=("number",))
]
CodeServerVersion = Annotated[
    str, Text(_RELEASE, r"4\.[0-9]{1,4}\.[0-9]{1,4}", 16, hint=_release, bare=("number",))
]
# Debian policy 5.6.1 and 5.6.12; apt reads a trailing `-` as "remove".
AptPackage = Annotated[
    str,
    Text(
        _PACKAGE,
        r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]{2,20})?(?:=[0-9A-Za-z][0-9A-Za-z.+~:-]*)?",
        200,
        hint=_package,
    ),
]
PipRequirement = Annotated[str, Text(_REQUIREMENT, longest=1000, check=_requirement)]
EnvName = Annotated[str, Text(_ENV_NAME, r"[A-Za-z_][A-Za-z0-9_]*", 128, hint=_env_name)]
EnvValue = Annotated[str, Text("one line of text without control characters", bare=("number", "boolean"))]
LabelName = Annotated[str, Text(_LABEL, r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*", 200, hint=_label_name)]
ExtensionId = Annotated[
    str,
    Text(
        _EXTENSION,
        r"[A-Za-z0-9][A-Za-z0-9-]{0,99}\.[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:@[0-9][0-9A-Za-z.-]{0,40})?",
        250,
        hint=_extension,
    ),
]
Sha256 = Annotated[str, Text("64 lower-case hexadecimal digits", r"[0-9a-f]{64}", 80)]
UserName = Annotated[str, Text(_USER, r"[a-z_][a-z0-9_-]{0,31}", 32, hint=_user)]
Command = Annotated[str, Text("a shell command, one line", r".*\S.*", hint=_command)]
Line = Annotated[str, Text("one line of text without control characters", r".*\S.*")]
RelativePath = Annotated[
    str,
    Text(
        _PATH,
        rf"{_FILE}(?:/+{_FILE})*/?|[/~].*|.*\.\..*",
        1024,
        hint=_odd_letters,
        check=_path,
        editor=_EDITOR,
    ),
]
AbsolutePath = Annotated[
    str, Text(_ABSOLUTE, rf"/+{_FILE}(?:/+{_FILE})*/?", 1024, check=_absolute, editor="^/")
]
