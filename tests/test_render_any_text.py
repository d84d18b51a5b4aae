"""Whatever text stands in a spec, the instructions stay the same, or it is refused."""

from __future__ import annotations

import io
import json
import re
import shlex
from functools import cache

import pytest
from dockerfile_parse import DockerfileParser
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from envkit import context, render
from envkit.accelerators.fit import Misfit
from envkit.errors import PlanError
from envkit.plan.build_plan import BuildPlan
from envkit.plan.facts import BuildFacts, ContextFile, Inputs
from envkit.plan.make import make
from envkit.spec.model import CodeServer, Spec
from tests.renderings import OWN_TEMPLATE, instructions
from tests.spec_leaves import DECIDING, SAMPLES, leaves, spec_with

FRAGMENTS = (
    *(
        "\n",
        "\r",
        "\r\n",
        "\u2028",
        "\u2029",
        "\x85",
        "\x0b",
        "\x0c",
        "\x00",
        "\x1b[2J",
        "\ud800",
        "\ufeff",
        "\u202e",
    ),
    *(
        "\\",
        "\\\n",
        "\\\\",
        "`",
        "`id`",
        "$(id)",
        "${PATH}",
        "$HOME",
        "$$",
        '"',
        "'",
        "'\"'\"'",
        "#",
        " # ",
        "<<EOF",
    ),
    *(
        "\nRUN id",
        "\nUSER root\n",
        "<<EOF\nid\nEOF\n",
        "{{ 7*7 }}",
        "{% raw %}",
        "{#",
        "#}",
        "%}",
        "{{ plan }}",
    ),
    *(
        "; id",
        "&& id",
        "| id",
        "> /x",
        "--mount=type=bind",
        "--from=x",
        "ONBUILD RUN id",
        "# syntax=x",
        "\t",
        " ",
    ),
    *("ENVKIT-END", "é", "中", "😀", "%s", "%0a", "&#10;", "../x", "/etc/passwd", "~", "*", "[a]", "-x", "@"),
)
NASTY = st.text(
    alphabet=st.sampled_from(list("ab1.-_/\\\n\r\u2028\u2029\x00\x85\"'`$(){}%#<> \t=,:;&|*?[]!~@")),
    max_size=40,
)
ANY = st.text(alphabet=st.characters(), max_size=40)
LONG = st.builds(
    lambda piece: (piece * 70_000)[:70_000], st.sampled_from(["a", "\\", "é", "中", "$", '"', " "])
)
LEAVES = tuple(leaves())
ASSIGNMENTS = ["SOURCE", "VERSION", "URL", "SHA256", "INTEGRITY", "FILE"]
BUILDERS = st.sampled_from(["buildkit", "classic"])


@st.composite
def near(draw: st.DrawFn, sample: str) -> str:
    """Return a good value with something nasty in it."""
    at = draw(st.integers(0, len(sample)))
    return sample[:at] + draw(st.sampled_from(FRAGMENTS) | NASTY) + sample[at:]


@st.composite
def leaf_and_text(draw: st.DrawFn) -> tuple[str, str]:
    leaf = draw(st.sampled_from(LEAVES))
    kinds = (near(SAMPLES[leaf]), near(SAMPLES[leaf]), st.sampled_from(FRAGMENTS), NASTY, ANY, LONG)
    return leaf, draw(st.one_of(*kinds))


def inputs_of(spec: Spec) -> Inputs:
    """Return files for every path that a spec names: here all of them are there."""
    names = [*spec.apt.files, *spec.dnf.files, *spec.pip.requirements]
    names += [path for step in spec.steps for path in (step.script, step.copy_from) if path]
    names += [f"{spec.pip.wheels}/mine.whl"] if spec.pip.wheels else []
    if isinstance(spec.ide.code_server, CodeServer):
        vsix = [extension.vsix for extension in spec.ide.code_server.extensions]
        names += [path for path in (*vsix, spec.ide.code_server.file) if path]
    files = {name: ContextFile(name=name, content=b"") for name in names}
    if spec.template:
        files[spec.template] = ContextFile(name=spec.template, content=OWN_TEMPLATE.encode())
    return Inputs(files=tuple(files.values()))


def plan_of(leaf: str, text: str, builder: str) -> BuildPlan | None:
    """Return the plan; None when the text is refused, as a spec's mistakes are."""
    try:
        spec = Spec.model_validate(spec_with(leaf, text))
        return make(spec, BuildFacts(builder=builder), inputs_of(spec), "")  # type: ignore[arg-type]  # one of two
    except (ValidationError, Misfit):
        return None


@cache
def shipped() -> context.Shipped:
    return context.load_shipped(OWN_TEMPLATE.encode())


@cache
def placeholder(leaf: str, builder: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    plan = plan_of(leaf, SAMPLES[leaf], builder)
    assert plan is not None, f"{leaf}: {SAMPLES[leaf]} is refused: mend SAMPLES in tests/spec_leaves.py"
    return shape(render.dockerfile(plan, shipped().templates)), render.settings(plan, shipped().templates)


def shape(dockerfile: str) -> list[tuple[str, str]]:
    """Return the names of all instructions, with the body of those that are run; two parsers must agree."""
    own = [
        (one.name, one.value if one.name in ("RUN", "FROM", "CMD", "SHELL") else "")
        for one in instructions(dockerfile)
    ]
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.encode()))
    theirs = [row["instruction"] for row in parser.structure if row["instruction"] != "COMMENT"]
    assert theirs == [name for name, _ in own]
    return own


def check(leaf: str, text: str, builder: str) -> bool:
    """Compare what a text becomes with what the sample becomes; tell whether the text was accepted."""
    plan = plan_of(leaf, text, builder)
    if plan is None:
        return False
    try:
        found = shape(render.dockerfile(plan, shipped().templates))
    except PlanError as error:
        assert "which no builder reads" in error.what, "only its length may be refused so late"
        return False
    wanted, settings_wanted = placeholder(leaf, builder)
    if leaf in DECIDING:
        word = r"[\w.:/@+-]+"
        words = f"{word}(?: +{word})*" if leaf == "target.chip" else word  # a card's name: it is looked up
        assert re.fullmatch(words, text), "what decides an instruction is a word"
    else:
        assert found == wanted
        assert render.settings(plan, shipped().templates) == settings_wanted
    lists_hold(plan)
    return True


def lists_hold(plan: BuildPlan) -> None:
    """Assert that the lists hold one thing a line, and the shell file nothing but its six assignments."""
    for file in plan.files:
        assert not re.search(r"(^|/)\.\.?(/|$)|\\|[\x00-\x1f]|//|^/", file.name)
        if not isinstance(file.content, bytes):
            continue
        if file.name == "code-server/plan.sh":
            words = shlex.split(file.content.decode())
            assert [word.partition("=")[0] for word in words] == ASSIGNMENTS
        if file.name in ("lists/apt.txt", "lists/dnf.txt", "lists/packages.txt", "lists/torch.txt"):
            lines = file.content.decode().splitlines()
            assert lines == file.content.decode().rstrip("\n").split("\n")
            assert not [line for line in lines if line.startswith("-") or line.endswith("\\")]
        if file.name.endswith(".json"):
            json.loads(file.content)


def test_every_leaf_of_the_model_has_a_sample() -> None:
    assert sorted(LEAVES) == sorted(SAMPLES)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("leaf", LEAVES)
def test_the_sample_of_a_leaf_is_accepted(leaf: str, builder: str) -> None:
    assert check(leaf, SAMPLES[leaf], builder)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(leaf_and_text(), BUILDERS)
@example(("env.{value}", "\\"), "buildkit")
@example(("labels.{value}", '" \\'), "buildkit")
@example(("env.{value}", "a" * 4096), "classic")
@example(("ide.code_server", "False"), "buildkit")
@example(("pip.requirements.[]", "a -r b.txt"), "buildkit")
@example(("steps.[].to", "/opt/a b"), "buildkit")
def test_no_text_becomes_an_instruction(case: tuple[str, str], builder: str) -> None:
    check(*case, builder)


@pytest.mark.real
@pytest.mark.timeout(400)
@settings(max_examples=10_000, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(leaf_and_text(), BUILDERS)
def test_no_text_becomes_an_instruction_in_ten_thousand_examples(case: tuple[str, str], builder: str) -> None:
    check(*case, builder)


def test_many_variables_are_refused_rather_than_cut() -> None:
    given_env = {f"A{number}": "中" * 4000 for number in range(9)}
    spec = Spec.model_validate({**spec_with("name", "fuzz"), "env": given_env})
    plan = make(spec, BuildFacts(), Inputs(), "")
    with pytest.raises(PlanError) as error:
        render.dockerfile(plan, shipped().templates)
    assert error.value.what.startswith("line ") and "io.envkit.expect=" in error.value.what
