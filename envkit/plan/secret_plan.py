"""Secrets by name: what an environment waits for, and where the caller has each value. Never a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

LABEL = "io.envkit.secrets"


@dataclass(frozen=True, kw_only=True)
class SecretPlan:
    """One secret; with neither file, its value is the caller's variable of that name."""

    name: str
    file: str | None = None  # a file of the caller's that holds the value
    env_file: str | None = None  # a file of the caller's with NAME=VALUE lines
    optional: bool = False


def of_image(expect: Mapping[str, Any]) -> tuple[SecretPlan, ...]:
    """Return what the image's spec asks for."""
    return tuple(
        SecretPlan(name=row["name"], file=row.get("file"), optional=bool(row.get("optional")))
        for row in expect.get("secrets", ())
    )


def together(first: Iterable[SecretPlan], second: Iterable[SecretPlan]) -> tuple[SecretPlan, ...]:
    """Return both, by name; the second says better where a value is."""
    both = {secret.name: secret for secret in (*first, *second)}
    return tuple(both[name] for name in sorted(both))


def label(secrets: tuple[SecretPlan, ...]) -> dict[str, str]:
    """Return the label that remembers them; none when there are none."""
    return {LABEL: json.dumps([asdict(secret) for secret in secrets], sort_keys=True)} if secrets else {}


def of_labels(labels: Mapping[str, str]) -> tuple[SecretPlan, ...]:
    """Return what an environment's label remembers."""
    return tuple(SecretPlan(**row) for row in json.loads(labels.get(LABEL, "[]")))
