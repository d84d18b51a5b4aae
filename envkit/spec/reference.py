"""The README's reference table of every key, rendered from the model (`envkit schema --table` prints it)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from envkit.spec.fields import FrozenMap, JsonText
from envkit.spec.model import Spec
from envkit.spec.part import Part
from envkit.spec.text import Text
from envkit.spec.whole import Truth, Whole

BEGIN = "<!-- reference:begin -->"
END = "<!-- reference:end -->"


def table() -> str:
    """Return the table in Markdown, one row a key, between the marks that the README has around it."""
    lines = [BEGIN, "| key | what it may be | default | meaning |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in _rows(Spec, "")]
    return "\n".join([*lines, END])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rows(part: type[Part], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in part.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = _part_in(field.annotation)
        is_list = get_origin(field.annotation) is tuple
        allowed = _allowed(field.annotation, field.metadata) or ("a list" if is_list else "a mapping")
        yield f"`{key}`", allowed, _default(field), field.description or ""
        if inner is not None:
            yield from _rows(inner, f"{key}[]." if is_list else f"{key}.")


def _part_in(annotation: Any) -> type[Part] | None:
    """Return the part that a field holds, alone or in a list or beside `false`."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((part for part in map(_part_in, get_args(annotation)) if part is not None), None)


def _allowed(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """Return in words what a value of a type may be; empty for a mapping of parts."""
    for kind in metadata:
        if isinstance(kind, Text):
            return kind.allowed
        if isinstance(kind, Truth):
            return "`true` or `false`"
        if isinstance(kind, Whole):
            return f"a whole number from {kind.least}"
    return _allowed_type(annotation)


def _allowed_type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _allowed(arguments[0], arguments[1:])
    if origin is Literal:
        return ", ".join(f"`{str(value).lower()}`" for value in arguments)
    if origin is tuple:
        one = _allowed(arguments[0])
        return f"a list; each: {one}" if one else ""
    if origin is FrozenMap:
        return f"a mapping; keys: {_allowed(arguments[0])}"
    if annotation is JsonText:
        return "a mapping of anything"
    inner = [_allowed(argument) for argument in arguments if argument is not type(None)]
    return " or ".join(part or "a mapping" for part in inner)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default is None:
        return "none"
    if isinstance(field.default, Part):
        return "see below"
    if isinstance(field.default, tuple | FrozenMap):
        return "empty"
    text = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    return f"`{text}`"
