"""A secret is found in every form in which files hold it."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse

import pytest

from envkit.save.values import Value, needles

TOKEN = b's3cr3t/+&\xc3\xa9"tok en==K9'
PLAIN = b"1d973e25a52674a08f28c4fb715c7d4dc469d87582f64916"


def held(value: bytes, text: bytes) -> bool:
    """Tell whether a value's forms are in a text: as it is, or without its spaces."""
    tight = text.translate(None, b" \t\r\n")
    return any(
        one.bytes in (tight if one.squeezed else text) for one in needles((Value(name="X", bytes=value),))
    )


@pytest.mark.parametrize("value", [TOKEN, PLAIN])
@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "@", "@h", "@host/path"])
def test_base64_holds_a_value_wherever_it_stands_in_a_longer_text(
    value: bytes, before: str, after: str
) -> None:
    text = before.encode() + value + after.encode()
    assert held(value, base64.b64encode(text))
    assert held(value, base64.urlsafe_b64encode(text))


@pytest.mark.parametrize("value", [TOKEN, PLAIN])
def test_a_text_holds_a_value_in_its_own_spelling(value: bytes) -> None:
    text = value.decode()
    for spelled in (
        text,
        json.dumps(text),
        json.dumps(text, ensure_ascii=False),
        urllib.parse.quote(text, safe=""),
        urllib.parse.quote(text),
        urllib.parse.quote_plus(text),
        html.escape(text),
        repr(text),
        value.hex(),
        value.hex().upper(),
    ):
        assert held(value, b"<" + spelled.encode() + b">"), spelled
    assert held(value, text.encode("utf-16"))


def test_base64_broken_into_lines_still_holds_it() -> None:
    assert held(PLAIN, base64.encodebytes(b"a long text before " * 3 + PLAIN + b" and one behind" * 4))


def test_a_key_of_several_lines_is_found_when_it_is_indented() -> None:
    key = b"-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END KEY-----\n"
    assert held(key, b"tls:\n  key: |\n    " + key.replace(b"\n", b"\r\n    "))


def test_a_line_end_at_the_end_is_no_part_of_a_value() -> None:
    assert held(PLAIN + b"\n", b"token=" + PLAIN + b";")


@pytest.mark.parametrize(
    "common", [b"", b"short", b"password", b"20261127", b"aaaaaaaaaaaaaaaaaaaa", b"  \n"]
)
def test_what_stands_everywhere_is_not_looked_for(common: bytes) -> None:
    value = Value(name="X", bytes=common)
    assert not value.is_telling
    assert needles((value,)) == ()


def test_no_value_is_ever_printed() -> None:
    value = Value(name="X", bytes=PLAIN)
    assert PLAIN.decode() not in f"{value!r} {needles((value,))!r}"
