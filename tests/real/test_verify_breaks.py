"""For each item, an image that is broken in exactly that: verify says so, and says nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from envkit.image.checks import CHECKS
from envkit.image.expectation import EXPECT
from envkit.image.verdict import Item, Verdict
from envkit.image.verify import ALIVE_S, ANY_UID, verify

pytestmark = pytest.mark.real

BROKEN = Path(__file__).with_name("broken")
# A folder of tests/real/broken/ → the item that it breaks. What needs a living extension host watches it as
# long as users do; the others need not.
BREAKS = {
    "jupyter-refuses": "jupyter-refuses",
    "jupyter-opens": "jupyter-opens",
    "kernel": "kernel",
    "terminal": "terminal",
    "code-server-refuses": "code-server-refuses",
    "workbench": "workbench",
    "extension-host": "extension-host",
    "extension-host-never": "extension-host",
    "tensorboard": "tensorboard",
    "services": "services",
    "torch": "torch",
    "torch-code": "torch",
    "same-environment": "same-environment",
    "command": "command",
    "sigterm": "sigterm",
    "zombies": "zombies",
    "files": "files",
}
SHORT_S = 1.0

Build = Callable[..., str]


@pytest.fixture(scope="module")
def ours() -> Engine:
    """This machine's engine, as envkit speaks to it."""
    return connect(LocalHost())


@pytest.fixture
def build(ours: Engine, image: str, tmp_path: Path) -> Iterator[Build]:
    """Build a folder of tests/real/broken/ on the good image; the image goes with the test."""
    made: list[str] = []

    def from_folder(name: str, labels: Mapping[str, str] | None = None) -> str:
        context = tmp_path / name
        shutil.copytree(BROKEN / name, context)
        dockerfile = context / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text("utf-8").replace("FROM GOOD", f"FROM {image}"), "utf-8")
        made.append(ours.builder.build(BuildRequest(context=context, labels=labels or {}), lambda _: None))
        return made[-1]

    yield from_folder
    for made_image in made:
        ours.images.untag(made_image)


def verdict_of(engine: Engine, image: str, alive_s: float) -> Verdict:
    seen: list[Item] = []
    verdict = verify(engine, image, seen.append, identities=(ANY_UID,), alive_s=alive_s)
    assert sorted(seen, key=verdict.items.index) == list(verdict.items), "every item is reported, once"
    return verdict


def failures(verdict: Verdict) -> dict[str, str]:
    return {item.id: item.reason for item in verdict.failed}


@pytest.mark.parametrize("folder", BREAKS)
def test_a_broken_image_fails_its_item_and_only_it(ours: Engine, build: Build, folder: str) -> None:
    item = BREAKS[folder]
    alive_s = ALIVE_S if item == "extension-host" else SHORT_S
    verdict = verdict_of(ours, build(folder), alive_s)
    assert list(failures(verdict)) == [item], failures(verdict)
    assert not verdict.passed


def test_an_extension_that_was_asked_for_and_is_missing_fails_its_item(
    ours: Engine, build: Build, image: str
) -> None:
    facts = ours.images.inspect(image)
    assert facts is not None
    expect = json.loads(facts.labels[EXPECT])
    expect["extensions"] = [{"id": "envkit.absent", "optional": False}]
    verdict = verdict_of(ours, build("extensions", {EXPECT: json.dumps(expect)}), SHORT_S)
    assert failures(verdict) == {"extensions": "envkit.absent: it is not there"}


def test_every_item_has_its_broken_image() -> None:
    assert {check.id for check in CHECKS} == {*BREAKS.values(), "extensions"}
