"""What probes found, read with types: a probe's JSON is foreign text until it has passed here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Facts:
    """A JSON object of a probe; what is absent or of another type reads as empty."""

    values: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes | str) -> Facts:
        """Read a probe's output; ValueError when it is no JSON object."""
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return cls(value)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        """Return a text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float:
        """Return a number."""
        value = self.values.get(name)
        return value if isinstance(value, int | float) else 0.0

    def whole(self, name: str) -> int:
        """Return a whole number."""
        return int(self.number(name))

    def yes(self, name: str) -> bool:
        """Tell whether a truth value is true."""
        return self.values.get(name) is True

    def part(self, name: str) -> Facts:
        """Return an object within this one."""
        value = self.values.get(name)
        return Facts(value) if isinstance(value, dict) else Facts()

    def rows(self, name: str) -> tuple[Facts, ...]:
        """Return a list of objects."""
        value = self.values.get(name)
        return tuple(Facts(row) for row in value if isinstance(row, dict)) if isinstance(value, list) else ()

    def texts(self) -> dict[str, str]:
        """Return everything here that is a text."""
        return {name: value for name, value in self.values.items() if isinstance(value, str)}

    @property
    def error(self) -> str:
        """Return what broke instead of giving facts."""
        return self.text("error")

    @property
    def seconds(self) -> float:
        """Return how long the probe took."""
        return self.number("seconds")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that was found about an image, run as one identity: check → facts."""

    identity: str  # "1000:0"
    env: Mapping[str, str]  # the image's own environment
    facts: Mapping[str, Facts]

    def about(self, name: str) -> Facts:
        """Return the facts of a check; of one that never ran, an error."""
        return self.facts.get(name) or Facts({"error": "it was not tried"})
