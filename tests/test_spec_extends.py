"""What a spec extends: how values meet, where a mistake is told, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit import paths
from envkit.errors import SpecError
from envkit.spec.load import LoadedSpec, load
from envkit.spec.model import Extension, Step


def loaded(folder: Path, files: dict[str, str]) -> LoadedSpec:
    """Write files and load the first."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return load(folder / next(iter(files)), paths.presets())


def refused(folder: Path, files: dict[str, str]) -> str:
    with pytest.raises(SpecError) as raised:
        loaded(folder, files)
    return " ".join(raised.value.what.split())


def test_mappings_merge_lists_append_and_scalars_replace(tmp_path: Path) -> None:
    parent = "name: p\nbase: debian:12\napt: [git]\nenv: {A: 1, B: 2}\ntorch: 2.13.0\n"
    child = "name: c\nextends: p.yaml\napt: [tmux]\nenv: {B: 3, C: 4}\ntorch: 2.12.0\n"
    spec = loaded(tmp_path, {"c.yaml": child, "p.yaml": parent}).spec
    assert (spec.name, spec.base, spec.torch) == ("c", "debian:12", "2.12.0")
    assert spec.apt.packages == ("git", "tmux")
    assert dict(spec.env) == {"A": "1", "B": "3", "C": "4"}


def test_the_short_and_the_long_form_meet(tmp_path: Path) -> None:
    child = "name: c\nextends: [p.yaml]\napt: {packages: [tmux]}\npip: numpy\n"
    spec = loaded(tmp_path, {"c.yaml": child, "p.yaml": "apt: git\npip: {packages: [scipy]}\n"}).spec
    assert spec.apt.packages == ("git", "tmux")
    assert spec.pip.packages == ("scipy", "numpy")


def test_an_entry_takes_the_place_of_the_same_package(tmp_path: Path) -> None:
    parent = "apt: [git, tmux]\npip: ['NumPy>=2', scipy]\n"
    child = "name: c\nextends: p.yaml\napt: [git=1.0]\npip: [numpy==2.4.6]\n"
    spec = loaded(tmp_path, {"c.yaml": child, "p.yaml": parent}).spec
    assert spec.apt.packages == ("git=1.0", "tmux")
    assert spec.pip.packages == ("numpy==2.4.6", "scipy")


def test_an_extension_takes_the_place_of_the_same_extension(tmp_path: Path) -> None:
    parent = "ide: {code_server: {extensions: [ms-python.python, a.b]}}\n"
    child = "name: c\nextends: p.yaml\n"
    child += "ide: {code_server: {extensions: [{id: MS-python.python@2026.1.0, optional: true}]}}\n"
    code_server = loaded(tmp_path, {"c.yaml": child, "p.yaml": parent}).spec.ide.code_server
    assert code_server is not False
    assert code_server.extensions == (
        Extension(id="MS-python.python@2026.1.0", optional=True),
        Extension(id="a.b"),
    )


def test_false_takes_an_ide_away_and_true_keeps_what_was_said(tmp_path: Path) -> None:
    parent = "ide: {jupyterlab: {version: 4.6.0}, code_server: {own_door: true}}\n"
    child = "name: c\nextends: p.yaml\nide: {jupyterlab: true, code_server: false}\n"
    ide = loaded(tmp_path, {"c.yaml": child, "p.yaml": parent}).spec.ide
    assert ide.code_server is False
    assert ide.jupyterlab is not False
    assert ide.jupyterlab.version == "4.6.0"


def test_null_takes_a_key_back_to_its_default(tmp_path: Path) -> None:
    child = "name: c\nextends: preset:cpu\ntorch: null\napt: ~\n"
    spec = loaded(tmp_path, {"c.yaml": child}).spec
    assert spec.torch is None
    assert spec.apt.packages == ()
    assert spec.pip.packages == ("numpy", "tensorboard")


def test_a_key_of_a_parent_that_does_not_fit_can_be_taken_back(tmp_path: Path) -> None:
    child = "name: c\nextends: preset:cuda\naccelerator: cpu\nbase: debian:12\n"
    what = refused(tmp_path, {"c.yaml": child})
    assert "cuda.yaml:9:1: `cuda` does not go with `accelerator: cpu`" in what
    assert loaded(tmp_path, {"c.yaml": child + "cuda: null\n"}).spec.cuda is None


def test_the_fix_for_a_key_of_a_parent_is_in_the_child(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: c\nextends: preset:cuda\naccelerator: cpu\n")
    with pytest.raises(SpecError) as raised:
        load(tmp_path / "c.yaml", paths.presets())
    assert raised.value.fix == f"write `cuda: null` in {tmp_path / 'c.yaml'}: it takes the key back"


def test_several_parents_are_taken_in_their_order(tmp_path: Path) -> None:
    files = {"c.yaml": "name: c\nextends: [a.yaml, b.yaml]\n", "a.yaml": "python: 3.10\napt: [a]\n"}
    spec = loaded(
        tmp_path, {**files, "b.yaml": "python: 3.12\napt: [b1]\n"} | {"a.yaml": "python: 3.10\napt: [a1]\n"}
    )
    assert (spec.spec.python, spec.spec.apt.packages) == ("3.12", ("a1", "b1"))
    assert [Path(name).name for name in spec.chain] == ["c.yaml", "a.yaml", "b.yaml"]


def test_steps_of_the_parent_come_first(tmp_path: Path) -> None:
    child = "name: c\nextends: p.yaml\nsteps: [{run: two}]\n"
    spec = loaded(tmp_path, {"c.yaml": child, "p.yaml": "steps: [{run: one}]\n"}).spec
    assert spec.steps == (Step(run="one"), Step(run="two"))


def test_a_mistake_is_told_in_the_file_where_it_stands(tmp_path: Path) -> None:
    files = {
        "c.yaml": "name: c\nextends: p.yaml\npython: '2.7'\n",
        "p.yaml": "apt:\n  - git\n  - Bad\ntorhc: 2\n",
    }
    what = refused(tmp_path, files)
    assert what.startswith("3 mistakes in ")
    assert (
        what.index("c.yaml:3:9: ") < what.index("p.yaml:3:5: 'Bad'") < what.index("p.yaml:4:1: unknown key")
    )


def test_a_mistake_that_is_overruled_is_none(tmp_path: Path) -> None:
    files = {"c.yaml": "name: c\nextends: p.yaml\npython: '3.12'\n", "p.yaml": "python: '2.7'\n"}
    assert loaded(tmp_path, files).spec.python == "3.12"


def test_a_file_named_below_is_found_from_above(tmp_path: Path) -> None:
    files = {"c.yaml": "name: c\nextends: team/p.yaml\n", "team/p.yaml": "pip: {requirements: [r.txt]}\n"}
    spec = loaded(tmp_path, {**files, "team/r.txt": "numpy\n"}).spec
    assert spec.pip.requirements == ("team/r.txt",)


def test_a_file_named_outside_the_folder_is_refused(tmp_path: Path) -> None:
    files = {"mine/c.yaml": "name: c\nextends: ../p.yaml\n", "p.yaml": "pip: {requirements: [r.txt]}\n"}
    what = refused(tmp_path, {**files, "r.txt": "numpy\n"})
    assert "p.yaml:1:22: 'r.txt' lies outside the folder of the spec that extends this" in what


def test_a_parent_outside_the_folder_is_read(tmp_path: Path) -> None:
    files = {"mine/c.yaml": "name: c\nextends: ../p.yaml\n", "p.yaml": "apt: [git]\n"}
    assert loaded(tmp_path, files).spec.apt.packages == ("git",)


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "secret.txt").touch()
    (tmp_path / "mine/r.txt").symlink_to("../secret.txt")
    what = refused(tmp_path, {"mine/c.yaml": "name: c\npip: {requirements: [r.txt]}\n"})
    assert "c.yaml:2:22: 'r.txt' is a link that leaves the spec's folder" in what


def test_a_circle_is_refused_with_its_way(tmp_path: Path) -> None:
    files = {
        "a.yaml": "name: a\nextends: b.yaml\n",
        "b.yaml": "extends: c.yaml\n",
        "c.yaml": "extends: a.yaml\n",
    }
    what = refused(tmp_path, files)
    assert "c.yaml:1:10: `extends` goes in a circle:" in what
    way = what.partition("circle: ")[2].partition(" 1 |")[0]
    assert [Path(part).name for part in way.split(" → ")] == ["a.yaml", "b.yaml", "c.yaml", "a.yaml"]


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    files = {f"f{n}.yaml": f"name: x\nextends: f{n + 1}.yaml\n" for n in range(8)}
    assert "`extends` goes more than 5 levels" in refused(tmp_path, files)


def test_a_parent_that_two_share_is_read_once(tmp_path: Path) -> None:
    files = {"c.yaml": "name: c\nextends: [a.yaml, b.yaml]\n", "p.yaml": "apt: [git]\n"}
    spec = loaded(tmp_path, {**files, "a.yaml": "extends: p.yaml\n", "b.yaml": "extends: p.yaml\n"})
    assert spec.spec.apt.packages == ("git",)
    assert len(spec.chain) == 4


def test_a_preset_that_is_not_there_is_told_with_the_likely_one(tmp_path: Path) -> None:
    what = refused(tmp_path, {"c.yaml": "name: c\nextends: preset:cpuu\n"})
    assert "c.yaml:2:10: there is no preset 'cpuu'" in what
    assert "did you mean 'preset:cpu'?" in what
