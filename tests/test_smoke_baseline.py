"""What got slower is named, and figures of another machine, device or size are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envkit.cli.output import plain
from envkit.errors import UsageError
from envkit.smoke.baseline import Baseline, compare, read, refuse_other_machine
from envkit.smoke.result import Report
from tests.smoke_reports import SUBJECT, a_report, a_speed


def saved(folder: Path, report: Report) -> Baseline:
    path = folder / "before.json"
    path.write_text(json.dumps(plain(report)), "utf-8")
    return read(str(path))


def test_a_card_that_lost_more_than_a_tenth_is_named(tmp_path: Path) -> None:
    before = saved(tmp_path, a_report(a_speed(500), a_speed(100, "memory speed")))
    slower = compare(before, a_report(a_speed(449), a_speed(91, "memory speed")))
    assert [str(one) for one in slower] == [
        "matmul speed has 449 TFLOPS, it had 500: 10 % less, 10 % are allowed"
    ]
    assert not a_report(a_speed(449), slower=slower).passed


def test_a_cpu_that_others_use_too_may_lose_half(tmp_path: Path) -> None:
    cpu = replace(SUBJECT, kind="cpu", cards=("",))
    before = saved(tmp_path, a_report(a_speed(500), subject=cpu))
    assert compare(before, a_report(a_speed(251), subject=cpu)) == ()
    assert len(compare(before, a_report(a_speed(249), subject=cpu))) == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"cards": ("NVIDIA L4",)}, "is of cuda (NVIDIA H100 PCIe), this is cuda (NVIDIA L4)"),
        ({"kind": "cpu", "cards": ("",)}, "is of cuda (NVIDIA H100 PCIe), this is cpu"),
        ({"cpus": 4}, "was measured with 2 x Xeon"),
    ],
)
def test_another_device_is_refused(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    before = saved(tmp_path, a_report(a_speed(500)))
    with pytest.raises(UsageError) as told:
        compare(before, a_report(a_speed(500), subject=replace(SUBJECT, **changed)))
    assert told.value.what.endswith(says)


def test_another_machine_and_other_sizes_are_refused_before_anything_runs(tmp_path: Path) -> None:
    before = saved(tmp_path, a_report(a_speed(500)))
    refuse_other_machine(before, "here", "quick")
    with pytest.raises(UsageError, match="was measured on another machine"):
        refuse_other_machine(before, "there", "quick")
    with pytest.raises(UsageError, match="is of --quick, this is --full"):
        refuse_other_machine(before, "here", "full")


def test_a_baseline_without_a_common_figure_is_refused(tmp_path: Path) -> None:
    before = saved(tmp_path, a_report(a_speed(500)))
    with pytest.raises(UsageError, match="no figure of what was measured now"):
        compare(before, a_report(a_speed(500, "memory speed")))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tier": "quick", "subject": {}, "results": [1]}'])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match="is no result of `envkit smoke`"):
        read(str(tmp_path / "x.json"))


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read(str(tmp_path / "none.json"))
