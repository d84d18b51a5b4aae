"""`envkit verify`, `inspect` and `diff` as a user runs them, on a good image and on somebody else's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from envkit.image.checks import CHECKS
from envkit.image.verify import ANY_UID

pytestmark = pytest.mark.real

ENVKIT = str(Path(sys.executable).with_name("envkit"))
FOREIGN = Path(__file__).with_name("foreign")
IDS = [check.id for check in CHECKS]


def envkit_says(*words: str) -> tuple[int, str, str]:
    done = subprocess.run([ENVKIT, *words], capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def foreign(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image that carries no promise of ours, with `jupyter-lab` and `code-server` on PATH."""
    engine = connect(LocalHost())
    context = tmp_path_factory.mktemp("foreign") / "context"
    shutil.copytree(FOREIGN, context)
    dockerfile = context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text("utf-8").replace("FROM GOOD", f"FROM {image}"), "utf-8")
    made = engine.builder.build(BuildRequest(context=context), lambda _: None)
    yield made
    engine.images.untag(made)


def test_a_good_image_passes_every_item_as_its_user_and_as_any_uid(image: str) -> None:
    code, said, _ = envkit_says("verify", image, "--json")
    verdict = json.loads(said)
    failed = [(item["id"], item["reason"]) for item in verdict["items"] if item["outcome"] == "failed"]
    assert (code, failed, verdict["passed"]) == (0, [], True)
    tried = [(item["identity"], item["id"]) for item in verdict["items"]]
    assert tried == [(identity, name) for identity in ("1000:0", ANY_UID) for name in IDS]
    assert all(item["reason"] for item in verdict["items"])


def test_a_bare_image_is_told_what_it_lacks_with_exit_code_nine(debian: str) -> None:
    code, said, error = envkit_says("verify", debian)
    assert code == 9
    assert "JupyterLab missing" in said
    assert "code-server missing" in said
    assert error == (
        "error: debian:12 does not pass\n"
        "    no: code-server missing, JupyterLab missing\n"
        "  fix: the reasons stand above; `envkit inspect` shows what is in it\n"
    )


def test_a_foreign_image_with_both_ides_is_started_by_its_own_commands(foreign: str) -> None:
    code, said, _ = envkit_says("verify", foreign, "--json")
    outcomes = {item["id"]: (item["outcome"], item["reason"]) for item in json.loads(said)["items"]}
    passed = {name for name, (outcome, _) in outcomes.items() if outcome == "passed"}
    assert code == 0, outcomes
    assert passed == {
        "jupyter-refuses", "jupyter-opens", "kernel", "terminal", "code-server-refuses", "workbench",
        "extension-host", "same-environment", "command",
    }  # fmt: skip


def test_an_image_that_is_not_there_is_a_usage_error() -> None:
    assert envkit_says("verify", "envkit-nobody:none") == (
        2,
        "",
        "error: there is no image 'envkit-nobody:none' here\n"
        "  fix: pull it, or make one: `envkit build SPEC`\n",
    )


def test_inspect_prints_what_is_in_an_image(image: str) -> None:
    code, said, _ = envkit_says("inspect", image, "--json")
    manifest = json.loads(said)["manifest"]
    assert code == 0
    assert manifest["tools_pip"]["jupyterlab"].startswith("4.")
    assert manifest["pip"]["ipykernel"]
    assert manifest["npm"]["code-server"] == manifest["tools"]["code-server"]
    assert manifest["apt"]["git"]
    assert manifest["glibc_floor"].startswith("2.")
    assert sum(step["size_bytes"] for step in manifest["steps"]) > 500_000_000


def test_inspect_does_not_count_what_it_could_not_look_at(debian: str) -> None:
    code, said, _ = envkit_says("inspect", debian)
    assert code == 0
    assert ", glibc" not in said
    assert "packages\n  unknown: the image has no Python to look with\n" in said


def test_a_name_that_is_none_is_refused_before_any_work(debian: str) -> None:
    code, said, error = envkit_says("build", "preset:cpu", "--tag", "BAD TAG", "--dry-run")
    assert (code, said) == (2, "")
    assert "that is no image's name" in error


def test_diff_names_what_one_image_has_and_the_other_has_not(debian: str, image: str) -> None:
    code, said, _ = envkit_says("diff", debian, image, "--json")
    found = json.loads(said)
    added = {(change["group"], change["name"]) for change in found["changes"] if change["before"] is None}
    assert code == 0
    assert ("tools", "code-server") in added
    assert found["size_after"] > found["size_before"]


def test_an_image_does_not_differ_from_itself(image: str) -> None:
    code, said, _ = envkit_says("diff", image, image)
    assert (code, said.splitlines()[-1]) == (0, "nothing else differs")
