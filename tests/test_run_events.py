"""The reader of event files, beside TensorBoard's own."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_INT64, DT_STRING
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from envkit.run.events import last_scalars, records, shown


def simple(tag: str, value: float) -> Summary.Value:
    """A scalar as torch's SummaryWriter writes it."""
    return Summary.Value(tag=tag, simple_value=value)


def tensor(tag: str, held: TensorProto, plugin: str = "scalars") -> Summary.Value:
    """A value as TensorFlow 2's tf.summary.scalar writes it."""
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin))
    held.tensor_shape.CopyFrom(TensorShapeProto())
    return Summary.Value(tag=tag, tensor=held, metadata=metadata)


VALUES = (
    (0, simple("loss", 2.5)),
    (1, simple("loss", 0.125)),
    (-1, simple("before/zero", 7.0)),
    (3, simple("größe", float("inf"))),
    (3, tensor("tf/float", TensorProto(dtype=DT_FLOAT, float_val=[0.75]))),
    (3, tensor("tf/content", TensorProto(dtype=DT_FLOAT, tensor_content=struct.pack("<f", 0.5)))),
    (3, tensor("tf/double", TensorProto(dtype=DT_DOUBLE, double_val=[1e-9]))),
    (3, tensor("tf/whole", TensorProto(dtype=DT_INT64, int64_val=[-12]))),
    (4, tensor("text", TensorProto(dtype=DT_STRING, string_val=[b"hello"]), "text")),
    (4, tensor("curve", TensorProto(dtype=DT_FLOAT, float_val=[1.0, 2.0]), "pr_curves")),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event file by TensorBoard's own writer."""
    folder = tmp_path_factory.mktemp("events")
    writer = EventFileWriter(str(folder))
    for number, (step, value) in enumerate(VALUES):
        writer.add_event(Event(wall_time=100.0 + number, step=step, summary=Summary(value=[value])))
    writer.close()
    return next(folder.iterdir())


def test_it_reads_what_tensorboard_itself_reads(file: Path) -> None:
    theirs = EventAccumulator(str(file))
    theirs.Reload()
    expected = {
        tag: (one[-1].step, one[-1].value) for tag in theirs.Tags()["scalars"] if (one := theirs.Scalars(tag))
    }
    for tag in theirs.Tags()["tensors"]:
        if tag.startswith("tf/"):
            last = theirs.Tensors(tag)[-1]
            proto = last.tensor_proto
            held = [*proto.float_val, *proto.double_val, *proto.int64_val]
            expected[tag] = (last.step, held[0] if held else struct.unpack("<f", proto.tensor_content)[0])
    ours = last_scalars(file.read_bytes())
    assert {tag: (one.step, one.value) for tag, one in ours.items()} == expected
    assert ours["loss"].value == 0.125
    assert len(ours) == 7


def test_a_tensor_is_a_scalar_also_where_only_its_first_value_says_so(tmp_path: Path) -> None:
    writer = EventFileWriter(str(tmp_path))
    first = tensor("a", TensorProto(dtype=DT_FLOAT, float_val=[1.0]))
    later = tensor("a", TensorProto(dtype=DT_FLOAT, float_val=[2.0]))
    later.ClearField("metadata")
    for step, value in enumerate((first, later)):
        writer.add_event(Event(wall_time=float(step), step=step, summary=Summary(value=[value])))
    writer.close()
    assert last_scalars(next(tmp_path.iterdir()).read_bytes())["a"].value == 2.0


def test_a_file_cut_anywhere_gives_what_was_whole(file: Path) -> None:
    data = file.read_bytes()
    whole = list(records(data))
    for end in range(len(data)):
        cut = list(records(data[:end]))
        assert cut == whole[: len(cut)]
    assert len(list(records(data[:-1]))) == len(whole) - 1


def test_after_a_damaged_record_it_goes_on(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[0] ^= 0xFF
    assert last_scalars(bytes(data))["loss"].value == 0.125


def test_the_end_of_a_long_file_is_enough(file: Path) -> None:
    assert last_scalars(file.read_bytes()[17:])["loss"].value == 0.125


@given(st.binary(max_size=200))
def test_whatever_stands_there_nothing_raises(data: bytes) -> None:
    length = struct.pack("<Q", len(data))
    framed = length + struct.pack("<I", _checksum(length)) + data + b"\0\0\0\0"
    assert list(records(framed)) == [data]
    last_scalars(framed)
    last_scalars(data)


def _checksum(data: bytes) -> int:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    return int(masked_crc32c(data))


def test_numbers_are_shown_as_a_person_compares_them() -> None:
    assert [shown(one) for one in (3.0, 0.1 + 0.2, 1e-9, float("nan"))] == ["3", "0.3", "1e-09", "nan"]
