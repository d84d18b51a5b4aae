"""The types of a spec's fields: each says what it allows, in words a user reads."""

from __future__ import annotations

from typing import Annotated

from envkit.spec import hints
from envkit.spec.frozen import FrozenMap, JsonText
from envkit.spec.text import Text
from envkit.spec.whole import Flag, GroupId, UserId

__all__ = [
    "AbsolutePath",
    "AptPackage",
    "Chip",
    "CodeServerVersion",
    "Command",
    "CudaVersion",
    "Distribution",
    "DriverVersion",
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
    "SecretFile",
    "SecretName",
    "Sha256",
    "TorchVersion",
    "UserId",
    "UserName",
    "Version",
]

Name = Annotated[
    str,
    Text(
        hints.NAME,
        r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*",
        63,
        hint=hints.name,
    ),
]
# The grammar of a reference, as github.com/distribution/reference writes it.
ImageReference = Annotated[
    str,
    Text(
        hints.REFERENCE,
        r"auto|(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
        r"(?::[0-9]{1,5})?/)?"
        r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
        r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
        255 + 128 + 72,
        hint=hints.reference,
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
        rf"preset:[a-z0-9_-]+|(?!/){hints.FILE}(?:/{hints.FILE})*",
        1024,
    ),
]
PythonVersion = Annotated[str, Text(hints.PYTHON, r"3\.(?:9|1[0-4])", 8, hint=hints.python, bare=("number",))]
_EXACT = r"[0-9]{1,6}(?:\.[0-9]{1,8}){1,3}(?:(?:a|b|rc)[0-9]{1,4})?(?:\.post[0-9]{1,4})?(?:\.dev[0-9]{1,8})?"
Version = Annotated[str, Text(hints.VERSION, _EXACT, 64, hint=hints.version, bare=("number",))]
TorchVersion = Annotated[
    str, Text(f"{hints.VERSION}, or `auto`", rf"auto|{_EXACT}", 64, hint=hints.version, bare=("number",))
]
Chip = Annotated[
    str,
    Text(
        "a card or its chip, as in `h100`, `910b` or `9.0`",
        r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]*[A-Za-z0-9])?",
        32,
        bare=("number",),
    ),
]
DriverVersion = Annotated[
    str,
    Text(
        "a driver's version, as in `535.104.05` or `25.2.rc1`",
        r"[0-9]{1,4}(?:\.(?:rc)?[0-9]{1,4}){0,3}",
        32,
        bare=("number",),
    ),
]
_NUMBER = r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,2}(?:(?:a|b|rc)[0-9]{1,3})?"
JupyterLabVersion = Annotated[
    str,
    Text(
        "one exact version, 4.6 or newer", _NUMBER, 32, hint=hints.version, check=hints.lab, bare=("number",)
    ),
]
CudaVersion = Annotated[
    str, Text("`major.minor`, as in 12.8", r"[1-9][0-9]\.[0-9]", 8, hint=hints.version, bare=("number",))
]
CodeServerVersion = Annotated[
    str, Text(hints.RELEASE, r"4\.[0-9]{1,4}\.[0-9]{1,4}", 16, hint=hints.release, bare=("number",))
]
# Debian policy 5.6.1 and 5.6.12; apt reads a trailing `-` as "remove".
AptPackage = Annotated[
    str,
    Text(
        hints.PACKAGE,
        r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]{2,20})?(?:=[0-9A-Za-z][0-9A-Za-z.+~:-]*)?",
        200,
        hint=hints.package,
    ),
]
# rpm's own letters of names (rpm.org, "rpmbuild spec syntax") and versions; no glob, group, path or address.
RpmPackage = Annotated[
    str,
    Text(
        hints.RPM,
        r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?::[0-9A-Za-z_.+~^-]*)?(?:[~^][0-9A-Za-z_.+~^-]*)?",
        200,
        hint=hints.rpm,
    ),
]
PipRequirement = Annotated[str, Text(hints.REQUIREMENT, longest=1000, check=hints.requirement)]
EnvName = Annotated[str, Text(hints.ENV_NAME, r"[A-Za-z_][A-Za-z0-9_]*", 128, hint=hints.env_name)]
EnvValue = Annotated[str, Text("one line of text without control characters", bare=("number", "boolean"))]
LabelName = Annotated[str, Text(hints.LABEL, r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*", 200, hint=hints.label_name)]
ExtensionId = Annotated[
    str,
    Text(
        hints.EXTENSION,
        r"[A-Za-z0-9][A-Za-z0-9-]{0,99}\.[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:@[0-9][0-9A-Za-z.-]{0,40})?",
        250,
        hint=hints.extension,
    ),
]
Sha256 = Annotated[str, Text("64 lower-case hexadecimal digits", r"[0-9a-f]{64}", 80)]
UserName = Annotated[str, Text(hints.USER, r"[a-z_][a-z0-9_-]{0,31}", 32, hint=hints.user)]
Command = Annotated[str, Text("a shell command, one line", r".*\S.*", hint=hints.command)]
Line = Annotated[str, Text("one line of text without control characters", r".*\S.*")]
RelativePath = Annotated[
    str,
    Text(
        hints.PATH,
        rf"{hints.FILE}(?:/+{hints.FILE})*/?|[/~].*|.*\.\..*",
        1024,
        hint=hints.odd_letters,
        check=hints.path,
        editor=hints.EDITOR,
    ),
]
SecretName = Annotated[str, Text(hints.SECRET_NAME, r"[A-Za-z_][A-Za-z0-9_]*", 128, hint=hints.secret_name)]
# Of the caller's machine, where nothing of it is put into a Dockerfile or a shell.
SecretFile = Annotated[
    str, Text(hints.SECRET_FILE, r"(?:~|/[^/]*)(?:/[^/]+)*", 1024, check=hints.secret_file, editor="^[/~]")
]
AbsolutePath = Annotated[
    str,
    Text(hints.ABSOLUTE, rf"/+{hints.FILE}(?:/+{hints.FILE})*/?", 1024, check=hints.absolute, editor="^/"),
]
