"""`envkit push` is killed at twenty points: a tag is whole or not there, and run again it is there.

A point is a request to the registry, a real one: before it hears of it, or after it has acted. Every push is
of an image, and to a repository, that nobody has seen before.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from docker.errors import ImageNotFound

from tests.docker_registry import Registry
from tests.faults.saves import Place, unseen, until
from tests.registry_faults import Faults, Rule

pytestmark = pytest.mark.real

USER = "ada:secret"
LOGIN = base64.b64encode(USER.encode()).decode()
SIZE = 300_000  # of random bytes
Way = Literal["engine", "skopeo"]
POINTS: dict[Way, int] = {"engine": 12, "skopeo": 8}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A registry that wants a login, and a proxy before it."""

    place: Place
    registry: Registry
    faults: Faults
    config: Path

    def image(self) -> str:
        """Make an image that nobody has seen; return its name."""
        return unseen(self.place.engine, SIZE)

    def words(self, way: Way, image: str) -> tuple[str, ...]:
        """Return the command that pushes it."""
        return ("push", image, "--to", f"{self.faults.address}/{image[:-4]}:1", "--way", way)

    def push(self, way: Way, image: str) -> None:
        """Push it to the end."""
        code, said = self.place.begin(*self.words(way, image), DOCKER_CONFIG=str(self.config)).wait()
        assert code == 0, said
        assert self.is_there(image)

    def remove(self, image: str) -> None:
        """Remove an image by its name.

        A push whose client was killed goes on in the engine, which notes at its end under which digest the
        registry has the image (tried on 20.10, also when the pushed name is gone by then). That alone keeps
        an image that lost its last name: nameless, until `envkit gc` finds it an hour old.
        """
        images = self.place.engine.images
        identity = images.get(image).id
        images.remove(image)
        with suppress(ImageNotFound):
            left = images.get(identity)
            assert left.tags == [] and left.attrs["RepoDigests"], left.attrs
            assert all(one.startswith(f"{self.faults.address}/") for one in left.attrs["RepoDigests"])
            images.remove(identity)

    def is_there(self, image: str) -> bool:
        """Tell whether the registry has its tag; all that the tag names must be there, and be ours."""
        login = {"Authorization": f"Basic {LOGIN}"}
        status, body = self.registry.manifest(image[:-4], "1", login)
        if status == 404:
            return False
        told: dict[str, Any] = json.loads(body)
        assert told["config"]["digest"] == self.place.engine.images.get(image).id
        for one in (told["config"], *told["layers"]):
            assert len(self.registry.get(f"/v2/{image[:-4]}/blobs/{one['digest']}", login)[1]) == one["size"]
        return True


@pytest.fixture(scope="module")
def desk(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry.start(folder, user=USER)
    faults = Faults(registry.address)
    (folder / "config.json").write_text(json.dumps({"auths": {faults.address: {"auth": LOGIN}}}))
    yield Desk(place=place, registry=registry, faults=faults, config=folder)
    faults.stop()
    registry.stop()


@pytest.mark.parametrize("way", POINTS)
def test_a_killed_push_leaves_no_half_tag_and_converges(desk: Desk, way: Way) -> None:
    place, whole = desk.place, desk.image()
    desk.faults.seen.clear()
    desk.push(way, whole)
    asked, sides = len(desk.faults.seen), itertools.cycle(("block-before", "block-after"))
    desk.remove(whole)
    before = place.left()
    for at in range(POINTS[way]):
        image = desk.image()
        there = place.left()
        number = 1 + at * (asked - 1) // (POINTS[way] - 1)
        rule = Rule(do=next(sides), method="any", path="/v2/", times=number, first=number)  # type: ignore[arg-type]
        desk.faults.rules.append(rule)
        process = place.begin(*desk.words(way, image), DOCKER_CONFIG=str(desk.config))
        until(rule.reached.is_set, f"request {number} of {asked}: {desk.faults.seen}")
        process.kill()
        assert not secrets_below(place.temporary)
        rule.go.set()
        desk.is_there(image)  # then it is whole
        desk.push(way, image)
        assert place.swept() == there
        desk.remove(image)
    assert place.left() == before


def secrets_below(folder: Path) -> list[Path]:
    """Return the files that hold the login."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if LOGIN.encode() in path.read_bytes()]
