"""Which torch an image has in the end, as the build's own program judges it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from envkit.probes import assert_torch

PLAN = {"version": "2.13.0", "build": "cpu", "npu": None, "of_base": False}


def a_torch(folder: Path, version: str = "2.13.0+cpu", cuda: str = "None") -> None:
    """Write what a package of torch leaves."""
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "version.py").write_text(f"cuda: str | None = {cuda}\n", "utf-8")
    metadata = folder / f"torch-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n", "utf-8")


def judged(monkeypatch: pytest.MonkeyPatch, folder: Path, prefix: Path, **plan: Any) -> list[str]:
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setattr(sys, "prefix", str(prefix))
    return list(assert_torch.problems({**PLAN, **plan}))


def test_the_planned_one_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path)
    assert judged(monkeypatch, tmp_path, tmp_path) == []


def test_another_version_or_build_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path, "2.14.0", cuda="'13.0'")
    assert judged(monkeypatch, tmp_path, tmp_path) == [
        "torch 2.13.0 (cpu) was planned, 2.14.0 (cu130) is there"
    ]


def test_the_base_s_own_may_be_of_any_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path / "base", "2.9.0a0+145a3a7bda.nv25.10", cuda="'13.0'")
    found = judged(
        monkeypatch, tmp_path / "base", tmp_path / "venv", version="2.9.0a0", build="any", of_base=True
    )
    assert found == []


def test_one_that_hides_the_base_s_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path / "venv")
    found = judged(monkeypatch, tmp_path / "venv", tmp_path / "venv", build="any", of_base=True)
    assert found == [
        f"torch was to stay the base's own, and 2.13.0+cpu was installed over it, in {tmp_path / 'venv'}"
    ]


def test_none_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, tmp_path, tmp_path) == ["torch 2.13.0 was planned, none is there"]
