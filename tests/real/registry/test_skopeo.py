"""Real pushes with skopeo: the image keeps its id, whatever the layers are compressed by."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docker_registry import Registry
from tests.names import fresh
from tests.real.registry.conftest import USER, Desk
from tests.real.registry.test_push import BASIC
from tests.registry_faults import Faults, Rule

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("more", "kind"), [((), "gzip"), (("--zstd",), "zstd")])
def test_an_image_goes_with_skopeo_and_comes_back_as_it_was(
    desk: Desk, start: Callable[..., Registry], more: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    registry, repository = start(user=USER), f"team/{fresh('lab')}"
    desk.log_in(registry.address)
    to = f"{registry.address}/{repository}:1.0"
    done = desk.run("push", desk.image, "--to", to, "--way", "skopeo", *more)
    assert done.returncode == 0 and "with skopeo" in done.stderr, done.stderr
    _, manifest = registry.manifest(repository, "1.0", BASIC)
    told = json.loads(manifest)
    assert done.stdout == f"{to}@sha256:{hashlib.sha256(manifest).hexdigest()}\n"
    assert told["config"]["digest"] == desk.identity
    assert [layer["mediaType"].rpartition("+")[2] for layer in told["layers"]] == [kind]
    desk.engine.images.untag(desk.image)
    pulled = desk.run("pull", to)
    if kind == "zstd" and desk.engine.facts().version.startswith("20.10."):
        assert "this engine is too old for its layers, which are zstd" in pulled.stderr
        come = ("--src-tls-verify=false", f"--src-creds={USER}", "--dest-decompress", f"docker://{to}")
        for words in ((*come, f"dir:{tmp_path}/plain"), (f"dir:{tmp_path}/plain", f"docker-daemon:{to}")):
            subprocess.run(["skopeo", "copy", *words], check=True, capture_output=True, timeout=60)
    else:
        assert pulled.returncode == 0, pulled.stderr
    back = desk.engine.images.inspect(to)
    assert back is not None and back.id == desk.identity


def test_who_asks_for_gzip_gets_no_zstd_that_is_there(desk: Desk, registry: Registry) -> None:
    repository = f"team/{fresh('lab')}"
    to = f"{registry.address}/{repository}"
    assert desk.run("push", desk.image, "--to", f"{to}:z", "--way", "skopeo", "--zstd").returncode == 0
    done = desk.run("push", desk.image, "--to", f"{to}:g", "--way", "skopeo")
    assert done.returncode == 0, done.stderr
    layers = json.loads(registry.manifest(repository, "g")[1])["layers"]
    assert [layer["mediaType"].endswith("gzip") for layer in layers] == [True]


def test_skopeo_without_the_right_login_says_so(desk: Desk, start: Callable[..., Registry]) -> None:
    registry = start(user=USER)
    desk.log_in(registry.address, "ada:wrong")
    done = desk.run("push", desk.image, "--to", f"{registry.address}/team/lab:1", "--way", "skopeo")
    assert (done.returncode, done.stdout) == (5, "")
    assert "it refuses docker's login for it (ada)" in done.stderr and "wrong" not in done.stderr


def test_skopeo_tries_again_what_passes(desk: Desk, faults: Faults) -> None:
    faults.rules.append(Rule(do="answer", method="PUT", path="/manifests/", status=503, times=1))
    to = f"{faults.address}/team/{fresh('lab')}:1"
    done = desk.run("push", desk.image, "--to", to, "--way", "skopeo")
    assert done.returncode == 0 and "trying again in 2 s" in done.stderr, done.stderr
