"""What `up` is asked to start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.environment.target import find_image, foretold, is_spec, named
from envkit.errors import EnvkitError, UsageError
from tests.environments import image


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.images.add(image())
    return engine


@pytest.mark.parametrize(
    ("target", "spec"),
    [
        ("preset:cpu", True),
        ("x.yaml", True),
        ("x.yml", True),
        ("folder", True),
        ("lab:dev", False),
        ("lab", False),
    ],
)
def test_a_spec_is_told_from_an_image(target: str, spec: bool) -> None:
    Path("folder").mkdir()
    assert is_spec(target) is spec


def test_an_image_is_found_by_its_name(engine: FakeEngine) -> None:
    found = find_image(engine, "lab:dev")
    assert (found.reference, found.id, found.labels["io.envkit.name"]) == ("lab:dev", image().id, "lab")


def test_a_spec_means_the_image_that_it_builds(engine: FakeEngine) -> None:
    Path("envkit.yaml").write_text("name: lab\n")
    assert find_image(engine, named(None)).reference == "lab:dev"


def test_a_spec_that_is_not_built_says_so(engine: FakeEngine) -> None:
    Path("x.yaml").write_text("name: other\n")
    with pytest.raises(EnvkitError) as caught:
        find_image(engine, "x.yaml")
    assert caught.value.fix == "envkit build x.yaml"


def test_a_slip_of_the_finger_is_answered_with_the_image_that_was_meant(engine: FakeEngine) -> None:
    with pytest.raises(UsageError) as caught:
        find_image(engine, "lub:dev")
    assert (caught.value.what, caught.value.fix) == (
        "there is no image 'lub:dev' here",
        "did you mean lab:dev?",
    )


def test_an_image_that_is_nowhere_here_may_be_fetched(engine: FakeEngine) -> None:
    with pytest.raises(UsageError) as caught:
        find_image(engine, "team/other:1")
    assert caught.value.fix == "`envkit pull team/other:1` fetches it, `envkit build` makes one from a spec"


def test_a_spec_foretells_of_its_image_what_a_plan_asks() -> None:
    Path("x.yaml").write_text("name: other\nbase: debian:12\naccelerator: cuda\nsecrets: [KEY]\n")
    found = foretold("x.yaml")
    assert (found.reference, found.id, found.accelerator) == ("other:dev", "", "cuda")
    assert found.labels["io.envkit.name"] == "other"
    expect = json.loads(found.labels["io.envkit.expect"])
    assert (expect["secrets"][0]["name"], expect["idle_stop"]) == ("KEY", True)


def test_nothing_to_start_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"there is no \./envkit\.yaml"):
        named(None)
