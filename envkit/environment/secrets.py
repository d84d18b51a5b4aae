"""The values of secrets, from where the caller has them: variables, files, a file of `NAME=VALUE` lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkit.errors import UsageError
from envkit.plan.secret_plan import SecretPlan
from envkit.spec.reserved import secret_reason

# No secret of use is longer; all of them share a tmpfs of 16 MiB (engines/values.py).
_LARGEST_BYTES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    name: str
    value: str | None = field(repr=False)  # None: the caller's variable


def planned(env_file: str | None) -> tuple[SecretPlan, ...] | None:
    """Return the secrets that a file names (not their values); None without a file."""
    if env_file is None:
        return None
    return tuple(SecretPlan(name=line.name, env_file=env_file) for line in _lines(env_file))


def values(secrets: Iterable[SecretPlan], environ: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """Return every secret's value; UsageError names those that are nowhere, and where it was looked."""
    variables = os.environ if environ is None else environ
    found: dict[str, bytes] = {}
    missing = []
    for secret in secrets:
        value, place = _look(secret, variables)
        if value is not None:
            found[secret.name] = value
        elif not secret.optional:
            missing.append(f"{secret.name} ({place})")
    if missing:
        raise UsageError(
            f"secrets without a value: {', '.join(missing)}",
            fix="set the variable, or give a file of NAME=VALUE lines: --env-file FILE",
        )
    return found


def _look(secret: SecretPlan, variables: Mapping[str, str]) -> tuple[bytes | None, str]:
    if secret.env_file is not None and Path(secret.env_file).is_file():
        for line in _lines(secret.env_file):
            if line.name == secret.name:
                value = variables.get(line.name) if line.value is None else line.value
                return None if value is None else value.encode(), f"{secret.env_file} leaves it to a variable"
    if secret.file is not None:
        path = Path(secret.file).expanduser()
        return (_read(path), "") if path.is_file() else (None, f"there is no file {secret.file}")
    value = variables.get(secret.name)
    place = f"neither in {secret.env_file} nor in a variable" if secret.env_file else "no such variable here"
    return None if value is None else value.encode("utf-8", "surrogateescape"), place


def _lines(path: str) -> tuple[_Line, ...]:
    """Read a file as `docker run --env-file` does: no quotes, no `export`; a bare name: the caller's."""
    try:
        text = _read(Path(path)).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--env-file {path} is not UTF-8", fix="save it as UTF-8") from error
    found: dict[str, _Line] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.removesuffix("\r").lstrip()
        if line and not line.startswith("#"):
            name, has_value, value = line.partition("=")
            _refuse(f"--env-file {path}, line {number}", name)
            found[name] = _Line(number=number, name=name, value=value if has_value else None)
    return tuple(found.values())


def _refuse(where: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        # Never the line itself: what stands there may be half a secret.
        raise UsageError(
            f"{where}: what stands before `=` is no variable's name",
            fix="write NAME=VALUE: no spaces around `=`, no `export`, no quotes around NAME",
        )
    reason = secret_reason(name)
    if reason:
        raise UsageError(f"{where}: {name} cannot be a secret: {reason}", fix="give it another name")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UsageError(f"{path} is larger than a secret can be (1 MiB)", fix="give the right file")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", fix="give a file that you can read") from error
