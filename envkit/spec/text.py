"""One kind of text: what it matches as a whole, how long it may be, and how to say so to its writer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# C0 and C1 controls, the two Unicode line breaks, and lone surrogates: none can stand in a line of a file
# that another program reads.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# Linux takes at most 128 KiB in one argument or variable (MAX_ARG_STRLEN); a spec needs far less.
LONGEST = 4096

# What a word processor makes of a quote.
_CURLY = "\u201c\u201d\u201e\u2018\u2019"

_SHOWN = 40

_KINDS = {dict: "a mapping", list: "a list", tuple: "a list", bool: "a truth value", type(None): "nothing"}


def refusal(
    what: str, *, allowed: str = "", fix: str = "", choices: tuple[str, ...] = (), at_key: bool = False
) -> PydanticCustomError:
    """Return the error of a value that may not stand here; the caller raises it.

    `choices` are what could have been meant; `at_key` says that the key is wrong, not its value.
    """
    context = {"what": what, "allowed": allowed, "fix": fix, "choices": choices, "at_key": at_key}
    return PydanticCustomError("envkit", "{what}", context)


def shown(value: object) -> str:
    """Return a value as a message quotes it: short, on one line."""
    if not isinstance(value, str):
        return _KINDS.get(type(value), f"the {type(value).__name__} {value!r}")
    if not value:
        return "an empty text"
    plain = "".join(letter if letter.isprintable() else "�" for letter in value[: _SHOWN + 1])
    return f"'{plain}'" if len(plain) <= _SHOWN else f"'{plain[:_SHOWN]}…'"


@dataclass(frozen=True)
class Text:
    """A kind of text, as the second half of `Annotated[str, Text(…)]`.

    `hint` sees the text before `pattern` matches it, `check` after: each may raise a `refusal` that says more
    than "not allowed"; `check` returns the text as it is kept. `bare` are the types that an editor
    sees where people leave the quotes out, and envkit keeps what was written. `editor` is the pattern for
    the JSON Schema, where an editor's regular expressions read `pattern` differently.
    """

    allowed: str
    pattern: str = r".*"
    longest: int = LONGEST
    hint: Callable[[str], None] | None = None
    check: Callable[[str], str] | None = None
    bare: tuple[str, ...] = ()
    editor: str = ""

    def read(self, value: object) -> str:
        """Return the text as it is kept, or raise the refusal that says why not."""
        if not isinstance(value, str):
            fix = "put it in quotes" if isinstance(value, int | float) else ""
            raise refusal(f"{shown(value)} cannot stand here", allowed=self.allowed, fix=fix)
        text = str(value)
        if self.hint is not None:
            self.hint(text)
        _one_line(text)
        if not re.fullmatch(self.pattern, text):
            fix = "use straight quotes, or none" if text[:1] in _CURLY and text else ""
            raise refusal(f"{shown(text)} is not allowed here", allowed=self.allowed, fix=fix)
        _not_longer(text, self.longest)
        return self.check(text) if self.check is not None else text

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic ask `read`, and nothing else."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the text to an editor."""
        text: JsonSchemaValue = {"type": "string", "maxLength": self.longest}
        if self.editor or self.pattern != ".*":
            text["pattern"] = self.editor or f"^(?:{self.pattern})$"
        return {"anyOf": [text, *({"type": kind} for kind in self.bare)]} if self.bare else text


def _one_line(text: str) -> None:
    found = _CONTROL.search(text)
    if found is not None:
        letter = ord(found[0])
        what = "a line break" if found[0] == "\n" else f"a control character (U+{letter:04X})"
        raise refusal(f"{what} cannot stand here", allowed="one line of text without control characters")
    _not_longer(text, LONGEST)


def _not_longer(text: str, longest: int) -> None:
    if len(text) > longest:
        raise refusal(f"{len(text)} characters are too many", allowed=f"at most {longest} characters")
