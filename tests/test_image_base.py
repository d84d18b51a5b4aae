"""Finding a base: here, in a registry, or made from packages; and what is in it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import EngineFacts, ExecResult
from envkit.errors import EngineError
from envkit.image.base import LOOK, check_free_disk, describe_base, find_base, name_of_base
from envkit.plan.bases import image_for
from envkit.plan.facts import BaseFacts
from tests.scripted_host import ScriptedHost

FACTS = EngineFacts(
    kind="docker",
    version="1",
    architecture="amd64",
    storage_root="/var/lib/docker",
    local=True,
)


def silent(line: str) -> None:
    """Take no note."""


def test_a_base_that_is_here_is_taken_and_nobody_asked() -> None:
    engine = FakeEngine()
    here = engine.images.add(replace(EMPTY, tags=("debian:12",)))
    host = ScriptedHost()
    assert find_base("debian:12", engine, host, silent).id == here.id
    assert host.asked == []


def test_a_base_that_a_registry_has_is_pulled() -> None:
    engine = FakeEngine()
    engine.images.registry["corp/base:1"] = replace(EMPTY, size_bytes=7)
    assert find_base("corp/base:1", engine, ScriptedHost(), silent).size_bytes == 7


def test_only_debian_and_ubuntu_are_made_here() -> None:
    with pytest.raises(EngineError) as caught:
        find_base("corp/base:1", FakeEngine(), ScriptedHost(), silent)
    assert caught.value.what.startswith("the base corp/base:1 cannot be had: pulling corp/base:1")
    assert "docker load" in caught.value.fix


@pytest.mark.parametrize(
    "reference", ["corp/debian:12", "debian@sha256:" + "0" * 64, "debian:12-slim", "debian"]
)
def test_what_only_looks_like_a_release_is_not_made_here(reference: str) -> None:
    host = ScriptedHost()
    with pytest.raises(EngineError, match="cannot be had"):
        find_base(reference, FakeEngine(), host, silent)
    assert host.asked == []


def test_the_error_says_what_each_way_said() -> None:
    host = ScriptedHost(answers={"id -u": (0, "1000\n")})
    with pytest.raises(EngineError) as caught:
        find_base("debian:12", FakeEngine(), host, silent)
    assert "\n  registry: pulling debian:12" in caught.value.what
    assert caught.value.what.endswith("\n  own packages: mmdebstrap is not here")
    assert caught.value.fix == "as root: `apt-get install mmdebstrap`"


def test_a_base_for_another_machine_is_fetched_by_a_build_and_leaves_the_own_one_its_name() -> None:
    engine = FakeEngine()
    own = engine.images.add(replace(EMPTY, tags=("debian:12",)))
    engine.images.registry["debian:12"] = replace(EMPTY, architecture="arm64")
    find_base("debian:12", engine, ScriptedHost(), silent, "arm64")
    [request] = engine.builder.requests
    assert (request.name, request.platform) == ("envkit-arm64/debian:12", "linux/arm64")
    assert engine.images.inspect("debian:12") == own
    find_base("debian:12", engine, ScriptedHost(), silent, "arm64")
    assert len(engine.builder.requests) == 1, "it is here now"


def test_a_base_that_is_another_machine_s_by_its_own_name_is_taken() -> None:
    engine = FakeEngine()
    here = engine.images.add(replace(EMPTY, tags=("corp/cann:9",), architecture="arm64"))
    assert find_base("corp/cann:9", engine, ScriptedHost(), silent, "arm64") == engine.images.inspect(here.id)
    assert name_of_base("corp/cann:9", engine, "amd64") == "corp/cann:9", "the engine's own machine"
    assert engine.builder.requests == []


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("debian", "envkit-arm64/debian:latest"),
        ("debian:12", "envkit-arm64/debian:12"),
        ("corp:5000/a/cann:9.1.0-910b", "envkit-arm64/corp-5000/a/cann:9.1.0-910b"),
        ("corp/a:1@sha256:0f", "envkit-arm64/corp/a:sha256-0f"),
    ],
)
def test_a_base_for_another_machine_has_a_name_of_its_own(reference: str, name: str) -> None:
    assert image_for(reference, "arm64") == name


def looking(said: str) -> FakeEngine:
    """Return an engine with a base whose look into itself prints that."""
    engine = FakeEngine()
    engine.images.add(
        replace(EMPTY, id="sha256:b", tags=("base:1",), env={"PATH": "/bin"}, architecture="arm64")
    )
    engine.inside.scripts[("/bin/sh", "-c", LOOK)] = ExecResult(code=0, stdout=said.encode(), stderr=b"")
    return engine


def test_what_a_base_says_of_itself_is_its_facts() -> None:
    said = {
        "id": "ubuntu",
        "version": "24.04",
        "glibc": "2.39",
        "python": "",
        "manager": "apt-get",
        "user": "ubuntu",
    }
    engine = looking(json.dumps(said))
    assert describe_base(engine, "base:1") == BaseFacts(
        reference="base:1",
        image_id="sha256:b",
        distribution="ubuntu:24.04",
        glibc="2.39",
        system_python=None,
        system_python_candidate="3.12",
        package_manager="apt",
        uid_1000_name="ubuntu",
        architecture="arm64",
        env=(("PATH", "/bin"),),
    )
    assert engine.containers.find({}) == ()


def test_an_unknown_distribution_is_described_as_far_as_it_goes() -> None:
    said = {
        "id": "openEuler",
        "version": "22.03",
        "glibc": "2.34",
        "python": "3.9",
        "manager": "dnf",
        "user": "",
    }
    facts = describe_base(looking(json.dumps(said)), "base:1")
    assert (facts.distribution, facts.package_manager, facts.system_python_candidate) == (
        "openeuler:22.03",
        "dnf",
        "3.9",
    )


def test_a_base_that_does_not_say_what_it_is_is_refused_and_its_container_removed() -> None:
    engine = looking("")
    with pytest.raises(EngineError, match="base:1 does not say which distribution it is"):
        describe_base(engine, "base:1")
    assert engine.containers.find({}) == ()


def test_a_base_that_is_not_here_cannot_be_looked_into() -> None:
    with pytest.raises(EngineError, match="there is no image base:1 here"):
        describe_base(FakeEngine(), "base:1")


def test_free_space_that_is_enough_is_not_spoken_of() -> None:
    check_free_disk(ScriptedHost(free=3), FACTS, 3)


def test_too_little_disk_is_said_with_its_figures() -> None:
    with pytest.raises(EngineError) as caught:
        check_free_disk(ScriptedHost(free=1_500_000_000), FACTS, 6_000_000_000)
    assert caught.value.what == "/var/lib/docker has 1.5 GB free, and this build needs about 6 GB"
    with pytest.raises(EngineError, match="and this save needs about 6 GB"):
        check_free_disk(ScriptedHost(free=1), FACTS, 6_000_000_000, "this save")


@pytest.mark.parametrize("facts", [replace(FACTS, local=False), replace(FACTS, storage_root="")])
def test_a_disk_elsewhere_is_not_looked_at(facts: EngineFacts) -> None:
    check_free_disk(ScriptedHost(free=0), facts, 1)
