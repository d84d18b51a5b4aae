"""The cache of an environment: cleaned at `up`, and one of its own that goes with it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from envkit.environment import cache, ending
from envkit.environment.up import Site, up
from envkit.plan.run_plan import Caller
from tests.real.up.conftest import Inside, Request

pytestmark = pytest.mark.real

ADA = Caller(uid=1000, gid=1000, name="ada")


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def test_up_marks_the_cache_and_removes_what_nobody_used(site: Site, request_for: Request) -> None:
    up(site, dataclasses.replace(request_for(ADA), retention_s=0), silent)
    folder = Path(site.cache)
    assert (folder / ".envkit-cache").stat().st_uid == 1000
    for name, size in (("old", 100), ("larger", 100_000)):
        (folder / name).write_bytes(b"x" * size)
        os.chown(folder / name, 1000, 1000)
    (folder / ".envkit-journal.jsonl").unlink()  # else it was here only a moment ago
    said: list[str] = []
    up(site, dataclasses.replace(request_for(ADA), retention_s=0), said.append)
    assert "more than half of it would go" in said[0]
    with (folder / "larger").open():
        up(site, dataclasses.replace(request_for(ADA), retention_s=0), said.append)
    assert [(folder / name).exists() for name in ("old", "larger")] == [False, True]


def test_a_cache_that_envkit_did_not_make_is_left_alone(site: Site, request_for: Request) -> None:
    Path(site.cache).mkdir()
    (Path(site.cache) / "precious").write_text("mine")
    said: list[str] = []
    up(site, dataclasses.replace(request_for(), retention_s=0), said.append)
    assert "was not made by envkit as a cache" in said[0]
    assert (Path(site.cache) / "precious").exists()


def test_a_cache_of_its_own_goes_with_the_environment(
    site: Site, name: str, request_for: Request, inside: Inside
) -> None:
    opened = up(site, dataclasses.replace(request_for(ADA, own_cache=True), retention_s=0), silent)
    assert opened.cache == f"{site.cache}-of/{name}"
    inside("sh", "-c", "mkdir -p /work/cache/pip/deep && echo x >/work/cache/pip/deep/file")
    ending.remove(site.engine, ending.loss(site.engine, name), site.host)
    assert not Path(opened.cache).exists()
    assert Path(opened.home).exists()


def test_removing_again_after_a_kill_in_between_is_fine(site: Site, name: str, request_for: Request) -> None:
    opened = up(site, dataclasses.replace(request_for(own_cache=True), retention_s=0), silent)
    lost = ending.loss(site.engine, name)
    cache.wipe(site.host, opened.cache)  # as far as the killed one came
    ending.remove(site.engine, lost, site.host)
    assert site.engine.containers.inspect(lost.environment.container) is None
