"""Pydantic's errors in plain English."""

from __future__ import annotations

import re

from pydantic_core import ErrorDetails, PydanticCustomError

from envkit.spec.text import refusal, shown

_LISTS = ("tuple_type", "list_type")
_MAPPINGS = ("dict_type", "mapping_type", "model_type", "model_attributes_type")

_KEYS = "write `key: value`, without `- `"


def refused(error: ErrorDetails) -> PydanticCustomError:
    """Return the refusal that says what an error of pydantic means."""
    context = error.get("ctx", {})
    if error["type"] == "envkit":
        return refusal(**context)
    given = shown(error["input"])
    if error["type"] == "missing":
        return refusal(f"the key '{error['loc'][-1]}' is missing", fix=f"add a line `{error['loc'][-1]}: …`")
    if error["type"] == "literal_error":
        choices = tuple(re.findall(r"'([^']*)'", context["expected"]))
        return refusal(f"{given} is not allowed here", allowed=", ".join(choices), choices=choices)
    if error["type"] in _LISTS:
        return refusal(
            f"{given} is not a list", allowed="a list, as in `[a, b]`", fix=_list_fix(error["input"])
        )
    if error["type"] in _MAPPINGS:
        return refusal(f"{given} is not a mapping", allowed="`key: value` lines", fix=_KEYS)
    return refusal(f"{given} is not allowed here ({error['msg']})")


def _list_fix(given: object) -> str:
    return "put it in [ ]" if isinstance(given, str) else "begin each entry with `- `"
