"""Names as torch prints them, and the row that each finds."""

from __future__ import annotations

import re

import pytest

from envkit import compat
from envkit.smoke import peaks


@pytest.mark.parametrize(
    ("device", "tflops", "memory"),
    [
        ("NVIDIA A100-SXM4-80GB", 312, 2039),
        ("NVIDIA A100-SXM4-40GB", 312, 1555),
        ("NVIDIA A100 80GB PCIe", 312, 1935),
        ("NVIDIA A100-PCIE-40GB", 312, 1555),
        ("NVIDIA H100 80GB HBM3", 989, 3350),
        ("NVIDIA H100 PCIe", 756, 2000),
        ("NVIDIA H100 NVL", 835, 3900),
        ("NVIDIA H200", 989, 4800),
        ("NVIDIA GH200 480GB", 989, 4000),
        ("NVIDIA GB200", 2500, 8000),
        ("NVIDIA B200", 2250, 8000),
        ("NVIDIA L40S", 362, 864),
        ("NVIDIA L40", 181, 864),
        ("NVIDIA L4", 121, 300),
        ("NVIDIA A10", 125, 600),
        ("Tesla V100-SXM2-16GB", 125, 900),
        ("Tesla T4", 65, 320),
        ("Ascend910B3", 294.9, 1600),
        ("Ascend910B", 256, 1200),  # of the first generation (facts A4.4)
        ("Ascend910_9382", 353.9, 1600),
        ("Ascend310P3", 70, 204),
    ],
)
def test_a_card_finds_its_row(device: str, tflops: float, memory: float) -> None:
    found = peaks.of(device)
    assert found is not None
    assert (found.tflops, found.gbytes_per_s) == (tflops, memory)


@pytest.mark.parametrize(
    "device", ["", "NVIDIA A10G", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", "Intel(R) Xeon(R)", "NVIDIA L400"]
)
def test_an_unknown_device_or_a_part_of_one_finds_none(device: str) -> None:
    assert peaks.of(device) is None


def test_every_row_can_be_read_and_has_its_source() -> None:
    rows = compat.table("peaks")["rows"]
    assert all(re.compile(row["name"]) and row["source"] and row["tflops"] > 0 for row in rows)
    assert {key for row in rows for key in row} <= {
        "name", "tflops", "measured", "gbytes_per_s", "link", "judged", "only", "source",
    }  # fmt: skip
