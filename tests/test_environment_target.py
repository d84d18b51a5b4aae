"""What `up` is asked to start."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.environment.site import Site
from envkit.environment.target import build_image, find_image, is_spec, named
from envkit.errors import AcceleratorError, EnvkitError, UsageError
from envkit.image.proving import Reports
from envkit.plan.devices import parse_device
from tests.environments import image
from tests.scripted_host import ScriptedHost


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


@pytest.mark.parametrize(
    ("accelerator", "device", "says"),
    [
        ("ascend", "auto", "this machine has no ascend card"),
        ("ascend", "ascend:0", "this machine has no ascend card"),
        ("cpu", "cuda:0", "the image is made for cpu, not for cuda"),
    ],
)
def test_what_could_not_start_here_is_not_built_first(
    engine: FakeEngine, accelerator: str, device: str, says: str
) -> None:
    host = ScriptedHost({"ls": (0, "null\n"), "stat": (1, "")})
    site = Site(engine=engine, host=host, home="/home", cache="/cache")
    base = "ascend/cann:9.1.0-910b-ubuntu22.04-py3.11" if accelerator == "ascend" else "debian:12"
    Path("x.yaml").write_text(f"name: other\nbase: {base}\naccelerator: {accelerator}\n")
    reports = Reports(note=pytest.fail, event=pytest.fail, item=pytest.fail)
    with pytest.raises(AcceleratorError, match=says):
        build_image(site, "x.yaml", reports, parse_device(device))
    assert engine.images.inspect("other:dev") is None


def test_nothing_to_start_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"there is no \./envkit\.yaml"):
        named(None)
