"""The spec's JSON Schema, for editors: draft 2020-12, with the short forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envkit.spec.model import Spec


def json_schema() -> dict[str, Any]:
    """Return the schema of a spec as an editor reads it."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    schema = {"$schema": dialect, **Spec.model_json_schema(by_alias=True), "title": "envkit spec"}
    for part in _parts(schema):
        for described in part.get("properties", {}).values():
            # A title that repeats the key would hide the description.
            described.pop("title", None)
        if "patternProperties" in part:
            part["additionalProperties"] = False
    return schema


def _parts(node: object) -> Iterator[dict[str, Any]]:
    """Yield every mapping of a schema."""
    if isinstance(node, dict):
        yield node
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for part in inner:
        yield from _parts(part)
