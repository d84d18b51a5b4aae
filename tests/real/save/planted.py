"""Canaries: secrets in every place and shape, and a search of our own for them in the bytes of an image."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import marshal
import re
import sqlite3
import tarfile
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.packs import blob, deb_of, difference, pack_of

HANDED = "CANARY-handed-Tq7mXw2Lb9Rz4Kd"  # what envkit gave to the environment: found in any shape
HISTORY = "CANARY-of-the-history-Zr81nVq6Lw"
VARIABLE = "CANARY-variable-Hn5cJp8Wd3"
_KEY = base64.b64encode(b"CANARY-private-key" + bytes(range(150))).decode()

# By path or by shape; each has a value of its own, which envkit does not know.
UNKNOWN = {
    "/root/.netrc": "machine a login b password CANARY-netrc-1",
    "/root/.git-credentials": "https://a:CANARY-git-credentials-1@example.invalid",
    "/root/.ssh/id_ed25519": "CANARY-ssh-key-1",
    "/root/.aws/credentials": "aws_secret_access_key = CANARY-aws-1",
    "/root/.docker/config.json": '{"auths": {"a": {"auth": "CANARY-docker-1"}}}',
    "/root/.pypirc": "password = CANARY-pypirc-1",
    "/root/.cache/huggingface/token": "CANARY-huggingface-1",
    "/root/.kaggle/kaggle.json": '{"key": "CANARY-kaggle-1"}',
    "/root/.config/rclone/rclone.conf": "pass = CANARY-rclone-1",
    "/root/.vault-token": "CANARY-vault-1",
    "/root/.bash_history": "export TOKEN=CANARY-bash-history-1",
    "/root/.python_history": "token = 'CANARY-python-history-1'",
    "/root/.ipython/profile_default/history.sqlite": "CANARY-ipython-1",
    "/root/.local/share/jupyter/runtime/kernel-1.json": '{"key": "CANARY-kernel-1"}',
    "/root/.config/code-server/config.yaml": "password: CANARY-code-server-1",
    "/root/.npmrc": "//a.invalid/:_authToken=CANARY-npmrc-1",
    "/root/.gitconfig": '[url "https://a:CANARY-gitconfig-1@a.invalid/"]\n\tinsteadOf = https://a.invalid/\n',
    "/etc/pip.conf": "[global]\nindex-url = https://a:CANARY-pip-conf-1@a.invalid/simple\ntimeout = 61\n",
    "/etc/apt/auth.conf": "machine a.invalid login b password CANARY-apt-1",
    "/tmp/scratch": "CANARY-tmp-1",
    "/var/log/service.log": "CANARY-log-1",
    "/opt/mine/train.py": "token = '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'",
    "/opt/mine/.env": "API_TOKEN=CANARY-dot-env-Qx71mLp9",
    "/opt/mine/id.txt": f"-----BEGIN PRIVATE KEY-----\n{_KEY}\n-----END PRIVATE KEY-----\n",
}
_WORD = re.compile(rb"CANARY")


def shapes() -> dict[str, bytes]:
    """Return files that hold what was handed over, each in another way."""
    value = HANDED.encode()
    text = b"# settings\nvalue = " + value + b"\n"
    return {
        "/opt/mine/renamed.txt": text,
        "/opt/mine/text.gz": gzip.compress(text),
        "/opt/mine/text.bz2": bz2.compress(text),
        "/opt/mine/text.xz": lzma.compress(text),
        "/opt/mine/text.tar.gz": gzip.compress(_tar(text)),
        "/opt/mine/text.zip": _zip(text),
        "/opt/mine/zip-in.tar.gz": gzip.compress(_tar(_zip(text))),
        "/opt/mine/base64": base64.b64encode(b"x" + value),
        "/opt/mine/base64-url": base64.urlsafe_b64encode(b"xy" + value),
        "/opt/mine/hex": value.hex().encode(),
        "/opt/mine/utf-16": HANDED.encode("utf-16"),
        "/opt/mine/quoted": "".join(f"%{byte:02X}" for byte in value).encode(),
        "/opt/mine/data.db": _database(),
        "/opt/mine/text.deb": deb_of(text),
        "/opt/mine/.git/objects/pack/pack-1.pack": _pack(text),
        "/opt/mine/module.pyc": marshal.dumps(compile(f"VALUE = {HANDED!r}", "module.py", "exec")),
    }


def _database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.db")
        with closing(sqlite3.connect(path)) as base:
            base.execute("create table t (v)")
            base.execute("insert into t values (?)", (HANDED,))
            base.commit()
        return path.read_bytes()


def _pack(content: bytes) -> bytes:
    """Return a git pack in which only a difference to another object holds it."""
    first = blob(b"line\n" * 100)
    return pack_of(first, difference(len(first), 500, (0, 500), content))


def _tar(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("inside")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside", content)
    return out.getvalue()


def found(saved: bytes) -> set[str]:
    """Return where canaries are in what `docker save` gave: layer and file, config, history."""
    places = set()
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            content = file.read() if file else b""
            if member.name.endswith(("layer.tar", ".json")) or "blobs/" in member.name:
                places |= set(_in_layer(member.name, content))
    return places


def _in_layer(name: str, content: bytes) -> Iterator[str]:
    if content[257:262] != b"ustar":
        if _has(content):
            yield name
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as layer:
        for member in layer:
            file = layer.extractfile(member) if member.isreg() else None
            told = f"{member.name} {member.linkname} {member.pax_headers}".encode("utf-8", "replace")
            # What the base holds is large, and none of ours; the shapes are looked for in small files.
            if _has(told) or (file and _has(file.read())):
                yield f"/{member.name}"


def _has(content: bytes, depth: int = 0) -> bool:
    """Tell whether a canary is in there, however it is packed or written."""
    if _WORD.search(content):
        return True
    if len(content) > 100_000 or depth > 4:
        return False
    return any(_has(inner, depth + 1) for inner in (*_unpacked(content), *_rewritten(content)))


def _unpacked(content: bytes) -> Iterator[bytes]:
    for opened in (gzip.decompress, bz2.decompress, lzma.decompress):
        try:
            yield opened(content)
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
            continue
    if content.startswith((b"PACK\0\0\0", b"!<arch>\ndebian")):  # whatever it packs, wherever that begins
        for start in range(8, len(content)):
            yield from _begun(content[start:])
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = [archive.extractfile(member) for member in archive if member.isreg()]
            yield from [file.read() for file in files if file]
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            yield from [packed.read(name) for name in packed.namelist()]


def _begun(content: bytes) -> Iterator[bytes]:
    for opener in (zlib.decompressobj(), lzma.LZMADecompressor()):
        try:
            yield opener.decompress(content)
        except (zlib.error, lzma.LZMAError):
            continue


def _rewritten(content: bytes) -> Iterator[bytes]:
    if b"\0" in content[:200]:
        yield content.replace(b"\0", b"")
    if b"%43" in content:
        yield urllib.parse.unquote_to_bytes(content)
    for run in re.findall(rb"(?:[0-9a-fA-F]{2}){12,}", content):
        yield bytes.fromhex(run.decode())
    for run in re.findall(rb"[A-Za-z0-9+/_-]{16,}={0,2}", content):
        plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            part = plain[start:]
            yield base64.b64decode(part[: len(part) // 4 * 4])
