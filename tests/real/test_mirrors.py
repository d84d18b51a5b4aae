"""code-server's release, its install script and its extensions, from mirrors on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest

from tests.real.test_build import write_vsix

pytestmark = pytest.mark.real

RELEASE = "code-server-4.138.0-linux-amd64.tar.gz"
# As a release is laid out: everything in one folder, with the Node that its modules were built for.
PACK = """
mkdir -p /tmp/release/lib && cp -a /opt/envkit/code-server /tmp/release/code-server-4.138.0-linux-amd64
cp /opt/envkit/node/bin/node /tmp/release/code-server-4.138.0-linux-amd64/lib/node
tar --create -I 'gzip -1' --file - --directory /tmp/release code-server-4.138.0-linux-amd64
"""
# What the official script does with the words that it is given: `--method=standalone --prefix=DIR`.
SCRIPT = """#!/bin/sh
set -eu
[ "$1" = --method=standalone ]
prefix=${2#--prefix=}
mkdir -p "$prefix/lib"
curl -fsSL "URL/releases/v4.138.0/FILE" | tar -C "$prefix/lib" -xz
mv "$prefix/lib/code-server-4.138.0-linux-amd64" "$prefix/lib/code-server-4.138.0"
"""
SPEC = """\
name: envkit-test-mirrors
base: debian:12
python: "3.11"
ide: {{code_server: {{{code_server}}}}}
"""
EXTENSIONS = (("acme", "hello"), ("ms-python", "python"))
BOTH = "extensions: [acme.hello, {id: nobody.nothing, optional: true}]"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def release(image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release file, made of the code-server that the image holds."""
    path = tmp_path_factory.mktemp("mirror") / "releases" / "v4.138.0" / RELEASE
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        words = ["docker", "run", "--rm", "--user", "0:0", image, "bash", "-euc", PACK]
        subprocess.run(words, stdout=file, check=True)
    return path


def put_into_gallery(root: Path, url: str, publisher: str, name: str) -> None:
    """Offer an extension as a gallery does: what is known of it, its file, and its checksum."""
    write_vsix(root / f"{name}.vsix", publisher, name)
    digest = hashlib.sha256((root / f"{name}.vsix").read_bytes()).hexdigest()
    (root / f"{name}.sha256").write_text(f"{digest}  {publisher}.{name}.vsix\n")
    files = {"download": f"{url}/{name}.vsix", "sha256": f"{url}/{name}.sha256"}
    about = root / "gallery" / publisher / name
    about.parent.mkdir(parents=True)
    about.write_text(json.dumps({"name": name, "version": "1.2.3", "files": files}))


@pytest.fixture(scope="module")
def mirror(release: Path) -> Iterator[str]:
    """The address of a server with the release, a script, and a gallery of two extensions."""
    root = release.parents[2]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        (root / "install.sh").write_text(SCRIPT.replace("URL", url).replace("FILE", RELEASE))
        for publisher, name in EXTENSIONS:
            put_into_gallery(root, url, publisher, name)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url
        server.shutdown()
        thread.join()


Build = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def build(mirror: str, tmp_path: Path) -> Build:
    """Build a spec, or one of its code-server, with the mirrors in place of what may not be reached."""
    environment = {
        **os.environ,
        "ENVKIT_RELEASES_URL": f"{mirror}/releases",
        "ENVKIT_INSTALL_SCRIPT_URL": f"{mirror}/install.sh",
        "ENVKIT_GALLERY_URL": f"{mirror}/gallery/",
        "NO_PROXY": "127.0.0.1",
    }

    def run(code_server: str, *words: str, spec: str = SPEC) -> subprocess.CompletedProcess[str]:
        (tmp_path / "envkit.yaml").write_text(spec.format(code_server=code_server))
        envkit = str(Path(sys.executable).with_name("envkit"))
        return subprocess.run(
            [envkit, "build", str(tmp_path), "--json", *words],
            env=environment, capture_output=True, text=True, timeout=580, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def built(engine: docker.DockerClient) -> Iterator[str]:
    """The name of what is built, taken away afterwards."""
    yield "envkit-test-mirrors:dev"
    if engine.images.list("envkit-test-mirrors:dev"):
        engine.images.remove("envkit-test-mirrors:dev")


def test_a_release_with_a_gallerys_extension_is_proven_and_holds_no_mirrors_name(
    build: Build, release: Path, mirror: str, built: str, engine: docker.DockerClient
) -> None:
    digest = hashlib.sha256(release.read_bytes()).hexdigest()
    ended = build(f"source: auto, sha256: {digest}, {BOTH}")
    assert ended.returncode == 0, ended.stderr[-3000:]
    verdict = json.loads(ended.stdout)["verdict"]
    assert verdict["missing"] == [["nobody.nothing", "the gallery answers 404 File not found"]]
    extensions = [item["reason"] for item in verdict["items"] if item["id"] == "extensions"]
    assert all(reason.startswith("1 of 2 are there") for reason in extensions)
    look = ["sh", "-c", 'grep -rl "$1" /opt/envkit /etc || true', "sh", mirror.removeprefix("http://")]
    held = engine.containers.run(built, look, user="0:0", remove=True)
    assert held == b""
    assert mirror not in repr(engine.images.get(built).attrs) + repr(engine.images.get(built).history())


def test_a_release_that_is_not_the_planned_file_fails_the_build(build: Build) -> None:
    ended = build(f"source: release, sha256: {'0' * 64}", "--no-verify")
    assert ended.returncode == 5
    assert "is not the file that was planned" in ended.stderr


def test_a_required_extension_that_the_gallery_has_not_fails_the_build(build: Build, release: Path) -> None:
    digest = hashlib.sha256(release.read_bytes()).hexdigest()
    ended = build(f"source: release, sha256: {digest}, extensions: [nobody.nothing]", "--no-verify")
    assert ended.returncode == 5
    assert (
        "the extension nobody.nothing cannot be had (the gallery answers 404 File not found)" in ended.stderr
    )


def test_the_install_script_serves_as_well(build: Build, built: str, engine: docker.DockerClient) -> None:
    ended = build("source: script", "--no-verify")
    assert ended.returncode == 0, ended.stderr[-3000:]
    version = ["/opt/envkit/node/bin/node", "/opt/envkit/code-server/out/node/entry.js", "--version"]
    printed = engine.containers.run(built, version, remove=True).decode().splitlines()
    assert printed[-1].startswith("4.138.0 "), printed


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_recipe_of_the_platforms_manual_is_built_and_proven(build: Build, built: str) -> None:
    """With a stand-in for the maker's script, its release, and the gallery's extension."""
    ended = build("", spec=f"name: {built.partition(':')[0]}\nextends: preset:platform-manual\n")
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "no version and no checksum is pinned" in ended.stderr
    verdict = json.loads(ended.stdout)["verdict"]
    assert verdict["missing"] == []
    extensions = [item["reason"] for item in verdict["items"] if item["id"] == "extensions"]
    assert extensions and all(reason.startswith("1 of 1 ") for reason in extensions), extensions
