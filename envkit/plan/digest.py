"""The digest that decides "nothing changed": what is wanted and what it is made from, not how it was had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from envkit.plan.facts import ContextFile, Inputs
from envkit.spec.model import Spec


def digest_of(
    spec: Spec, inputs: Inputs, shipped_digest: str, base_id: str, resolved: Sequence[str] = ()
) -> str:
    """Return `sha256:…` of the spec, the bytes of its files, what envkit ships, the base, and what was
    decided for what the spec leaves open: tables change.
    """
    wanted = {
        "spec": spec.model_dump(mode="json"),
        "files": {file.name: [sha256_of(file), file.mode] for file in inputs.files},
        "shipped": shipped_digest,
        "base": base_id,
        "resolved": list(resolved),
    }
    text = json.dumps(wanted, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def sha256_of(file: ContextFile) -> str:
    """Return the sha256 of a file's bytes; of one on disk, the one that was taken when it was read."""
    if isinstance(file.content, Path):
        return file.sha256
    return hashlib.sha256(file.content).hexdigest()
