"""The programs that look for secrets, on files of every kind."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import os
import py_compile
import random
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.probes import scan_open, scan_stream
from envkit.probes.scan_main import Scan, resolve
from envkit.probes.scan_stream import Forms, Needles, Tee
from envkit.save.search import search_plan
from envkit.save.values import Value
from tests import packs
from tests.secret_samples import SAMPLES
from tests.tars import tar_of

TOKEN = b"1d973e25a52674a08f28c4fb715c7d4dc469d87582f64916"
VALUES = (Value(name="TOKEN", bytes=TOKEN),)
RULE = "the value of TOKEN"


class Searched(Scan):
    """A search in a folder that stands for the whole of a container."""

    def __init__(self, root: Path) -> None:
        super().__init__(search_plan(VALUES))
        self._root = os.fsencode(root)

    def look(self, path: bytes) -> None:
        os.chdir(self._root)
        super().look(path)


def packed_zip(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def look(tmp_path: Path, name: str, content: bytes) -> list[dict]:
    """Return what is found in one file, at the path `name` of a container."""
    scan = Scan(search_plan(VALUES))
    opened = scan._opener.look(name, io.BytesIO(content), len(content))
    scan._judge(name, opened)
    scan.report["hits"] += [{"unread": one} for one in opened.unread]
    return scan.report["hits"]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "tar": lambda content: tar_of({"a/b.txt": content}),
    "zip": lambda content: packed_zip("a/b.txt", content),
    "tar.gz": lambda content: gzip.compress(tar_of({"a/b.txt": content})),
    "zip in tar.xz": lambda content: lzma.compress(tar_of({"x.zip": packed_zip("b", content)})),
    "tar.gz in zip": lambda content: packed_zip("x.tgz", gzip.compress(tar_of({"b": content}))),
    "base64 in gz": lambda content: gzip.compress(base64.b64encode(b"u:" + content)),
}


@pytest.mark.parametrize("kind", PACKED)
def test_a_packed_value_is_found(tmp_path: Path, kind: str) -> None:
    found = look(tmp_path, "/opt/x.bin", PACKED[kind](b"key = " + TOKEN + b"\n" * 100))
    assert {(hit["rule"], hit["remedy"]) for hit in found} == {(RULE, "drop")}


def test_git_packs_its_objects_and_they_are_read(tmp_path: Path) -> None:
    path = "/opt/p/.git/objects/ab/" + "0" * 38
    found = look(tmp_path, path, zlib.compress(b"blob 99\0" + TOKEN))
    assert [hit["rule"] for hit in found] == [RULE]


def test_databases_and_compiled_modules_are_read(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("create table t (v)")
    base.execute("insert into t values (?)", (SAMPLES["hf"] + " " + TOKEN.decode(),))
    base.commit()
    base.close()
    (tmp_path / "m.py").write_text(f"A = '{TOKEN.decode()}'\nB = '{SAMPLES['github']}'\n")
    py_compile.compile(str(tmp_path / "m.py"), cfile=str(tmp_path / "m.pyc"), doraise=True)
    for name, rule in (("a.db", "a Hugging Face token"), ("m.pyc", "a GitHub token")):
        found = look(tmp_path, f"/opt/{name}", (tmp_path / name).read_bytes())
        assert {hit["rule"] for hit in found} == {RULE, rule}
        assert {hit["remedy"] for hit in found} == {"drop"}


def test_a_value_between_two_pieces_is_found(tmp_path: Path) -> None:
    class Drops(io.RawIOBase):
        def __init__(self, pieces: list[bytes]) -> None:
            self.pieces = pieces

        def read(self, size: int = -1) -> bytes:
            return self.pieces.pop(0) if self.pieces else b""

    for cut in range(1, len(TOKEN)):
        pieces = [b"\n" * 5 + TOKEN[:cut], TOKEN[cut:] + b"\n", b"tail"]
        tee = Tee(Drops(pieces), Needles(search_plan(VALUES)["needles"]), b"")
        while tee.read(1 << 20):
            pass
        assert [(hit.line, hit.span) for hit in tee.hits] == [(6, (5, 53))]


def test_a_text_is_edited_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    text = f"a = 1\nkey = '{SAMPLES['hf']}'\nurl = 'x?token={TOKEN.decode()}&y'\n"
    found = look(tmp_path, "/opt/app/conf.py", text.encode())
    assert [(hit["line"], hit["remedy"]) for hit in found] == [(3, "edit"), (2, "edit")]
    assert base64.b64decode(found[0]["content"]).decode() == (
        "a = 1\nkey = 'REMOVED-BY-ENVKIT'\nurl = 'x?token=REMOVED-BY-ENVKIT&y'\n"
    )


def test_a_login_in_an_address_is_cut_out_of_settings(tmp_path: Path) -> None:
    for path in ("/etc/pip.conf", "/root/.config/pip/pip.conf", "/opt/p/.git/config", "/root/.gitconfig"):
        found = look(tmp_path, path, b"url = https://me:pa55w0rd@git.local/x\n")
        assert base64.b64decode(found[0]["content"]) == b"url = https://git.local/x\n"
    assert look(tmp_path, "/opt/p/README.md", b"use postgres://user:secret@db/x\n") == []


SECRET_FILES = {
    "/root/.ssh/id_ed25519": b"x",
    "/srv/me/.netrc": b"machine a login b password c",
    "/root/.aws/credentials": b"[default]",
    "/root/.docker/config.json": b'{"auths": {"r": {"auth": "dTpw"}}}',
    "/root/.cache/huggingface/token": b"hf_x",
    "/root/.bash_history": b"ls\n",
    "/opt/app/.env": b"DEBUG=1\nAPI_KEY=k83hd73hs9\n",
    "/opt/app/core.77": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\x00" + bytes(50),
    "/root/.jupyter/jupyter_server_config.json": b'{"hashed_password": "argon2:$argon2id$v=19$"}',
}
OPEN_FILES = {
    "/root/.ssh/id_ed25519.pub": b"ssh-ed25519 AAAA",
    "/root/.ssh/known_hosts": b"git.local ssh-ed25519 AAAA",
    "/root/.docker/config.json": b'{"auths": {"r": {}}, "credsStore": "pass"}',
    "/root/.bash_history": b"",
    "/opt/app/.env": b"API_KEY=\nTOKEN=your-token-here\n",
    "/opt/app/.env.example": b"API_KEY=k83hd73hs9\n",
    "/usr/lib/x/core": b"#!/bin/sh",
    "/opt/app/core.1": b"not a dump",
    "/opt/venv/lib/python3.11/site-packages/x/tests/.netrc": b"machine a",
    "/opt/venv/lib/python3.11/site-packages/x/k.pem": SAMPLES["private-key"].encode(),
    "/opt/project/tests/data/server.key": SAMPLES["private-key"].encode(),
    "/etc/ssl/certs/ca.pem": b"-----BEGIN CERTIFICATE-----\nMIIB" + b"A" * 300,
    "/opt/project/docs/use.md": b"export HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
}


@pytest.mark.parametrize(("path", "content"), SECRET_FILES.items())
def test_a_file_that_is_a_secret_by_its_name_is_found(tmp_path: Path, path: str, content: bytes) -> None:
    assert [hit["remedy"] for hit in look(tmp_path, path, content)] == ["drop"]


@pytest.mark.parametrize(("path", "content"), OPEN_FILES.items())
def test_what_only_looks_like_a_secret_is_none(tmp_path: Path, path: str, content: bytes) -> None:
    assert look(tmp_path, path, content) == []


def test_exact_values_are_found_in_quiet_places_too(tmp_path: Path) -> None:
    found = look(tmp_path, "/opt/venv/lib/python3.11/site-packages/x.py", b"A='" + TOKEN + b"'\n")
    assert [hit["rule"] for hit in found] == [RULE]


def test_a_bomb_is_said_and_what_stands_before_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_open, "_UNPACKED_LEAST", 1 << 20)
    monkeypatch.setattr(scan_open, "_RATIO", 1)
    found = look(tmp_path, "/opt/x.gz", gzip.compress(TOKEN + bytes(64 << 20)))
    assert [hit["rule"] for hit in found[:-1]] == [RULE]
    assert found[-1]["unread"] == ("", "it unpacks to too much, and was not read to its end")


def test_a_damaged_archive_is_said_and_what_can_be_read_is(tmp_path: Path) -> None:
    found = look(tmp_path, "/opt/x.gz", gzip.compress(TOKEN + os.urandom(1 << 16))[:-5000])
    assert [hit.get("rule") for hit in found] == [RULE, None]


def test_what_python_does_not_unpack_is_said(tmp_path: Path) -> None:
    found = look(tmp_path, "/opt/x.zst", b"\x28\xb5\x2f\xfd" + TOKEN)
    assert found[0]["rule"] == RULE
    assert "unread" in found[1]


def test_names_links_and_attributes_are_looked_at_and_never_printed(tmp_path: Path) -> None:
    scan = Searched(tmp_path)
    named, link = tmp_path / TOKEN.decode(), tmp_path / "link"
    named.write_bytes(b"")
    link.symlink_to("/x/" + TOKEN.decode())
    for path in (named.name, "link"):
        scan.look(path.encode())
    assert [(hit["shown"], hit["rule"]) for hit in scan.report["hits"]] == [
        ("REMOVED-BY-ENVKIT", f"{RULE}, in its name"),
        ("link", f"{RULE}, where it leads to"),
    ]
    assert scan.report["hits"][0]["path"] == TOKEN.decode()


def test_what_cannot_be_read_as_a_file_holds_nobody_up(tmp_path: Path) -> None:
    scan = Searched(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    for name in (b"pipe", b"folder", b"link", b"gone", b"pipe/below"):
        scan.look(name)
    assert scan.report == {"hits": [], "unread": [], "files": 0, "bytes": 0}


def test_the_holes_of_a_sparse_file_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.seek(1 << 40)
        file.write(TOKEN)
    scan = Searched(tmp_path)
    scan.look(b"sparse")
    assert [hit["rule"] for hit in scan.report["hits"]] == [RULE]
    assert scan.report["bytes"] < 1 << 20


def test_a_name_that_json_cannot_spell_is_found_again(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"f\xff\xfe")).mkdir()
    (tmp_path / os.fsdecode(b"f\xff\xfe/n\xe9 x")).write_bytes(b"")
    told = f"{tmp_path}/f\ufffd\ufffd/n\ufffd x".encode()
    assert list(resolve(told)) == [os.fsencode(tmp_path) + b"/f\xff\xfe/n\xe9 x"]


def test_the_same_hit_is_told_once(tmp_path: Path) -> None:
    assert len(look(tmp_path, "/opt/a", TOKEN * 40 + bytes(10))) == 1
    assert scan_stream.TEXT_MOST > 1 << 20


def test_what_lies_in_a_debian_package_is_read(tmp_path: Path) -> None:
    found = look(tmp_path, "/opt/x.deb", packs.deb_of(b"key = " + TOKEN))
    assert {hit["rule"] for hit in found} == {RULE}
    assert found[0]["inside"] == "data.tar.xz > data.tar > ./etc/it.conf"


def test_a_debian_package_of_zstd_is_said_to_be_unread(tmp_path: Path) -> None:
    (found,) = look(tmp_path, "/opt/x.deb", packs.deb_of(TOKEN, "zst"))
    assert found["unread"] == (
        "data.tar.zst",
        "it cannot be read to its end (packed with zstd, which this Python does not unpack)",
    )


def test_a_debian_package_that_was_cut_is_said(tmp_path: Path) -> None:
    whole = packs.deb_of(b"x" * 100)
    assert all("unread" in look(tmp_path, "/opt/x.deb", whole[:cut])[-1] for cut in (100, len(whole) - 30))


@pytest.mark.parametrize("length", [8, 20, 38, 39, 40, 47, 64, 144])
def test_no_look_up_passes_over_a_form_wherever_it_lies(length: int) -> None:
    chance = random.Random(length)
    form = ("VALUE", chance.randbytes(length))
    forms = Forms([("OTHER", chance.randbytes(50)), form])
    for before in range(70):
        window = chance.randbytes(before) + form[1] + chance.randbytes(chance.randrange(70))
        assert form in forms.likely(window)
    assert [name for name, _ in forms.likely(bytes(100_000))] == (["VALUE"] if length < 39 else [])
