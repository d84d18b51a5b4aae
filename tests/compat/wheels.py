"""From an index's list of files to rows of `wheels.json`: Pythons, machines, glibc, date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# PEP 513, 571, 599: what the old names of platforms ask for.
_OLD = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
_PLATFORM = re.compile(r"(manylinux1|manylinux2010|manylinux2014|manylinux_(\d+)_(\d+))_(x86_64|aarch64)")


def rows(files: Iterable[Mapping[str, Any]], oldest: str) -> dict[str, dict[str, Any]]:
    """Return a row for each final version from `oldest` on that has Linux wheels, the newest first."""
    found: dict[Version, dict[str, Any]] = {}
    for file in files:
        try:
            _, version, _, tags = parse_wheel_filename(file["filename"])
        except InvalidWheelFilename:
            continue
        if version < Version(oldest) or version.is_prerelease or file.get("yanked"):
            continue
        for tag in tags:
            _add(found.setdefault(version, _empty()), tag, file)
    whole = {version: row for version, row in found.items() if row["glibc"]}
    return {str(version): _sorted(whole[version]) for version in sorted(whole, reverse=True)}


def _empty() -> dict[str, Any]:
    return {"python": set(), "glibc": {}, "uploaded": ""}


def _add(row: dict[str, Any], tag: Tag, file: Mapping[str, Any]) -> None:
    platform = _PLATFORM.fullmatch(tag.platform)
    python = re.fullmatch(r"cp(\d)(\d+)", tag.interpreter)
    if not platform or not python or tag.abi.endswith("t"):
        return  # another system, or a Python without its lock
    name, major, minor, machine = platform.groups()
    glibc = _OLD.get(name) or f"{major}.{minor}"
    row["python"].add((int(python[1]), int(python[2])))
    # One wheel may carry several names of a platform: the least is what it asks for.
    known = row["glibc"].get(MACHINES[machine], glibc)
    row["glibc"][MACHINES[machine]] = min(known, glibc, key=lambda text: tuple(map(int, text.split("."))))
    row["uploaded"] = max(row["uploaded"], str(file.get("upload-time", ""))[:10])


def _sorted(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "python": [f"{major}.{minor}" for major, minor in sorted(row["python"])],
        "glibc": dict(sorted(row["glibc"].items())),
        "uploaded": row["uploaded"],
    }
