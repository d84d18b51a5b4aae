"""Another target for a spec, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit import paths
from envkit.errors import UsageError
from envkit.spec.load import LoadedSpec, load
from envkit.spec.retarget import for_target
from envkit.spec.target import Target
from tests.renderings import write_spec

CUDA = "name: x\naccelerator: cuda\ntorch: auto\ntarget: {chip: h100, driver: 570.26}\n"


def spec(folder: Path, text: str = CUDA) -> LoadedSpec:
    return load(write_spec(folder, text, {}), paths.presets())


def test_what_is_left_out_stays(tmp_path: Path) -> None:
    loaded = spec(tmp_path)
    assert for_target(loaded, None) is loaded
    changed = for_target(loaded, "driver=535.104, machine=arm64").spec
    assert changed.target == Target(chip="h100", driver="535.104", machine="arm64")
    assert changed.model_copy(update={"target": loaded.spec.target}) == loaded.spec


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("chip", "is no list of KEY=VALUE"),
        ("chip=", "is no list of KEY=VALUE"),
        ("chip=a,,", "is no list of KEY=VALUE"),
        ("card=h100", "unknown key 'card'"),
        ("machine=x86", "'x86' is not allowed here"),
        ("driver=new", "'new' is not allowed here"),
    ],
)
def test_a_mistake_is_one_of_the_command_line(tmp_path: Path, words: str, what: str) -> None:
    with pytest.raises(UsageError) as error:
        for_target(spec(tmp_path), words)
    assert what in error.value.what and error.value.fix


def test_a_card_for_a_spec_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        for_target(spec(tmp_path, "name: x\n"), "chip=h100")
    assert "`accelerator: cpu` uses none" in error.value.what
