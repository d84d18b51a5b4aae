"""Layers come over a stream that may be cut anywhere: in parts of any size, or for good."""

from __future__ import annotations

import hashlib
import struct
from contextlib import closing
from pathlib import Path

import pytest

from envkit.errors import EngineError, EnvkitError
from envkit.save.receiving import Layer, Receiver, need_room


def frame(letter: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">cQ", letter, len(content)) + content


STREAM = b"".join(
    (
        frame(b"d", b"one, "),
        frame(b"d", b"two"),
        frame(b"e"),
        frame(b"d", b"three"),
        frame(b"e"),
        frame(b"z", b'{"entries": 2}'),
    )
)


@pytest.mark.parametrize("size", [1, 2, 7, 9, 10, 1000])
def test_parts_of_any_size_give_the_same_layers(size: int, tmp_path: Path) -> None:
    receiver = Receiver(tmp_path)
    for at in range(0, len(STREAM), size):
        receiver.take(STREAM[at : at + size])
    made = receiver.whole()
    assert [layer.path.read_bytes() for layer in made] == [b"one, two", b"three"]
    assert made[1] == Layer(
        path=tmp_path / "layer-2.tar",
        diff_id=f"sha256:{hashlib.sha256(b'three').hexdigest()}",
        size_bytes=5,
    )
    assert made[0].path.stat().st_mode & 0o777 == 0o600


def test_a_stream_that_is_cut_anywhere_gives_no_layer(tmp_path: Path) -> None:
    for at in range(len(STREAM)):
        folder = tmp_path / str(at)
        folder.mkdir()
        receiver = Receiver(folder)
        receiver.take(STREAM[:at])
        receiver.close()
        with pytest.raises(EngineError, match="cut the layers"):
            receiver.whole()


def test_a_disk_without_room_is_told_before_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EnvkitError) as told:
        need_room(tmp_path, 10**18)
    assert told.value.what.startswith(f"the disk of {tmp_path.parent} is full: 1000000000.0 GB are needed, ")
    assert "TMPDIR=" in told.value.fix


def test_a_disk_that_gets_full_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "layer-1.tar").symlink_to("/dev/full")
    with closing(Receiver(tmp_path)) as receiver, pytest.raises(EnvkitError, match="is full"):
        receiver.take(frame(b"d", bytes(1 << 20)))
