"""The short forms of a spec: what each stands for, and how the JSON Schema says so."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic.config import JsonDict

_TRUE = (True, "true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")


def packages(given: object) -> object:
    """Read `[a, b]` or `a` as `{packages: [a, b]}`."""
    if isinstance(given, str) and given:
        return {"packages": [given]}
    return {"packages": given} if isinstance(given, list | tuple) else given


def extension(given: object) -> object:
    """Read a text as `{id: …}`, or as `{vsix: …}` when it ends so."""
    if not isinstance(given, str):
        return given
    return {"vsix": given} if given.endswith(".vsix") else {"id": given}


def secret(given: object) -> object:
    """Read a text as `{name: …}`."""
    return {"name": given} if isinstance(given, str) else given


def code_server(given: object) -> object:
    """Leave the version out where the install script takes the newest."""
    if isinstance(given, Mapping) and given.get("source") == "script" and "version" not in given:
        return {**given, "version": None}
    return given


def ides(given: object) -> object:
    """Read an IDE's `true` as `{}`, and its `false` as false."""
    if not isinstance(given, Mapping):
        return given
    return {key: _switched(value) for key, value in given.items()}


def parents(given: object) -> object:
    """Read `extends: a` as `extends: [a]`."""
    if isinstance(given, Mapping) and isinstance(given.get("extends"), str):
        return {**given, "extends": [given["extends"]]}
    return given


def _switched(value: object) -> object:
    if isinstance(value, bool | str):
        return {} if value in _TRUE else False if value is False or value in _FALSE else value
    return value


def or_list(schema: JsonDict) -> None:
    """Let a list of texts, or one, stand for the mapping."""
    properties = schema.get("properties")
    listed = properties.get("packages") if isinstance(properties, dict) else None
    one = listed.get("items") if isinstance(listed, dict) else None
    if isinstance(one, dict):
        _or(schema, {"type": "array", "items": one}, one)


def or_text(schema: JsonDict) -> None:
    """Let a text stand for the mapping."""
    _or(schema, {"type": "string"})


def or_true(schema: JsonDict) -> None:
    """Let `true` stand for the defaults."""
    choices = schema.get("oneOf")
    if isinstance(choices, list):
        choices.append({"const": True, "type": "boolean"})
    elif "$ref" in schema:
        schema["oneOf"] = [{"$ref": schema.pop("$ref")}, {"const": True, "type": "boolean"}]


def or_one(schema: JsonDict) -> None:
    """Let one text stand for a list of one."""
    items = schema.get("items")
    if isinstance(items, dict):
        kept: JsonDict = {key: schema.pop(key) for key in ("default", "description") if key in schema}
        _or(schema, items)
        schema.update(kept)


def _or(schema: JsonDict, *others: JsonDict) -> None:
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [whole, *others]
