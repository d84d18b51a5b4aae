"""Git's packs, as git writes them: whole objects, and differences to others."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import pytest

from envkit.probes import scan_git
from envkit.probes.scan_git import Unpackable, packed, patched
from tests.packs import blob, difference, named_difference, pack_of
from tests.test_probes_scan import RULE, TOKEN, look

BASE = b"".join(b"line %d\n" % number for number in range(20_000))
PACK = "/opt/p/.git/objects/pack/pack-1.pack"


def shown(pack: bytes) -> list[bytes]:
    return [stream.read() for _, stream in packed(io.BytesIO(pack))]


def test_objects_are_read_one_after_the_other() -> None:
    assert shown(pack_of(blob(b""), blob(b"a" * 15), blob(BASE), blob(b"end"))) == [
        b"",
        b"a" * 15,
        BASE,
        b"end",
    ]


def test_a_value_in_an_object_is_found_and_the_pack_is_dropped(tmp_path: Path) -> None:
    found = look(tmp_path, PACK, pack_of(blob(b"x" * 99), blob(b"key = " + TOKEN)))
    assert [(hit["rule"], hit["inside"], hit["remedy"]) for hit in found] == [(RULE, "object 1", "drop")]


@pytest.mark.parametrize("cut", [1, 24, 47])
def test_a_value_is_found_that_a_difference_puts_together(tmp_path: Path, cut: int) -> None:
    """Its beginning stands in what it builds on, as in a file whose key was changed at its end."""
    base = BASE + b"key = " + TOKEN[:cut]
    first = blob(base)
    whole = len(base) + len(TOKEN) - cut + 8
    second = difference(len(first), len(base), (0, len(base)), TOKEN[cut:] + b"\n", (0, 7))
    assert [hit["rule"] for hit in look(tmp_path, PACK, pack_of(first, second))] == [RULE]
    (_, new) = shown(pack_of(first, second))
    assert len(new) < 3 * 4096 < whole  # what was searched in the first is not searched again


def test_a_value_between_two_pieces_of_another_is_found(tmp_path: Path) -> None:
    base = TOKEN[:20] + BASE + TOKEN[20:]
    first = blob(base)
    second = difference(len(first), len(base), (0, 20), (len(base) - 28, 28))
    assert [hit["rule"] for hit in look(tmp_path, PACK, pack_of(first, second))] == [RULE]


def test_a_chain_of_differences_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_git, "_HELD_MOST", 1000)  # so that all is read anew
    first = blob(BASE)
    second = difference(len(first), len(BASE), (0, len(BASE)), b"second\n")
    third = difference(len(second), len(BASE) + 7, (0, len(BASE) + 7), b"third\n")
    fourth = difference(len(third), len(BASE) + 13, (len(BASE) - 12, 25))
    assert shown(pack_of(first, second, third, fourth))[3] == BASE[-12:] + b"second\nthird\n"


def test_a_difference_may_come_before_what_it_builds_on() -> None:
    early = named_difference(BASE, (0, 7), b"early\n")
    assert shown(pack_of(early, blob(BASE))) == [BASE, b"line 0\nearly\n"]


def test_a_difference_to_what_is_not_there_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    thin = named_difference(b"of another pack", (0, 3))
    found = look(tmp_path, PACK, pack_of(thin, blob(TOKEN)))
    assert found[0]["rule"] == RULE
    assert found[1]["unread"] == (
        "object 0",
        "it cannot be read to its end (it builds on an object that is not in this pack)",
    )


def test_a_large_object_is_read_in_pieces_and_what_builds_on_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_git, "_WHOLE_MOST", 100_000)
    first = blob(BASE + TOKEN)
    found = look(tmp_path, PACK, pack_of(first, difference(len(first), len(BASE) + 48, (0, 9)), blob(TOKEN)))
    assert [hit.get("inside") for hit in found] == ["object 0", "object 2", None]
    assert "too large" in found[2]["unread"][1]


@pytest.mark.parametrize(
    "broken",
    [
        pack_of(blob(BASE))[:200],
        pack_of(blob(BASE))[:14],
        pack_of(blob(BASE), blob(BASE))[:-60],
        pack_of(b"\x00rest"),
        pack_of(b"\x61\x05" + zlib.compress(b"x")),
        pack_of(b"\x3f" + zlib.compress(b"longer than it says")),
    ],
)
def test_a_damaged_pack_is_said(tmp_path: Path, broken: bytes) -> None:
    assert "unread" in look(tmp_path, PACK, broken)[-1]


@pytest.mark.parametrize(
    "text", [b"\x05\x05", b"\x05\x05\x81", b"\x05\x05\x03abc", b"\x05\xff\xff\xff\x7f\x01a"]
)
def test_a_difference_that_does_not_fit_is_refused(text: bytes) -> None:
    with pytest.raises(Unpackable):
        patched(b"hello", text)
