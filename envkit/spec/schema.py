"""The spec's JSON Schema, for editors: draft 2020-12, with the short forms."""

from __future__ import annotations

from typing import Any

from envkit.spec.model import Spec


def json_schema() -> dict[str, Any]:
    """Return the schema of a spec as an editor reads it."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    schema = {"$schema": dialect, **Spec.model_json_schema(by_alias=True), "title": "envkit spec"}
    # `extends` brings in whatever is left out, but a name.
    return _without_titles(schema)


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the titles that repeat the names of keys: an editor shows the description."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for whole in (part, *part.get("anyOf", ())):
            for described in whole.get("properties", {}).values():
                described.pop("title", None)
    return schema
