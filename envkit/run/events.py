"""Read the scalars of TensorBoard's event files, with the standard library alone.

A file is a row of TFRecords: length (8 bytes), its checksum (4), data, its checksum (4). Data is an `Event`,
in protobuf's encoding; the numbers of its fields are those of tensorboard 2.21 (compat/proto/event.proto,
summary.proto, tensor.proto).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_HEADER = 12
_FOOTER = 4
_LONGEST = 1 << 30  # of a record; protobuf itself ends at 2 GiB
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Field numbers.
_TIME, _STEP, _SUMMARY = 1, 2, 5  # Event
_VALUES = 1  # Summary
_TAG, _SIMPLE, _TENSOR, _METADATA = 1, 2, 8, 9  # Summary.Value
_DTYPE, _CONTENT = 1, 4  # TensorProto
# How a tensor of one number holds it: by the number of its field, and by its type in `tensor_content`.
_LISTS = {5: "<f", 6: "<d"}
_WHOLE = (7, 10)  # int_val, int64_val
_DTYPES = {1: "<f", 2: "<d", 3: "<i", 9: "<q", 19: "<e"}

Fields = dict[int, list[int | bytes]]


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A number that was written under a tag."""

    step: int
    value: float
    time: float


def last_scalars(data: bytes) -> Mapping[str, Scalar]:
    """Return what was written last under each tag; what is cut, damaged or no scalar is left out."""
    found: dict[str, Scalar] = {}
    plain: set[str] = set()  # tags whose tensors are scalars: only a tag's first value need say so
    for record in records(data):
        try:
            for tag, scalar in _scalars(record, plain):
                known = found.get(tag)
                if known is None or scalar.time >= known.time:
                    found[tag] = scalar
        except (ValueError, IndexError, struct.error, AttributeError, TypeError):
            continue  # no Event: somebody else's record
    return found


def records(data: bytes) -> Iterator[bytes]:
    """Yield whole records; after a damaged one it goes on with the next that can be found."""
    position = 0
    while position + _HEADER <= len(data):
        length = _length(data[position : position + _HEADER])
        if length is None:
            position += 1
            continue
        begin, end = position + _HEADER, position + _HEADER + length
        if end + _FOOTER > len(data):
            return  # its writer is at it, or was ended in between
        yield data[begin:end]
        position = end + _FOOTER


@lru_cache(4096)
def _length(header: bytes) -> int | None:
    """Return a record's length, if its checksum is right; few lengths come again and again."""
    length, checksum = struct.unpack("<QI", header)
    if length > _LONGEST or _masked(_crc32c(header[:8])) != checksum:
        return None
    return int(length)


def _table() -> tuple[int, ...]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return tuple(table)


_TABLE = _table()


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    """Return a checksum as TFRecords hold it."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _scalars(record: bytes, plain: set[str]) -> Iterator[tuple[str, Scalar]]:
    event = _fields(record)
    time = struct.unpack("<d", struct.pack("<Q", event[_TIME][-1]))[0] if _TIME in event else 0.0
    step = _signed(event[_STEP][-1]) if _STEP in event else 0
    for summary in event.get(_SUMMARY, ()):
        for one in _fields(_bytes(summary)).get(_VALUES, ()):
            value = _fields(_bytes(one))
            tag = _bytes(value[_TAG][-1]).decode("utf-8", "replace") if _TAG in value else ""
            if _METADATA in value and _plugin(_bytes(value[_METADATA][-1])) == b"scalars":
                plain.add(tag)
            number = _number(value, is_plain=tag in plain)
            if number is not None:
                yield tag, Scalar(step=step, value=number, time=time)


def _number(value: Fields, *, is_plain: bool) -> float | None:
    if _SIMPLE in value:
        return float(struct.unpack("<f", struct.pack("<I", value[_SIMPLE][-1]))[0])
    if _TENSOR not in value or not is_plain:
        return None
    tensor = _fields(_bytes(value[_TENSOR][-1]))
    for field, form in _LISTS.items():
        if field in tensor:
            held = tensor[field][-1]
            packed = held if isinstance(held, bytes) else held.to_bytes(struct.calcsize(form), "little")
            return float(struct.unpack_from(form, packed)[0])
    for whole in _WHOLE:
        if whole in tensor:
            held = tensor[whole][-1]
            return float(_signed(held if isinstance(held, int) else _varint(held, 0)[0]))
    by_type = _DTYPES.get(int(tensor[_DTYPE][-1])) if _DTYPE in tensor else None
    if by_type and _CONTENT in tensor:
        return float(struct.unpack_from(by_type, _bytes(tensor[_CONTENT][-1]))[0])
    return None


def _plugin(metadata: bytes) -> bytes:
    """Return which of TensorBoard's plugins a value is for."""
    data = _fields(metadata).get(1, [b""])[-1]
    return _bytes(_fields(_bytes(data)).get(1, [b""])[-1])


def _fields(message: bytes) -> Fields:
    """Return a message's fields by number; numbers as they stand there, the rest as bytes."""
    found: Fields = {}
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        value: int | bytes
        if kind == _VARINT:
            value, position = _varint(message, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            value = int.from_bytes(message[position : position + size], "little")
            position += size
        elif kind == _BYTES:
            size, position = _varint(message, position)
            value = message[position : position + size]
            position += size
        else:
            raise ValueError(f"no such kind of field: {kind}")
        if position > len(message):
            raise ValueError("the message is cut")
        found.setdefault(key >> 3, []).append(value)
    return found


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _signed(value: int | bytes) -> int:
    number = int(value)
    return number - (1 << 64) if number >> 63 else number


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError("a number stands where bytes belong")


def shown(value: float) -> str:
    """Return a number as a person compares it."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}"
