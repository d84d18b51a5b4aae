"""What is wrong with an engine that answers, in whole lines; the table of faults has the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.doctor.engine import LITTLE_DISK_BYTES, judge_engine
from envkit.doctor.finding import Finding
from envkit.engines.values import EngineFacts

GOOD = EngineFacts(
    kind="docker",
    version="20.10.24+dfsg1",
    architecture="amd64",
    storage_root="/var/lib/docker",
    local=True,
)


def problems(
    facts: EngineFacts, free: int | None, client: str | None = "/usr/bin/docker"
) -> tuple[Finding, ...]:
    return tuple(finding for finding in judge_engine(facts, client, free) if finding.outcome != "ok")


def test_a_good_engine_has_no_problems() -> None:
    assert problems(GOOD, LITTLE_DISK_BYTES) == ()
    assert problems(replace(GOOD, version="29.1.0"), None) == ()


@pytest.mark.parametrize(
    ("kind", "version"), [("docker", "19.03.15"), ("docker", "1.13.1"), ("podman", "3.4.4")]
)
def test_an_old_engine_is_named(kind: str, version: str) -> None:
    (found,) = problems(replace(GOOD, kind=kind, version=version), None)  # type: ignore[arg-type]
    assert found.what.startswith(f"{kind} {version} is older than ") and found.fix == "update it"


@pytest.mark.parametrize("version", ["", "master-dockerproject", "dev"])
def test_a_version_without_numbers_is_not_judged(version: str) -> None:
    assert problems(replace(GOOD, version=version), None) == ()


def test_little_disk_is_said_in_numbers() -> None:
    assert problems(GOOD, 1_250_000_000) == (
        Finding(
            check="storage",
            outcome="warn",
            what="/var/lib/docker has 1.2 GB free: an image needs about 6 GB to build",
            fix="free space: `docker system df` shows what takes it",
            fault="storage.little",
            domain="engine",
        ),
    )


def test_a_missing_buildkit_is_explained_for_each_engine() -> None:
    (docker,) = problems(GOOD, None, None)
    (podman,) = problems(replace(GOOD, kind="podman", version="4.3.1"), None, None)
    assert "no docker client here speaks BuildKit" in docker.what and "buildx plugin" in docker.fix
    assert "Podman builds by Docker's classic API" in podman.what and "DOCKER_HOST" in podman.fix
