"""Two hundred environments in one go exist, are listed, and go again by their names; only ours go."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import docker
import pytest
from docker.models.containers import Container

from envkit.container.create import create
from envkit.engines.docker import connect
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, plan_up
from envkit.hosts.local import LocalHost
from envkit.plan.run_plan import Caller, RunOptions
from tests.faults.conftest import Envkit, Seen
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real
MANY = 200


def test_two_hundred_come_and_go(
    envkit: Envkit, environment: dict[str, str], engine: docker.DockerClient, foreign: Seen
) -> None:
    before = foreign()
    place = connect(LocalHost())
    folders = {"home": f"{environment['HOME']}/home", "cache": f"{environment['HOME']}/cache"}
    for folder in folders.values():
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103  a text
    site = Site(engine=place, host=LocalHost(), **folders)
    me = Caller(uid=os.getuid(), gid=os.getgid(), name="tester")
    asked = UpRequest(image=find_image(place, IMAGE), options=RunOptions(name="many-0"), caller=me)
    plan = plan_up(site, asked)
    plans = [replace(plan, name=f"many-{number}", port=20_000 + number) for number in range(MANY)]
    try:
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda one: create(place, one), plans))
        assert len(set(made)) == MANY
        everything = json.loads(envkit("ps", "--json").stdout)
        listed = [one for one in everything if one["name"].startswith("many-")]
        assert {one["name"] for one in listed} == {one.name for one in plans}
        assert {one["state"] for one in listed} == {"creating"}
        for one in plans:
            assert envkit("rm", one.name, "--yes").code == 0
        assert ours(engine) == []
    finally:
        for left in ours(engine):
            left.remove(force=True)
    assert foreign() == before


def ours(engine: docker.DockerClient) -> list[Container]:
    """Return the containers of the test's environments."""
    labelled = engine.containers.list(all=True, filters={"label": "io.envkit.container"})
    return [one for one in labelled if str(one.name).startswith("envkit-many-")]
