"""Git's packs and Debian's packages, made by hand: no test needs either's programs."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
import zlib

_BLOB, _OFFSET, _NAME = 3, 6, 7


def pack_of(*objects: bytes) -> bytes:
    """Return a pack of these objects, each as `blob`, `difference` and `named_difference` write it."""
    body = b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big") + b"".join(objects)
    return body + hashlib.sha1(body).digest()


def blob(content: bytes) -> bytes:
    """Return an object that stands for itself."""
    return _head(_BLOB, len(content)) + zlib.compress(content)


def difference(back: int, size: int, *parts: tuple[int, int] | bytes) -> bytes:
    """Return one made of what stands so many bytes before it: pieces (from, how many), and new bytes."""
    text = _steps(size, parts)
    coded = [back & 127]
    while back := back >> 7:
        back -= 1
        coded.insert(0, back & 127 | 128)
    return _head(_OFFSET, len(text)) + bytes(coded) + zlib.compress(text)


def named_difference(base: bytes, *parts: tuple[int, int] | bytes) -> bytes:
    """Return one that is made of the blob with this content, wherever it stands."""
    text = _steps(len(base), parts)
    return (
        _head(_NAME, len(text)) + hashlib.sha1(b"blob %d\0" % len(base) + base).digest() + zlib.compress(text)
    )


def deb_of(content: bytes, packed: str = "xz") -> bytes:
    """Return a Debian package with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("./etc/it.conf")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    data = lzma.compress(out.getvalue()) if packed == "xz" else zstd_of(out.getvalue())
    members = {"debian-binary": b"2.0\n", "control.tar.xz": lzma.compress(b""), f"data.tar.{packed}": data}
    return b"!<arch>\n" + b"".join(_member(name, inner) for name, inner in members.items())


def zstd_of(content: bytes) -> bytes:
    """Return what begins as zstd's frames do, and hides its content: nobody here can read either."""
    return b"\x28\xb5\x2f\xfd" + bytes(byte ^ 255 for byte in content)


def _member(name: str, content: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return head + content + b"\n" * (len(content) % 2)


def _steps(size: int, parts: tuple[tuple[int, int] | bytes, ...]) -> bytes:
    made = sum(len(part) if isinstance(part, bytes) else part[1] for part in parts)
    text = _number(size) + _number(made)
    for part in parts:
        if isinstance(part, bytes):
            text += b"".join(
                bytes([len(part[at : at + 127])]) + part[at : at + 127] for at in range(0, len(part), 127)
            )
        else:
            text += bytes([0xFF]) + part[0].to_bytes(4, "little") + part[1].to_bytes(3, "little")
    return text


def _number(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 127
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


def _head(kind: int, size: int) -> bytes:
    low, size = size & 15, size >> 4
    return bytes([kind << 4 | low | (128 if size else 0)]) + (_number(size) if size else b"")
