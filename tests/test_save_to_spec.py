"""What was installed is written into a spec, and what a spec cannot say is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.errors import UsageError
from envkit.save.origins import Direct, Origins
from envkit.save.plan import CommitOptions, CommitPlan, plan_commit
from envkit.save.to_spec import SpecChange, spec_change, write
from tests.saves import BEFORE, a_sight, added

SPEC = """\
# The team's.
name: lab  # short
extends: [preset:cpu]

# tools
apt: [tree]  # listings
pip:
  # newer ones broke us
  - humanize==4.9.0  # why
  - numpy[extra]>=2; python_version >= "3.9"
  - attrs
"""


def a_plan(*, sight: Mapping[str, object] | None = None, **now: dict[str, str]) -> CommitPlan:
    """Return the plan of an environment that has these packages now; it had numpy and less."""
    seen = a_sight(now=replace(BEFORE, **now), **(sight or {}))  # type: ignore[arg-type]
    return plan_commit(seen, CommitOptions(tag="team/lab:1"), None)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "envkit.yaml"
    file.write_text(SPEC)
    return file


def changed(plan: CommitPlan, spec: Path, **origins: object) -> SpecChange:
    return spec_change(plan, str(spec), Origins(**origins))  # type: ignore[arg-type]


def test_versions_are_pinned_where_the_packages_stand_and_all_else_stays(spec: Path) -> None:
    plan = a_plan(apt={"less": "643", "jq": "1.6-2"}, pip={"numpy": "2.2", "humanize": "4.17", "attrs": "26"})
    made = changed(plan, spec, apt=frozenset({"jq"}))
    assert made.after == SPEC.replace("[tree]  # listings", "[tree, jq=1.6-2] # listings").replace(
        "humanize==4.9.0  #", "humanize==4.17   #"
    ).replace("numpy[extra]>=2; ", "numpy[extra]==2.2; ").replace("- attrs\n", "- attrs==26\n")
    assert made.left == ()


def test_what_was_removed_goes_or_is_told(spec: Path) -> None:
    before = replace(BEFORE, pip={"attrs": "25", "numpy": "2.0", "idna": "3"})
    made = changed(a_plan(sight={"before": before}, pip={"numpy": "2.0"}), spec)
    assert made.after == SPEC.replace("  - attrs\n", "")
    assert made.left == (f"pip: idna was removed, and {spec} has no line for it",)


def test_of_apt_only_what_must_be_asked_for_is_written_and_the_rest_is_counted(spec: Path) -> None:
    plan = a_plan(apt={"less": "650", "npm": "9.2", "node-a": "1", "node-b": "1"})
    made = changed(plan, spec, apt=frozenset({"npm"}))
    assert "apt: [tree, less=650, npm=9.2]" in made.after
    assert made.warnings == (
        "apt's mirrors keep few versions: when one that is asked for is gone, build without its `=…`",
        "apt: 2 packages came with these; the build takes the versions that the mirror has",
    )


def test_what_no_mirror_has_is_told_and_not_written(spec: Path) -> None:
    here = frozenset({"own"})
    made = changed(a_plan(apt={"less": "643", "own": "1"}), spec, apt=here, foreign=here)
    assert made.after == SPEC
    assert made.left == ("apt: own 1: no mirror that the environment knows has it",)


def test_a_package_from_git_or_an_address_keeps_it(spec: Path) -> None:
    direct = {
        "mine": Direct(url="https://git.example/mine", kind="git", commit="c0ffee", subfolder="py"),
        "wheel": Direct(url="https://files.example/w.whl", kind="archive", sha256="ab"),
    }
    made = changed(a_plan(pip={"numpy": "2.0", "Mine": "1", "wheel": "2"}), spec, direct=direct)
    assert "  - Mine @ git+https://git.example/mine@c0ffee#subdirectory=py\n" in made.after
    assert "  - wheel @ https://files.example/w.whl#sha256=ab\n" in made.after


def test_what_came_from_a_folder_is_never_asked_of_an_index(spec: Path) -> None:
    direct = {
        "local": Direct(url="file:///tmp/local"),
        "login": Direct(url="https://ada:pw@git.example/x", kind="git", commit="1"),
    }
    made = changed(a_plan(pip={"numpy": "2.0", "local": "1", "login": "2"}), spec, direct=direct)
    assert made.after == SPEC
    assert [line.partition(": put")[0] for line in made.left] == [
        "pip: local 1 came from file:///tmp/local",
        "pip: login 2 came from an address with a login",
    ]


def test_torch_is_set_by_its_own_key_without_its_build(spec: Path) -> None:
    made = changed(a_plan(pip={"numpy": "2.0", "torch": "2.14.0+cpu", "torchvision": "0.29+cpu"}), spec)
    assert made.after.endswith('  - torchvision==0.29+cpu\ntorch: "2.14.0"\n')
    assert made.warnings == ("from an index of their own, which the build must reach: torchvision==0.29+cpu",)


def test_what_has_no_list_is_told_with_the_way_to_write_it(spec: Path) -> None:
    made = changed(a_plan(extensions={"a.b": "1"}, tools_pip={"c": "2"}, tools={"gcc": "12"}), spec)
    assert made.left == (
        "tools_pip: c 2: a spec has no list for that",
        "extensions: a.b 1: write a.b@1 under `ide.code_server.extensions`",
    )


def test_a_requirements_file_that_wants_another_version_is_named(spec: Path) -> None:
    (spec.parent / "r.txt").write_text("# ours\nidna==3.4 \nnumpy>=1 # any\n-e .\nattrs\n")
    spec.write_text("name: lab\npip: {requirements: [r.txt]}\n")
    made = changed(a_plan(pip={"numpy": "2.2", "idna": "3.10"}), spec)
    assert made.warnings == (
        "r.txt asks for idna==3.4, and idna==3.10 is there: change it there, or the build refuses both",
    )


def test_versions_that_do_not_fit_together_are_told(spec: Path) -> None:
    made = changed(a_plan(), spec, clashes=("a 1 has requirement b>=2, but you have b 1.",))
    assert made.warnings == (
        "pip says that these do not fit together, and a build refuses them: "
        "a 1 has requirement b>=2, but you have b 1.",
    )


def test_without_a_spec_a_whole_one_is_written_on_the_images_preset(tmp_path: Path) -> None:
    seen = a_sight(now=replace(BEFORE, pip={"numpy": "2.0", "idna": "3.4"}))
    image = replace(seen.image, labels={**seen.image.labels, "io.envkit.name": "cpu"})
    plan = plan_commit(replace(seen, image=image), CommitOptions(tag="host:5000/team/kept:1"), None)
    made = changed(plan, tmp_path / "new.yaml")
    assert made.before.splitlines()[-2:] == ["name: kept", "extends: [preset:cpu]"]
    assert made.after == made.before + "pip: [idna==3.4]\n"
    write(made)
    assert (tmp_path / "new.yaml").read_text() == made.after


def test_without_a_spec_and_a_preset_the_spec_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no spec") as raised:
        changed(a_plan(), tmp_path / "new.yaml")
    assert raised.value.fix == "--to-spec FILE, with the spec that the image was built from"


def test_a_stopped_environment_has_no_packages_to_write(spec: Path) -> None:
    plan = plan_commit(a_sight(now=None), CommitOptions(tag="lab:1"), None)
    with pytest.raises(UsageError, match="is stopped"):
        changed(plan, spec)


def test_writing_keeps_the_files_mode_and_what_a_link_names(spec: Path, tmp_path: Path) -> None:
    spec.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(spec)
    write(SpecChange(file=str(link), before=SPEC, after="name: x\n", left=()))
    assert (link.is_symlink(), spec.read_text(), spec.stat().st_mode & 0o777) == (True, "name: x\n", 0o640)


def test_files_outside_the_managers_trees_and_what_lies_in_mounts_are_named(spec: Path) -> None:
    files = (
        added("/opt/tools/a", 1),
        added("/opt/tools/b/c", 1),
        added("/opt/venv/lib/x", 1),
        added("/usr/local/bin/run", 1),
        added("/etc/motd", 1),
        added("/tmp/x", 1),
    )
    plan = plan_commit(a_sight(*files), CommitOptions(tag="lab:1"), None)
    made = changed(plan, spec, npm=("is-odd@3.0.1",))
    assert made.left == (
        "npm, for all: is-odd@3.0.1: a step of yours can install them",
        "1 file in /etc: a step of yours can copy them",
        "2 files in /opt/tools: a step of yours can copy them",
        "1 file in /usr/local: a step of yours can copy them",
    )


def test_the_difference_is_told_as_diff_does(spec: Path) -> None:
    made = SpecChange(file="envkit.yaml", before="name: a\n", after="name: b\n", left=())
    assert made.difference == "--- envkit.yaml\n+++ envkit.yaml\n@@ -1 +1 @@\n-name: a\n+name: b\n"
