"""Templates of a user's own: what they may do, and what they are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envkit import context, paths
from envkit.errors import PlanError
from envkit.plan.facts import BuildFacts
from tests.renderings import instructions, planned, presets, write_spec

SPEC = 'name: own\nbase: debian:12\naccelerator: cpu\npython: "3.11"\ntemplate: my.j2\n'
BLOCKS = (
    *("tools", "system", "before_packages", "python", "torch", "ide", "packages", "env"),
    *("after_packages", "asserted", "accelerator", "settings"),
)
FIX = "templates see the value `plan`: `envkit plan --json` prints it"


def rendered(folder: Path, template: str, *, builder: str = "buildkit") -> str:
    spec = write_spec(folder, SPEC, {"my.j2": template})
    return context.dockerfile_of(planned(spec, BuildFacts(builder=builder)).files)  # type: ignore[arg-type]  # of two


def test_the_blocks_are_named_and_explained() -> None:
    text = (paths.templates() / "base.j2").read_text("utf-8")
    comment, _, code = text.partition("-#}")
    assert tuple(re.findall(r"{% block (\w+) %}", code)) == BLOCKS
    assert tuple(re.findall(r"^    (\w+)  ", comment, re.MULTILINE)) == BLOCKS


def test_a_template_that_only_extends_changes_nothing(tmp_path: Path) -> None:
    names = [one.name for one in instructions(rendered(tmp_path, '{% extends "cpu/Dockerfile.j2" %}'))]
    assert names == [one.name for one in instructions(presets()["ide-only"])]


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_can_be_added_to(tmp_path: Path, block: str, builder: str) -> None:
    added = f"{{% block {block} %}}{{{{ super() }}}}\nRUN echo own\n{{% endblock %}}"
    own = '{% extends "cpu/Dockerfile.j2" %}\n' + added
    without = rendered(tmp_path, '{% extends "cpu/Dockerfile.j2" %}', builder=builder)
    found = [one.value for one in instructions(rendered(tmp_path, own, builder=builder))]
    before = [one.value for one in instructions(without)]
    assert found.count("echo own") == 1
    found.remove("echo own")
    assert found[:-1] == before[:-1]  # but the labels, where the plan's digest is


def test_a_block_can_be_replaced_and_sees_the_plan(tmp_path: Path) -> None:
    own = (
        '{% extends "cuda/Dockerfile.j2" %}{% block settings %}'
        "LABEL a={{ plan.base.reference | env_value }}{% endblock %}"
    )
    text = rendered(tmp_path, own)
    assert text.endswith('\nENV NVIDIA_DRIVER_CAPABILITIES=compute,utility\nLABEL a="debian:12"\n')


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ plna }}", "template my.j2, line 1: 'plna' is undefined"),
        ("\n\n{{ plan.nmae }}", "template my.j2, line 3: 'envkit.plan.build_plan.BuildPlan object' has no"),
        ("a\n{% if %}", "template my.j2, line 2: Expected an expression, got"),
        ("{% block x %}", "template my.j2, line 1: Unexpected end of template."),
        ("\n{{ 1 / 0 }}", "template my.j2, line 2: division by zero"),
        ("{{ 'a' + 1 }}", "template my.j2, line 1: can only concatenate str (not \"int\") to str"),
        ("{{ 'a' | nofilter }}", "template my.j2, line 1: No filter named 'nofilter'."),
        ("{{ ''.__class__ }}", "template my.j2, line 1: access to attribute '__class__' of"),
        ("{{ plan.__init__.__globals__ }}", "template my.j2, line 1: access to attribute '__init__'"),
        ("{{ steps.__call__.__func__ }}", "template my.j2, line 1: access to attribute '__call__'"),
        ("{{ copy_words.__globals__ }}", "template my.j2, line 1: access to attribute '__globals__'"),
        ("{{ '{0.__class__}'.format(1) }}", "template my.j2, line 1: access to attribute '__class__'"),
        ("{{ range(10**9) }}", "template my.j2, line 1: Range too big."),
        ("{% include '/etc/passwd' %}", "template my.j2, line 1: there is no template '/etc/passwd'"),
        ("{% include '../../x' %}", "template my.j2, line 1: there is no template '../../x'"),
        ("\n{% extends 'cpu.j2' %}", "template my.j2, line 2: there is no template 'cpu.j2'"),
        ("{{ plan.files[0].content }}", "template my.j2, line 1: "),
        ("{% set _ = plan.env.append(1) %}", "template my.j2, line 1: 'tuple object' has no attribute"),
        ("{{ 'a\\nb' | env_value }}", "a value with a control character cannot stand in a Dockerfile"),
        ("{{ lipsum() }}", "template my.j2, line 1: 'lipsum' is undefined"),
        ("{{ [1, 2] | random }}", "template my.j2, line 1: No filter named 'random'."),
        ("{% include 'user.j2' %}", "template my.j2"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_template_and_line(tmp_path: Path, template: str, what: str) -> None:
    with pytest.raises(PlanError) as error:
        rendered(tmp_path, template)
    assert error.value.what.startswith(what)
    assert "\n" not in error.value.what
    assert error.value.fix in (FIX, "remove it from the spec")


def test_a_mistake_in_a_block_is_told_at_its_own_line(tmp_path: Path) -> None:
    own = (
        '{% extends "cpu/Dockerfile.j2" %}\n\n{% block packages %}\n{{ super() }}\n{{ nope }}\n{% endblock %}'
    )
    with pytest.raises(PlanError, match=r"^template my\.j2, line 5: 'nope' is undefined$"):
        rendered(tmp_path, own)


def test_no_template_sees_a_place_of_this_machine(tmp_path: Path) -> None:
    text = rendered(tmp_path, "FROM debian:12 AS x\n# {{ plan }}")
    assert str(tmp_path) not in text and "files=" not in text


def test_a_template_may_hold_what_builders_do_not_expand(tmp_path: Path) -> None:
    assert (
        rendered(tmp_path, "FROM debian:12 AS x\nRUN echo é {{ '{{' }}")
        == "FROM debian:12 AS x\nRUN echo é {{\n"
    )
