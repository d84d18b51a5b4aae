"""What is left for others: ages go on, a keep survives a reboot, and an old reason is none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from envkit.probes import idle_report as left


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Both clocks and the boot, in the test's hands."""
    clocks = {"monotonic": 100.0, "wall": 1_000_000.0, "boot": 1.0}
    monkeypatch.setattr(time, "monotonic", lambda: clocks["monotonic"])
    monkeypatch.setattr(time, "time", lambda: clocks["wall"])
    monkeypatch.setattr(left, "_boot", lambda: str(clocks["boot"]))
    return clocks


def test_a_report_is_read_as_it_is_now(now: dict[str, float], tmp_path: Path) -> None:
    signals = [
        {"name": "a", "active": False, "failed": False, "quiet_s": 5.0},
        {"name": "b", "active": True, "failed": False, "quiet_s": 0.0},
    ]
    left.write_report({"stops_in_s": 60.0, "signals": signals}, tmp_path)
    now["monotonic"] += 10
    found = left.read_report(tmp_path)
    assert (found["stops_in_s"], [one["quiet_s"] for one in found["signals"]]) == (50.0, [15.0, 0.0])


@pytest.mark.usefixtures("now")
def test_no_report_and_a_damaged_one_are_empty(tmp_path: Path) -> None:
    assert left.read_report(tmp_path) == {}
    for text in ("", "[1]", '{"at": "x"}', "\xff"):
        (tmp_path / "idle.json").write_text(text, "latin-1")
        assert left.read_report(tmp_path) == {}


def test_a_keep_runs_out_whatever_the_wall_clock_says(now: dict[str, float], tmp_path: Path) -> None:
    left.keep(3600, tmp_path)
    now["wall"] += 1e6
    now["monotonic"] += 600
    assert left.kept_s(tmp_path) == 3000
    now["monotonic"] += 3600
    assert left.kept_s(tmp_path) == 0


def test_a_keep_survives_a_reboot_by_the_wall_clock(now: dict[str, float], tmp_path: Path) -> None:
    left.keep(3600, tmp_path)
    now.update(boot=2.0, monotonic=3.0, wall=now["wall"] + 600)
    assert left.kept_s(tmp_path) == 3000
    now["wall"] -= 1e6  # set back: kept for no longer than was asked
    assert left.kept_s(tmp_path) == 3600


@pytest.mark.usefixtures("now")
def test_a_keep_can_be_taken_back_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    left.keep(3600, tmp_path)
    left.keep(0, tmp_path)
    assert left.kept_s(tmp_path) == 0
    (tmp_path / "keep.json").write_text('{"seconds": "x", "boot": 1}')
    assert left.kept_s(tmp_path) == 0


def test_a_reason_counts_for_a_minute_and_goes_with_the_next_start(
    now: dict[str, float], tmp_path: Path
) -> None:
    assert not left.meant_to_end(tmp_path)
    left.write_ended("idle for 2 h", tmp_path)
    assert left.meant_to_end(tmp_path)
    assert json.loads((tmp_path / "ended.json").read_text())["reason"] == "idle for 2 h"
    now["monotonic"] += 61
    assert not left.meant_to_end(tmp_path)
    left.begin(tmp_path)
    assert not (tmp_path / "ended.json").exists()
