"""Whether a card computes: recorded outputs of nvidia-smi and npu-smi (facts/accelerators.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.probes.idle_cards import Cards, Untold, ascend, judge_cards, look, nvidia
from envkit.probes.idle_judge import Signal
from tests.card_outputs import output

A2 = output("npu-smi-24.1.0.3-910b3.txt")
DUO = output("npu-smi-23.0.0-310p3.txt")


def said(*answers: str) -> object:
    lines = iter(answers)
    return lambda words: next(lines)


def test_npu_smi_tells_use_and_processes() -> None:
    assert ascend(said(A2)) == Cards(used=(37.0, 0.0), processes=("mindie_llm_back",))  # type: ignore[arg-type]
    assert ascend(said(DUO)) == Cards(used=(0.0,))  # type: ignore[arg-type]


def test_a_table_of_another_kind_is_not_taken_for_a_quiet_card() -> None:
    with pytest.raises(Untold, match="is not understood"):
        ascend(said("| NPU ID | Name | Health |\n| 0 | 950DT | OK |\n"))  # type: ignore[arg-type]


def test_nvidia_smi_tells_use_and_processes() -> None:
    found = nvidia(said("0, 0\n1, 83\n", "4242, /opt/venv/bin/python, 512\n"))  # type: ignore[arg-type]
    assert found == Cards(used=(0.0, 83.0), processes=("/opt/venv/bin/python",))


def test_nvidia_smi_without_a_card_is_not_understood() -> None:
    with pytest.raises(Untold, match="lists no card"):
        nvidia(said("No devices were found\n", ""))  # type: ignore[arg-type]


def test_a_card_that_computes_is_use_and_one_that_only_holds_memory_is_not() -> None:
    assert judge_cards([Cards(used=(0.0, 83.0))]).active
    assert judge_cards([Cards(used=(0.0,), processes=("python",))]) == Signal(
        name="accelerator", value="0 % of 1 cards, 1 processes hold memory"
    )


def test_where_use_is_not_told_a_process_counts() -> None:
    assert judge_cards([Cards(used=(None,), processes=("python",))]).active
    assert not judge_cards([Cards(used=(None,))]).active


def test_without_a_card_there_is_nothing_to_fail(tmp_path: Path) -> None:
    assert look(devices=tmp_path) == Signal(name="accelerator", value="none in here")


def test_a_card_whose_tool_fails_or_is_absent_is_a_failed_signal(tmp_path: Path) -> None:
    def fail(words: tuple[str, ...]) -> str:
        raise Untold(f"{words[0]} failed: dcmi model initialized failed")

    (tmp_path / "davinci0").touch()
    found = look(fail, devices=tmp_path)
    assert (found.failed, found.value) == (True, "npu-smi failed: dcmi model initialized failed")
