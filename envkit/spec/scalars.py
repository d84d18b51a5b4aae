"""Scalars as they were written: the reader keeps the text, and only settings are given types."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from envkit.spec.text import refusal, shown


class Plain(str):
    """A scalar without quotes: its text, as it was written."""

    __slots__ = ()


NULLS = ("null", "Null", "NULL", "~")

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# Numbers with a leading zero stay text, unlike in YAML 1.2's core schema: `0755` is no 755 to its writer.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST_NUMBER = 40


def typed(value: object) -> object:
    """Return a value as JSON holds it: plain scalars typed as YAML 1.2 does, quoted ones left as text."""
    if isinstance(value, Mapping):
        return {_sound(str(key)): typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [typed(item) for item in value]
    if isinstance(value, Plain):
        return _scalar(str(value))
    if isinstance(value, str):
        return _sound(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise refusal(f"{value!r} is no number that JSON can hold", allowed="finite numbers")
    return value


def _scalar(text: str) -> object:
    if text == "" or text in NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _NOT_JSON.fullmatch(text):
        raise refusal(f"{shown(text)} is no number that JSON can hold", allowed="finite numbers")
    if len(text) > _LONGEST_NUMBER:
        return _sound(text)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    return _sound(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise refusal(f"{shown(text)} is too large a number", allowed="finite numbers")
    return number


def _sound(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise refusal("half of a surrogate pair is no character", allowed="text that UTF-8 can write")
    return text
