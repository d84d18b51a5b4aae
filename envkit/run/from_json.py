"""Frozen records from JSON and back: what is missing has its default, what is unknown is left out."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from envkit.errors import RunError

T = TypeVar("T")
Reader = Callable[[Any, str], Any]  # takes a value of JSON and the name of its field


class Damaged(RunError):
    """A file of a run's folder does not hold what it should: a script may write there, too."""


def read(kind: type[T], text: bytes, *, name: str) -> T:
    """Return the record that a file holds; Damaged, naming the file, when it holds none."""
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise Damaged(
            f"{name} is not as envkit wrote it: {error}", fix="look at it; a script may have"
        ) from error
    return record(kind, value, name=name)


def record(kind: type[T], value: object, *, name: str) -> T:
    """Return the record that a value of JSON is; Damaged, naming its file, when it is none."""
    try:
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
def _fields(kind: type) -> tuple[tuple[str, Reader, bool], ...]:
    """Return a record's fields: name, what reads it, whether it must be there."""
    hints = get_type_hints(kind)
    missing = dataclasses.MISSING
    return tuple(
        (one.name, _reader(hints[one.name]), one.default is missing and one.default_factory is missing)
        for one in dataclasses.fields(kind)
    )


def _record(kind: type[T], value: object) -> T:
    if not isinstance(value, dict):
        raise ValueError(f"it holds {_kind_of(value)} where {kind.__name__} belongs")
    found: dict[str, Any] = {}
    for name, read_field, needed in _fields(cast(Any, kind)):
        if name in value:
            found[name] = read_field(value[name], name)
        elif needed:
            raise ValueError(f"{name!r} is missing")
    return kind(**found)


@cache
def _reader(wanted: Any) -> Reader:
    """Return what reads values of a type; made once: a list of 1,000 runs reads 30,000."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return lambda value, name: value
    if origin in (Union, types.UnionType):
        real = _reader(next(one for one in inner if one is not type(None)))
        return lambda value, name: None if value is None else real(value, name)
    if origin is tuple:
        return _tuple(_reader(inner[0]))
    if origin is Mapping:
        return _mapping(_reader(inner[1]))
    if dataclasses.is_dataclass(wanted):
        return lambda value, name: _record(cast(Any, wanted), value)
    return _plain(wanted, inner if origin is Literal else ())


def _tuple(each: Reader) -> Reader:
    def read_it(value: Any, name: str) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"{name!r} holds {_kind_of(value)}")
        return tuple(each(one, name) for one in value)

    return read_it


def _mapping(each: Reader) -> Reader:
    def read_it(value: Any, name: str) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{name!r} holds {_kind_of(value)}")
        return {key: each(one, name) for key, one in value.items()}

    return read_it


def _plain(wanted: Any, words: tuple[Any, ...]) -> Reader:
    def read_it(value: Any, name: str) -> Any:
        if type(value) is wanted or (words and value in words):
            return value
        if wanted is float and type(value) is int:
            return float(value)
        raise ValueError(f"{name!r} holds {_kind_of(value)}")

    return read_it


def _kind_of(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
