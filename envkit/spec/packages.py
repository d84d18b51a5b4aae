"""Packages of a spec: of the distribution, and of the user's Python."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from envkit.spec import short
from envkit.spec.fields import AptPackage, PipRequirement, RelativePath, RpmPackage
from envkit.spec.part import Part


class Apt(Part):
    """Packages of the distribution. A plain list is the short form of `packages`."""

    model_config = ConfigDict(json_schema_extra=short.or_list)

    packages: tuple[AptPackage, ...] = Field(
        default=(), description="package names, each with an optional `=version`"
    )
    files: tuple[RelativePath, ...] = Field(
        default=(), description="files with one package a line; `#` starts a comment"
    )

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read a list, or one package, as `packages`."""
        return short.packages(given)


class Dnf(Part):
    """Packages of a distribution with dnf. A plain list is the short form of `packages`."""

    model_config = ConfigDict(json_schema_extra=short.or_list)

    packages: tuple[RpmPackage, ...] = Field(
        default=(), description="package names, each with an optional `-version`"
    )
    files: tuple[RelativePath, ...] = Field(
        default=(), description="files with one package a line; `#` starts a comment"
    )

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read a list, or one package, as `packages`."""
        return short.packages(given)


class Pip(Part):
    """Packages of the user's Python. A plain list is the short form of `packages`."""

    model_config = ConfigDict(json_schema_extra=short.or_list)

    packages: tuple[PipRequirement, ...] = Field(
        default=(), description="requirements as PEP 508 writes them, as in `numpy>=2`"
    )
    requirements: tuple[RelativePath, ...] = Field(default=(), description="requirements files")
    wheels: RelativePath | None = Field(
        default=None, description="a folder of wheels, preferred to the index"
    )

    @classmethod
    def long_form(cls, given: object) -> object:
        """Read a list, or one package, as `packages`."""
        return short.packages(given)
