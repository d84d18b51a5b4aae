"""Two immutable values: a mapping that hashes, and a YAML mapping kept as canonical JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from envkit.spec.scalars import typed
from envkit.spec.text import refusal

K = TypeVar("K")
V = TypeVar("V")


class FrozenMap(Mapping[K, V], Generic[K, V]):
    """An immutable mapping, in the order of its keys, that compares and hashes by what it holds."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items: dict[K, V] = dict(sorted((items or {}).items(), key=lambda item: str(item[0])))

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"FrozenMap({self._items!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate keys and values as a dictionary's, then freeze it; print it as a dictionary."""
        key, value = get_args(source) or (Any, Any)
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.no_info_before_validator_function(
                _thawed, core_schema.dict_schema(handler.generate_schema(key), handler.generate_schema(value))
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


class JsonText(str):
    """A mapping as canonical JSON text: the same settings are the same text."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> JsonText:
        """Return the text of a mapping; scalars are typed as YAML 1.2 types them."""
        if isinstance(value, JsonText):
            return value
        if not isinstance(value, Mapping):
            raise refusal("a mapping must stand here", allowed="settings as `key: value`")
        text = json.dumps(
            typed(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
        )
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `of`; print the mapping again in JSON."""
        return core_schema.no_info_plain_validator_function(
            cls.of,
            serialization=core_schema.plain_serializer_function_ser_schema(json.loads, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it as a mapping of anything."""
        return {"type": "object"}


def _thawed(value: object) -> object:
    return dict(value) if isinstance(value, FrozenMap) else value
