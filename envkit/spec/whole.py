"""Truth values and whole numbers, read from the text that was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from envkit.spec.text import refusal, shown

_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MEANT = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}


def truth(value: object) -> bool:
    """Return a truth value as YAML 1.2 writes it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUTH:
        return _TRUTH[value]
    meant = _MEANT.get(str(value).lower(), "")
    raise refusal(
        f"{shown(value)} is no truth value", allowed="true, false", choices=(meant,) if meant else ()
    )


@dataclass(frozen=True)
class Truth:
    """A truth value, as the second half of `Annotated[bool, Truth()]`."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic ask `truth`, and nothing else."""
        return core_schema.no_info_plain_validator_function(truth)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it to an editor."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole:
    """A whole number, as the second half of `Annotated[int, Whole(…)]`; `why` says what the least is for."""

    least: int
    most: int
    why: str = ""

    def read(self, value: object) -> int:
        """Return the number, or raise the refusal that says why not."""
        allowed = f"a whole number from {self.least} to {self.most}"
        if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,15}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise refusal(f"{shown(value)} is no whole number", allowed=allowed)
        if not self.least <= value <= self.most:
            why = f": {self.why}" if self.why and value < self.least else ""
            raise refusal(f"{value} cannot stand here{why}", allowed=allowed)
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic ask `read`, and nothing else."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it to an editor."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


# Linux knows 32-bit ids; the highest are taken by "nobody" and by user namespaces.
_HIGHEST_ID = 2_000_000_000

Flag = Annotated[bool, Truth()]
UserId = Annotated[int, Whole(1, _HIGHEST_ID, "0 is root, and an image runs as a user")]
GroupId = Annotated[int, Whole(0, _HIGHEST_ID)]
