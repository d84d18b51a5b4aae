"""Frozen records from JSON and back: what is missing has its default, what is unknown is left out."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from envkit.errors import RunError

T = TypeVar("T")


class Damaged(RunError):
    """A file of a run's folder does not hold what it should: a script may write there, too."""


def read(kind: type[T], text: bytes, *, name: str) -> T:
    """Return the record that a file holds; Damaged, naming the file, when it holds none."""
    try:
        value: object = json.loads(text)
        return _record(kind, value)
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(
            f"{name} is not as envkit wrote it: {error}", fix="look at it; a script may have"
        ) from error


def text(record: object) -> str:
    """Return a record as JSON with sorted keys."""
    return json.dumps(plain(record), sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def plain(value: object) -> Any:
    """Return the value as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


@cache
def _fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Return a record's fields: name, type, whether it must be there."""
    hints = get_type_hints(kind)
    missing = dataclasses.MISSING
    return tuple(
        (one.name, hints[one.name], one.default is missing and one.default_factory is missing)
        for one in dataclasses.fields(kind)
    )


def _record(kind: type[T], value: object) -> T:
    if not isinstance(value, dict):
        raise ValueError(f"it holds {_kind_of(value)} where {kind.__name__} belongs")
    found: dict[str, Any] = {}
    for name, wanted, needed in _fields(cast(Any, kind)):
        if name in value:
            found[name] = _value(wanted, value[name], name)
        elif needed:
            raise ValueError(f"{name!r} is missing")
    return kind(**found)


def _value(wanted: Any, value: Any, name: str) -> Any:
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        real = next(one for one in inner if one is not type(None))
        return None if value is None else _value(real, value, name)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(inner[0], one, name) for one in value)
    if origin is Mapping and isinstance(value, dict):
        return {key: _value(inner[1], one, name) for key, one in value.items()}
    if dataclasses.is_dataclass(wanted):
        return _record(wanted, value)  # type: ignore[arg-type]  # a record's type, as was just asked
    if wanted is Any or (origin is Literal and value in inner):
        return value
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(wanted, type) and type(value) is wanted:
        return value
    raise ValueError(f"{name!r} holds {_kind_of(value)}")


def _kind_of(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
