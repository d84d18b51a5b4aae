"""Labels hold long JSON compressed, and refuse what is damaged or too long."""

from __future__ import annotations

import base64
import gzip

import pytest

from envkit.image.labels import LARGEST_BYTES, PLAIN_BYTES, decode, encode


@pytest.mark.parametrize("text", ["", "short", "x" * PLAIN_BYTES, "é" * PLAIN_BYTES])
def test_every_text_comes_back(text: str) -> None:
    assert decode(encode(text)) == text


def test_a_short_text_stays_readable() -> None:
    assert encode('{"a":1}') == '{"a":1}'


def test_the_same_text_gives_the_same_label_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = encode("x" * 20_000)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert encode("x" * 20_000) == first


@pytest.mark.parametrize("label", ["gzip:???", "gzip:" + base64.b64encode(b"no gzip").decode()])
def test_a_damaged_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(label)


def test_a_label_that_swells_without_end_is_refused() -> None:
    bomb = gzip.compress(b"0" * (LARGEST_BYTES + 10))
    with pytest.raises(ValueError, match="more than 16 MB"):
        decode("gzip:" + base64.b64encode(bomb).decode())
