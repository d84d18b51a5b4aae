"""What is wrong with an engine that answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.doctor.engine import LITTLE_DISK_BYTES, Finding, findings
from envkit.engines.values import EngineFacts

GOOD = EngineFacts(
    kind="docker",
    version="20.10.24+dfsg1",
    architecture="amd64",
    buildkit="/usr/bin/docker",
    storage_root="/var/lib/docker",
    local=True,
)


def test_a_good_engine_has_no_findings() -> None:
    assert findings(GOOD, LITTLE_DISK_BYTES) == ()
    assert findings(replace(GOOD, version="29.1.0"), None) == ()


@pytest.mark.parametrize(
    ("kind", "version"), [("docker", "19.03.15"), ("docker", "1.13.1"), ("podman", "3.4.4")]
)
def test_an_old_engine_is_named(kind: str, version: str) -> None:
    (found,) = findings(replace(GOOD, kind=kind, version=version), None)  # type: ignore[arg-type]
    assert found.what.startswith(f"{kind} {version} is older than ") and found.fix == "update it"


@pytest.mark.parametrize("version", ["", "master-dockerproject", "dev"])
def test_a_version_without_numbers_is_not_judged(version: str) -> None:
    assert findings(replace(GOOD, version=version), None) == ()


def test_little_disk_is_said_in_numbers() -> None:
    assert findings(GOOD, 1_250_000_000) == (
        Finding(
            severity="warning",
            what="/var/lib/docker has 1.2 GB free: an image needs about 6 GB to build",
            fix="free space: `docker system df` shows what takes it",
        ),
    )


def test_a_missing_buildkit_is_explained_for_each_engine() -> None:
    (docker,) = findings(replace(GOOD, buildkit=None), None)
    (podman,) = findings(replace(GOOD, kind="podman", version="4.3.1", buildkit=None), None)
    assert "no docker client here speaks BuildKit" in docker.what and "buildx plugin" in docker.fix
    assert "Podman builds by Docker's classic API" in podman.what and "DOCKER_HOST" in podman.fix
