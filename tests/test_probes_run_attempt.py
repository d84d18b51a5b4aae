"""An attempt's folder on a node's machine: what nobody wrote into does not stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.probes.run_attempt import Attempt


def node_1(task: Path) -> Attempt:
    """Return an attempt of the second node's part of run `r`."""
    folder = str(task / "r-node1")
    request = {"name": "r-node1", "folder": folder, "nproc": 1, "env": {"MODEL_PATH": "r"}}
    return Attempt({**request, "node": {"rank": 1, "count": 2, "names": ["a", "b"]}}, 1)


@pytest.mark.parametrize("written", ["r/model/events", "r/run.json"])
def test_what_the_script_or_node_0_wrote_stays(tmp_path: Path, written: str) -> None:
    (tmp_path / "r" / "model").mkdir(parents=True)
    (tmp_path / written).touch()
    node_1(tmp_path).leave()
    assert (tmp_path / written).exists() and (tmp_path / "r" / "model").is_dir()


def test_an_empty_folder_of_the_run_goes_from_a_nodes_machine(tmp_path: Path) -> None:
    (tmp_path / "r" / "model").mkdir(parents=True)
    node_1(tmp_path).leave()
    assert not (tmp_path / "r").exists()


def test_the_runs_own_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "r" / "model").mkdir(parents=True)
    request = {
        "name": "r",
        "folder": str(tmp_path / "r"),
        "nproc": 1,
        "env": {"MODEL_PATH": "r"},
        "node": None,
    }
    Attempt(request, 1).leave()
    assert (tmp_path / "r" / "model").is_dir()
