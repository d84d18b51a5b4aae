"""What the makers' tools printed on real machines (facts/accelerators.md, A4.3 and N3)."""

from __future__ import annotations

import pytest

from envkit.accelerators.cards import CardUse, of_npu_smi, of_nvidia_smi


def card(index: str, name: str, percent: float | None, used: int | None, total: int | None) -> CardUse:
    return CardUse(index=index, name=name, used_percent=percent, memory_used_mib=used, memory_total_mib=total)


def test_nvidia_smi_lists_a_card_a_line() -> None:
    text = "0, NVIDIA H100 80GB HBM3, 31, 4, 81559\n1, NVIDIA H100 80GB HBM3, [N/A], [N/A], [Unknown Error]\n"
    assert of_nvidia_smi(text) == (
        card("0", "NVIDIA H100 80GB HBM3", 31, 4, 81559),
        card("1", "NVIDIA H100 80GB HBM3", None, None, None),
    )


def test_a_dead_card_is_not_among_them() -> None:
    lost = "Unable to determine the device handle for GPU0000:1B:00.0: GPU is lost. Reboot the system\n"
    assert of_nvidia_smi(lost) == ()


HEAD = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 24.1.0.3                 Version: 24.1.0.3                                             |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
"""
TAIL = """\
+===========================+===============+====================================================+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| 0       0                 | 1406630       | mindie_llm_back          | 21835                   |
+===========================+===============+====================================================+
| No running processes found in NPU 1                                                            |
"""
B3 = """\
| 0     910B3               | OK            | 94.7        54                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3396 / 65536         |
+===========================+===============+====================================================+
| 5     910B2               | Warning       | 94.7        54                0    / 0             |
| 0                         | 0000:C2:00.0  | 87          0    / 0          26838/ 32768         |
"""
A = """\
| 3     910A                | OK            | 62.2        26                0    / 0             |
| 0                         | 0000:01:00.0  | 0           2280 / 15039      0    / 32768         |
"""
P3 = """\
+--------------------------------------------------------------------------------------------------------+
| npu-smi 23.0.0                                   Version: 23.0.0                                       |
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 24      310P3                 | OK              | NA           29                0     / 0             |
| 0       0                     | 0000:04:00.0    | 0            1832 / 21527                            |
+===============================+=================+======================================================+
"""
A3 = """\
| 0     Ascend910           | OK            | 178.5       36                0    / 0             |
| 0     0                   | 0000:9D:00.0  | 0           0    / 0          3132 / 65536         |
| 0     Ascend910           | OK            | -           36                0    / 0             |
| 1     1                   | 0000:9F:00.0  | 12          0    / 0          2900 / 65536         |
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + B3 + TAIL, (card("0", "910B3", 0, 3396, 65536), card("5", "910B2", 87, 26838, 32768))),
        (HEAD + A + TAIL, (card("3", "910A", 0, 0, 32768),)),
        (P3, (card("24", "310P3", 0, 1832, 21527),)),
        (HEAD + A3, (card("0", "Ascend910", 0, 3132, 65536), card("0.1", "Ascend910", 12, 2900, 65536))),
        ("dcmi module initialize failed. ret is -8005\n", ()),
        ("", ()),
    ],
    ids=["910B", "910A", "310P", "A3", "failed", "nothing"],
)
def test_npu_smi_has_two_lines_a_chip(text: str, expected: tuple[CardUse, ...]) -> None:
    assert of_npu_smi(text) == expected
