"""`push`, `pull`, `images` and `rmi` as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.cli.push import lines
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import made_id
from envkit.engines.values import Sent
from envkit.environment.site import Site
from tests.environments import TalkingHost, image

TO = "registry.example:5000/team/lab:1"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine()
    made.images.add(replace(image(), layers=2))
    site = Site(engine=made, host=TalkingHost({}), home="/data/home", cache="/data/cache")
    monkeypatch.setattr("envkit.cli.site.open_site", lambda host_name=None: site)
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(envkit, list(words))


def test_a_push_ends_with_the_reference_that_was_proven(engine: FakeEngine) -> None:
    done = run("push", "lab:dev", "--to", TO, "--platform", "harbor")
    digest = made_id("manifest", image().id)
    assert (done.exit_code, done.stdout) == (0, f"{TO}@{digest}\n")
    first, *layers, namespace, size, end = done.stderr.splitlines()
    assert first == f"pushing lab:dev to {TO} through the engine (fake 1.0)"
    assert [line.split()[1] for line in layers] == ["sent", "sent"]
    assert namespace == "ok  a namespace in its name: team/lab"
    assert size == "ok  no layer above 4 GB: the largest has 0.0 GB"
    assert end.startswith("2 of 2 layers sent (20.5 kB), 0 were there, 20.5 kB in all, ")
    assert json.loads(run("push", "lab:dev", "--to", TO, "--json").stdout)["sent"] == 0


def test_a_long_layer_says_now_and_then_how_far_it_is() -> None:
    said: list[str] = []
    times: Iterator[float] = iter((0.0, 1.0, 11.0, 11.0, 12.0, 13.0))
    hear = lines(said.append, lambda: next(times))
    for done in (1_000_000, 50_000_000):
        hear(Sent("abc", "sending", done, 65_800_000))
    hear(Sent("abc", "sent"))
    hear(Sent("abc", "sent"))
    hear(Sent("def", "waiting"))
    assert said == ["  abc  50.0 MB of 65.8 MB", "  abc  sent"]


def test_a_layer_that_is_not_taken_is_told_once() -> None:
    said: list[str] = []
    hear = lines(said.append, lambda: 0.0)
    for _ in range(5):  # the engine counts the seconds
        hear(Sent("abc", "again"))
    hear(Sent("abc", "sent"))
    assert said == ["  abc  not taken by the registry; the engine tries again", "  abc  sent"]


def test_an_image_comes_is_listed_and_goes(engine: FakeEngine) -> None:
    engine.images.registry[TO] = replace(image(), id="sha256:" + "c" * 64, tags=())
    pulled = run("pull", TO)
    assert (pulled.exit_code, pulled.stdout) == (0, "sha256:" + "c" * 64 + "\n")
    assert pulled.stderr.splitlines()[1:] == [
        f"{TO} is here: 1 B, no verdict",
        f"`envkit verify {TO}` proves it; `envkit up {TO}` starts it",
    ]
    assert [row.split()[0] for row in run("images").stdout.splitlines()] == ["IMAGE", "lab:dev", TO]
    assert [row["names"] for row in json.loads(run("images", "--json").stdout)] == [["lab:dev"], [TO]]
    assert run("rmi", TO, "lab:dev").stderr == f"{TO} is removed\nlab:dev is removed\n"
    assert run("images").stderr == "there is no image of ours; `envkit build` makes one\n"
