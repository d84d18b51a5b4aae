"""An image's bytes are searched in every layer: here by this Python, in tests/real/save by another."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.errors import EngineError
from envkit.hosts.base import Command
from envkit.probes import scan_archive
from envkit.save.findings import Finding, Found
from envkit.save.search import Archive, search_archive
from envkit.save.values import Value
from tests.scripted_host import ScriptedHost
from tests.secret_samples import SAMPLES
from tests.tars import tar_of

TOKEN = b"1d973e25a52674a08f28c4fb715c7d4dc469d87582f64916"
VALUES = (Value(name="TOKEN", bytes=TOKEN),)
RULE = "the value of TOKEN"


def image(config: dict, *layers: bytes) -> bytes:
    """Return an archive as an engine writes it: each layer in a folder, what lists them at the end."""
    names = [f"{9 - number}/layer.tar" for number in range(len(layers))]  # in no order that tells anything
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": names}]
    files = dict(zip(names, layers, strict=True)) | {"c.json": json.dumps(config).encode()}
    return tar_of(files | {"manifest.json": json.dumps(manifest).encode()})


LOWER = tar_of({"etc/motd": b"hello", "root/.netrc": b"machine a", "opt/k": b"x" + TOKEN})
UPPER = tar_of({"opt/k.gz": gzip.compress(TOKEN), ".env": b"TOKEN=9sdf87sdf87", "opt/.wh.k": b""})
WHOLE = image({"config": {"Env": ["A=1"]}}, LOWER, UPPER)
FOUND = {
    Finding(where="lower layer", layer=1, path="/root/.netrc", rule="logins (.netrc)", remedy="flatten"),
    Finding(where="lower layer", layer=1, path="/opt/k", rule=RULE, line=1, remedy="flatten"),
    Finding(where="file", path="/opt/k.gz", inside="k", rule=RULE, line=1, remedy="drop"),
    Finding(where="file", path="/.env", rule="a .env file with secrets", remedy="drop"),
}


class ThisPython(ScriptedHost):
    """A machine whose Python is this one."""

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        told = json.loads(command.stdin)
        assert told["run"] == "scan_archive"
        assert not any(TOKEN.decode() in word for word in command.words)
        scan = scan_archive.Archive(told["plan"])
        with Path(told["plan"]["path"]).open("rb") as file:
            scan.read(file)
        each_line(json.dumps(scan.report))
        return 0


class Far(ScriptedHost):
    """A machine over SSH: no program of ours is there, and none of our files."""

    def forward(self, address: str) -> Path:
        raise AssertionError(address)


def in_pieces(content: bytes, size: int = 3000) -> Iterator[bytes]:
    yield from (content[at : at + size] for at in range(0, len(content), size))


def search(content: Path | Iterator[bytes], **more: bool) -> Found:
    return search_archive(ThisPython(), Archive(content=content, lower_layers=1, **more), VALUES)


def test_a_file_and_a_stream_are_searched_alike(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(WHOLE)
    found = search(tmp_path / "image.tar")
    assert set(found.findings) == FOUND
    assert found == search(in_pieces(WHOLE))
    assert (found.files, found.unread) == (6, ())


def test_a_layer_that_is_compressed_is_read() -> None:
    squeezed = image({}, gzip.compress(LOWER), gzip.compress(UPPER))
    assert set(search(in_pieces(squeezed)).findings) == FOUND


def test_settings_and_history_are_searched() -> None:
    config = {"history": [{"created_by": f"run --token {TOKEN.decode()}"}]}
    found = search(in_pieces(image(config, tar_of({"a": b""})))).findings
    assert [(one.where, one.rule) for one in found] == [("history", RULE)]


def test_a_value_in_the_name_of_a_file_is_not_printed() -> None:
    found = search(in_pieces(image({}, tar_of({}), tar_of({f"opt/{TOKEN.decode()}": b""})))).findings
    assert [one.path for one in found] == ["/opt/REMOVED-BY-ENVKIT"]
    assert TOKEN.decode() not in repr(found)


def test_what_any_image_may_hold_is_only_found_when_asked_for() -> None:
    layers = (tar_of({}), tar_of({"opt/a.py": SAMPLES["hf"].encode()}))
    assert search(in_pieces(image({}, *layers))).findings == ()
    assert len(search(in_pieces(image({}, *layers)), loose=True).findings) == 1


@pytest.mark.parametrize(
    "broken", [b"", b"no archive", WHOLE[: len(WHOLE) // 2], tar_of({"manifest.json": b"[]"})]
)
def test_an_archive_that_is_not_whole_is_never_called_clean(broken: bytes) -> None:
    with pytest.raises(EngineError, match="could not be searched for secrets"):
        search(in_pieces(broken))


def test_a_layer_that_cannot_be_unpacked_is_never_called_clean() -> None:
    zstd = b"\x28\xb5\x2f\xfd" + bytes(1000)
    found = search(in_pieces(image({}, tar_of({"a": b""}), zstd)))
    assert "zstd" in found.unread[0].why


def test_what_breaks_the_stream_is_what_is_told() -> None:
    def breaks() -> Iterator[bytes]:
        yield WHOLE[:2000]
        raise EngineError("the engine went away", fix="start it")

    with pytest.raises(EngineError, match="the engine went away"):
        search(breaks())


@pytest.mark.real
def test_bytes_are_searched_here_also_for_an_engine_elsewhere() -> None:
    host = Far()
    found = search_archive(host, Archive(content=in_pieces(WHOLE), lower_layers=1), VALUES)
    assert set(found.findings) == FOUND and host.lines == []
