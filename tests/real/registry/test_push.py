"""An image goes to real registries and comes back, with docker's own login or none."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.engines.docker_images import DockerImages
from tests.docker_registry import Registry
from tests.names import fresh
from tests.real.registry.conftest import USER, Desk
from tests.registry_faults import Faults

pytestmark = pytest.mark.real
CERTIFICATES = Path("/etc/docker/certs.d")
BASIC = {"Authorization": "Basic " + base64.b64encode(USER.encode()).decode()}


def test_an_image_goes_is_proven_and_comes_back(desk: Desk, start: Callable[..., Registry]) -> None:
    registry, repository = start(user=USER), f"team/{fresh('lab')}"
    desk.log_in(registry.address)
    to = f"{registry.address}/{repository}:1.0"
    first = desk.run("push", desk.image, "--to", to)
    assert first.returncode == 0, first.stderr
    status, manifest = registry.manifest(repository, "1.0", BASIC)
    assert (status, json.loads(manifest)["config"]["digest"]) == (200, desk.identity)
    assert first.stdout == f"{to}@sha256:{hashlib.sha256(manifest).hexdigest()}\n"
    assert "1 of 1 layers sent (1.5 MB), 0 were there, 1.5 MB in all" in first.stderr
    again = json.loads(desk.run("push", desk.image, "--to", to, "--json").stdout)
    assert (again["sent"], again["layers"], again["tries"]) == (0, 1, 1)
    assert desk.run("rmi", desk.image).stderr == f"{desk.image} is removed\n"
    back = desk.run("pull", to)
    assert back.returncode == 0 and back.stdout == first.stdout.replace(":1.0@", "@"), back.stderr
    here = desk.engine.images.inspect(to)
    assert here is not None and here.id == desk.identity
    assert to in desk.run("images").stdout
    assert desk.run("rmi", to).returncode == 0 and desk.engine.images.inspect(desk.identity) is None


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("", "it refuses a push without a login: docker's config has none"),
        ("ada:wrong", "it refuses docker's login for it (ada)"),
    ],
)
def test_a_push_without_the_right_login_says_so(
    desk: Desk, start: Callable[..., Registry], user: str, said: str
) -> None:
    registry = start(user=USER)
    if user:
        desk.log_in(registry.address, user)
    done = desk.run("push", desk.image, "--to", f"{registry.address}/team/lab:1")
    assert (done.returncode, done.stdout) == (5, "")
    assert said in done.stderr and f"fix: `docker login {registry.address}`" in done.stderr
    assert "wrong" not in done.stderr


def test_a_helper_is_asked_for_that_registry_alone(
    desk: Desk, start: Callable[..., Registry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, asked = start(user=USER), tmp_path / "asked"
    helper = tmp_path / "docker-credential-envkit-test"
    helper.write_text(
        f'#!/bin/sh\nread -r server\necho "$1 $server" >>{asked}\n'
        'echo "{\\"ServerURL\\": \\"$server\\", \\"Username\\": \\"ada\\", \\"Secret\\": \\"secret\\"}"\n',
        encoding="utf-8",
    )
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/local/bin:/usr/bin:/bin")
    desk.log_in("other.example", "eve:theirs")
    config = json.loads(desk.config.read_text("utf-8"))
    helpers = {registry.address: "envkit-test", "third.example": "not-there"}
    desk.config.write_text(json.dumps({**config, "credHelpers": helpers}), encoding="utf-8")
    done = desk.run("push", desk.image, "--to", f"{registry.address}/team/lab:1")
    assert done.returncode == 0, done.stderr
    assert set(asked.read_text("utf-8").splitlines()) == {f"get {registry.address}"}


@pytest.fixture
def bridge() -> str:
    """An address of this machine that the engine does not call insecure, as it does loopback."""
    words = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture
def trusted(tmp_path: Path) -> Iterator[Callable[[Registry], None]]:
    """Make the engine trust a registry's own authority."""
    made: list[Path] = []

    def trust(registry: Registry) -> None:
        assert registry.ca is not None
        made.append(CERTIFICATES / registry.address)
        made[-1].mkdir(parents=True)
        (made[-1] / "ca.crt").write_bytes(registry.ca.read_bytes())

    yield trust
    for folder in made:
        (folder / "ca.crt").unlink()
        folder.rmdir()


def test_an_unknown_authority_is_told_apart_until_it_is_trusted(
    desk: Desk, start: Callable[..., Registry], bridge: str, trusted: Callable[[Registry], None]
) -> None:
    registry = start(host=bridge, tls=True)
    to = f"{registry.address}/team/lab:1"
    refused = desk.run("push", desk.image, "--to", to)
    assert refused.returncode == 5 and "its certificate is not trusted" in refused.stderr
    assert f"/etc/docker/certs.d/{registry.address}/ca.crt" in refused.stderr
    trusted(registry)
    taken = desk.run("push", desk.image, "--to", to)
    assert taken.returncode == 0, taken.stderr
    assert registry.manifest("team/lab", "1")[0] == 200


def test_a_registry_that_gives_tokens_gets_the_login_for_them(desk: Desk, faults: Faults) -> None:
    faults.token = "t0ken"
    desk.log_in(faults.address)
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/{fresh('lab')}:1")
    assert done.returncode == 0, done.stderr
    assert set(faults.logins) == {USER}


def test_an_engine_elsewhere_asks_the_registry_itself(desk: Desk, registry: Registry) -> None:
    to = f"{registry.address}/team/{fresh('lab')}:1"
    pushed = json.loads(desk.run("push", desk.image, "--to", to, "--json").stdout)
    there = DockerImages(desk.engine._client, lambda: False)  # type: ignore[attr-defined]
    held = there.published(to)
    assert held is not None and held.digest == pushed["digest"]
    assert there.published(f"{to}-not-there") is None
    assert desk.engine.images.published(f"{to}-not-there") is None
