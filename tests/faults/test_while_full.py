"""A disk fills up while `envkit` saves, pushes or pulls: it says which and what to do, and nothing stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docker_registry import Registry
from tests.faults.conftest import Envkit
from tests.faults.private_engine import PrivateEngine
from tests.faults.proxy import Rule
from tests.faults.saves import Place, Save, made, run_in, unseen, until
from tests.names import fresh

pytestmark = pytest.mark.real

ENGINE = "fix: free space: `docker system df` shows what takes it"
CLIENT = "fix: make room there, or name another folder: TMPDIR=/big/disk envkit …"


SPARE = 100_000  # where nothing can be written at all, Python takes another folder


@contextmanager
def full(folder: Path, but: int = 0) -> Iterator[None]:
    """Fill a disk to the last byte, or but for so many."""
    path = folder / "ballast"
    with path.open("wb") as file:
        while (free := shutil.disk_usage(folder).free - but) > 0:
            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
    try:
        yield
    finally:
        path.unlink()


@pytest.fixture(scope="module")
def save(place: Place, tiny: str) -> Iterator[Save]:
    """An environment in which three megabytes are new."""
    name = fresh("full")
    container = made(place.engine, tiny, name)
    run_in(container, "mkdir /opt/mine; head -c 3000000 /dev/urandom >/opt/mine/file")
    save = Save(place=place, container=container, name=name)
    yield save
    save.forget()
    container.remove(force=True)


def test_the_engines_disk_fills_up_while_it_saves(private: PrivateEngine, save: Save) -> None:
    place, before = save.place, save.place.left()
    for path, more in (("/commit", ()), ("/images/load", ()), ("/images/load", ("--squash",))):
        rule = place.proxy.break_at(Rule(do="block-before", method="POST", path=path))
        process = place.begin(*save.words, *more)
        until(rule.reached.is_set, path)
        with full(private.data):
            place.proxy.mend()
            code, said = process.wait()
        assert (code == 5 and "no space left" in said.lower()) or "disk is full" in said, said
        assert ENGINE in said, said
        assert save.state() == "running" and not save.is_tagged()
        assert place.swept() == before
    save.done()
    save.forget()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "small" / "data"  # where a registry has its own
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "envkit-tests", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_folder_for_a_while_is_too_small_for_the_new_layer(save: Save, small: Path) -> None:
    before = save.place.left()
    code, said = save.place.begin(*save.words, TMPDIR=str(small)).wait()
    assert code == 1, said
    assert f"the disk of {small} is full" in said and CLIENT in said, said
    assert save.state() == "running" and not list(small.iterdir())
    assert save.place.left() == before


def test_the_engines_disk_is_full_when_an_image_comes(
    place: Place, private: PrivateEngine, save: Save, tmp_path: Path
) -> None:
    registry = Registry.start(tmp_path / "registry")
    before = place.left()
    layers, to = save.done(), f"{registry.address}/{save.name}:1"
    try:
        code, said = place.begin("push", save.tag, "--to", to, "--way", "engine").wait()
        assert code == 0, said
        save.forget()
        with full(private.data):
            code, said = place.begin("pull", to).wait()
        assert code == 5 and "the engine's disk is full" in said and ENGINE in said, said
        assert place.left() == before
        code, said = place.begin("pull", to).wait()
        assert code == 0, said
        assert place.engine.images.get(to).attrs["RootFS"]["Layers"][:-1] == layers
        place.engine.images.remove(to)
    finally:
        registry.stop()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that takes everything."""
    registry = Registry.start(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.stop()


@pytest.fixture
def image(place: Place) -> Iterator[str]:
    """An image that has been nowhere."""
    name = unseen(place.engine, 600_000)
    yield name
    place.engine.images.remove(name)


def test_the_folder_for_a_while_fills_up_while_skopeo_is_given_the_image(
    place: Place, registry: Registry, image: str, small: Path
) -> None:
    before, to = place.left(), f"{registry.address}/{image[:-4]}:1"
    words = ("push", image, "--to", to, "--way", "skopeo")
    with full(small, but=SPARE):
        code, said = place.begin(*words, TMPDIR=str(small)).wait()
    assert code == 1 and f"the disk of {small} is full: skopeo needs" in said and CLIENT in said, said
    rule = place.proxy.break_at(Rule(do="block-before", method="GET", path=r"/images/.*/get"))
    process = place.begin(*words, TMPDIR=str(small))
    until(rule.reached.is_set, "it asks for the image")
    with full(small):
        place.proxy.mend()
        code, said = process.wait()
    assert code == 1 and f"pushing {to}: the disk of {small} is full" in said and CLIENT in said, said
    assert not list(small.iterdir()) and registry.manifest(image[:-4], "1")[0] == 404
    code, said = place.begin(*words, TMPDIR=str(small)).wait()
    assert code == 0, said
    assert not list(small.iterdir()) and place.left() == before


def test_the_engines_disk_is_full_when_an_image_goes(
    place: Place, private: PrivateEngine, registry: Registry, image: str
) -> None:
    before, to = place.left(), f"{registry.address}/{image[:-4]}:1"
    words = ("push", image, "--to", to, "--way", "engine")
    with full(private.data):
        code, said = place.begin(*words).wait()
    assert code == 5 and "the engine's disk is full" in said and ENGINE in said, said
    assert place.left() == before and registry.manifest(image[:-4], "1")[0] == 404
    rule = place.proxy.break_at(Rule(do="block-before", method="POST", path=r"/images/.*/push"))
    process = place.begin(*words)
    until(rule.reached.is_set, "it sends")
    with full(private.data):  # what it sends needs no room; the names that it had for a while do
        place.proxy.mend()
        code, said = process.wait()
    assert code == 5 and "the engine's disk is full" in said and ENGINE in said, said
    assert place.left() == before
    code, said = place.begin(*words).wait()
    assert code == 0, said
    assert place.left() == before


def test_a_registry_that_is_full_is_told(envkit: Envkit, image: str, small: Path) -> None:
    registry = Registry.start(small.parent)
    words = ("push", image, "--to", f"{registry.address}/lab:1", "--way", "skopeo")
    try:
        with full(small):
            said = envkit(*words)
        assert said.code == 5 and "the registry's disk is full" in said.stderr, said.stderr
        assert registry.manifest("lab", "1")[0] == 404
        assert envkit(*words).code == 0
    finally:
        registry.stop()
