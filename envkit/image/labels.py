"""Long JSON as an image label: what is long is compressed, and the same text gives the same label."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zlib

# Docker limits no label, yet every `docker images` carries them all: what is longer than this is compressed.
PLAIN_BYTES = 8 * 1024
LARGEST_BYTES = 16 * 1024 * 1024  # a manifest of 10,000 packages has 0.5 MB; more is an attack on memory
COMPRESSED = "gzip:"


def canonical(value: object) -> str:
    """Return JSON with sorted keys and no spaces: equal values, equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def encode(text: str) -> str:
    """Return a label's value for a text."""
    raw = text.encode()
    if len(raw) <= PLAIN_BYTES:
        return text
    return COMPRESSED + base64.b64encode(gzip.compress(raw, mtime=0)).decode()


def decode(label: str) -> str:
    """Return the text of a label's value; ValueError when it is none."""
    if not label.startswith(COMPRESSED):
        return label
    try:
        raw = base64.b64decode(label.removeprefix(COMPRESSED), validate=True)
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            text = file.read(LARGEST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"the label is damaged: {error}") from error
    if len(text) > LARGEST_BYTES:
        raise ValueError("the label holds more than 16 MB")
    return text.decode()
