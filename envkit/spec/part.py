"""The base of every part of a spec: frozen, no unknown key, and all that is wrong said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import Self

from envkit.spec.english import refused
from envkit.spec.text import refusal, shown

# A rule that is broken: the path, inside the part, of what breaks it.
Broken = tuple[tuple[str | int, ...], PydanticCustomError]


class Part(BaseModel):
    """A part of a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The key that a bare text was probably meant for.
    text_key: ClassVar[str] = ""

    @classmethod
    def key_names(cls) -> tuple[str, ...]:
        """Return the keys as a spec writes them."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def long_form(cls, given: object) -> object:
        """Return the mapping that a short form stands for."""
        return given

    @classmethod
    def broken_rules(cls, given: Mapping[str, object]) -> Iterator[Broken]:
        """Yield what is wrong between the keys, as far as can be told before they are read."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(given, cls):
            return given
        given = cls.long_form(given)
        if not isinstance(given, Mapping):
            allowed = "`key: value` with the keys " + ", ".join(cls.key_names())
            key = cls.text_key
            fix = f"write `{key}: {given}`" if key and isinstance(given, str) else ""
            raise refusal(f"{shown(given)} cannot stand here", allowed=allowed, fix=fix)
        errors = [_detail(path, error, given) for path, error in cls._unknown(given)]
        errors += [_detail(path, error, given) for path, error in cls.broken_rules(given)]
        try:
            part = handler({key: value for key, value in given.items() if key in cls.key_names()})
        except ValidationError as error:
            errors += [_detail(e["loc"], refused(e), e["input"]) for e in error.errors(include_url=False)]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return part

    @classmethod
    def _unknown(cls, given: Mapping[str, object]) -> Iterator[Broken]:
        for key in given:
            if key not in cls.key_names():
                allowed = ", ".join(cls.key_names())
                yield (
                    (key,),
                    refusal(
                        f"unknown key {shown(key)}", allowed=allowed, choices=cls.key_names(), at_key=True
                    ),
                )


def _detail(path: tuple[str | int, ...], error: PydanticCustomError, given: object) -> InitErrorDetails:
    return InitErrorDetails(type=error, loc=path, input=given)
