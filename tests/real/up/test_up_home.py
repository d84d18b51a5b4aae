"""What a user keeps in /work/home, with a real image; and homes on odd filesystems."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envkit.environment import ending
from envkit.environment.ready import Opened
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.plan.run_plan import Caller, RunOptions
from tests.real.test_build import write_vsix
from tests.real.up.conftest import ME, Inside

pytestmark = pytest.mark.real

CALLERS = [
    Caller(uid=0, gid=0, name="root"),
    Caller(uid=1000, gid=1000, name="ada"),
    Caller(uid=1234567, gid=1234567, name="grace"),
]
CODE_SERVER = "/opt/envkit/node/bin/node /opt/envkit/code-server/out/node/entry.js"
DATA = "--user-data-dir /work/home/.local/share/code-server"
# Databases, their journals, and sockets.
UNFIT = "find /work/home ( -name *.sqlite* -o -name *.db* -o -name *.vscdb* -o -type s ) -print"
NOTEBOOK = {
    "type": "notebook",
    "content": {
        "cells": [
            {"cell_type": "code", "source": "1", "outputs": [], "metadata": {}, "execution_count": None}
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    },
}


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def start(site: Site, name: str, image: str, caller: Caller = ME, **options: object) -> Opened:
    asked = RunOptions(name=name, **options)  # type: ignore[arg-type]
    return up(site, UpRequest(image=find_image(site.engine, image), options=asked, caller=caller), silent)


def api(opened: Opened, name: str, method: str, path: str, body: object = None) -> Any:
    """Ask Jupyter's interface as a browser that is logged in does."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{opened.port}/env/{name}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {opened.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def work_a_little(opened: Opened, name: str, inside: Inside) -> None:
    """Save a notebook, which signs it, and run a kernel until its history is there."""
    api(opened, name, "PUT", "api/contents/one.ipynb", NOTEBOOK)
    kernel = api(opened, name, "POST", "api/kernels", {"name": "python3"})
    deadline = time.monotonic() + 60
    while "history.sqlite" not in inside(
        "find", "/work/home", f"/tmp/envkit-{inside('id', '-u').strip()}", "-name", "*history.sqlite"
    ):
        assert time.monotonic() < deadline, "the kernel made no history"
        time.sleep(0.5)
    api(opened, name, "DELETE", f"api/kernels/{kernel['id']}")


@pytest.mark.parametrize("caller", CALLERS, ids=["0", "1000", "1234567"])
def test_any_uid_works_at_home(site: Site, name: str, image: str, inside: Inside, caller: Caller) -> None:
    opened = start(site, name, image, caller)
    # The image knows uid 1000 already, under a name of its own.
    assert inside("python", "-c", "import getpass; print(getpass.getuser())") == inside("id", "-un")
    ask = "import os, pwd; print(pwd.getpwuid(os.getuid()).pw_dir)"  # as ssh does
    assert inside("python", "-c", ask).strip() == "/work/home"
    inside("git", "init", "-q", "/work/home/repo")
    assert inside("git", "-C", "/work/home/repo", "status", "--porcelain") == ""
    inside(
        "sh", "-c", "mkdir -p $TORCHINDUCTOR_CACHE_DIR $TRITON_CACHE_DIR $HF_HOME && touch /work/cache/mine"
    )
    for folder in (Path(opened.home), Path(opened.cache)):
        owners = {path.lstat().st_uid for path in [folder, *folder.rglob("*")]}
        assert owners == {caller.uid}


def test_what_the_user_adds_survives_a_new_environment(
    site: Site, name: str, image: str, inside: Inside, tmp_path: Path
) -> None:
    opened = start(site, name, image)
    write_vsix(Path(opened.home) / "hello.vsix")
    inside("sh", "-c", f"{CODE_SERVER} {DATA} --install-extension ~/hello.vsix")
    kernel = Path(opened.home) / ".local/share/jupyter/kernels/mine"
    kernel.mkdir(parents=True)
    spec = {"argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Mine"}
    (kernel / "kernel.json").write_text(json.dumps(spec | {"language": "python"}))
    setting = "lab/api/settings/@jupyterlab/apputils-extension:themes"
    api(opened, name, "PUT", setting, {"raw": '{"theme": "JupyterLab Dark"}'})

    ending.remove(site.engine, ending.loss(site.engine, name))
    again = start(site, name, image)
    listed = inside("sh", "-c", f"{CODE_SERVER} {DATA} --list-extensions")
    assert "acme.hello" in listed.split()
    assert sorted(api(again, name, "GET", "api/kernelspecs")["kernelspecs"]) == ["mine", "python3"]
    assert api(again, name, "GET", setting)["settings"] == {"theme": "JupyterLab Dark"}
    images = "ls /opt/envkit/code-server/lib/vscode/extensions"
    assert "ms-python.python" in inside("sh", "-c", images) or "envkit.defaults" in inside("sh", "-c", images)


@pytest.fixture
def fuse(tmp_path: Path) -> Iterator[Path]:
    """A folder on a FUSE filesystem."""
    if shutil.which("bindfs") is None:
        pytest.skip("bindfs is not installed")
    (tmp_path / "real").mkdir()
    (tmp_path / "fuse").mkdir()
    words = ("bindfs", "-f", str(tmp_path / "real"), str(tmp_path / "fuse"))
    daemon = subprocess.Popen(words)
    deadline = time.monotonic() + 30
    while not (tmp_path / "fuse").is_mount():
        assert daemon.poll() is None and time.monotonic() < deadline, "bindfs did not mount"
        time.sleep(0.1)
    yield tmp_path / "fuse"
    subprocess.run(("umount", "-l", str(tmp_path / "fuse")), check=True)
    daemon.kill()
    daemon.wait()


def test_a_home_on_fuse_holds_no_database_and_no_socket(
    site: Site, name: str, image: str, inside: Inside, fuse: Path
) -> None:
    opened = start(site, name, image, home=str(fuse / "home"))
    assert inside("printenv", "ENVKIT_HOME_FILESYSTEM").startswith("fuse")
    work_a_little(opened, name, inside)
    assert inside(*UNFIT.split()) == ""
    state = inside("ls", f"/tmp/envkit-{ME.uid}/state").split()
    assert {"ipython_history.sqlite", "nbsignatures.db"} <= set(state)


def test_a_home_on_a_disk_keeps_them_with_it(site: Site, name: str, image: str, inside: Inside) -> None:
    opened = start(site, name, image)
    work_a_little(opened, name, inside)
    found = {Path(line).name for line in inside(*UNFIT.split()).splitlines()}
    assert {"history.sqlite", "nbsignatures.db"} <= found


def test_packages_in_the_home_do_not_hide_the_images(
    site: Site, name: str, image: str, inside: Inside
) -> None:
    opened = start(site, name, image)
    folder = Path(opened.home) / ".local/lib/python3.11/site-packages"
    (folder / "numpy-0.1.dist-info").mkdir(parents=True)
    (folder / "numpy-0.1.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 0.1\n")
    (folder / "numpy.py").write_text("raise SystemExit('hidden')")
    inside("python", "-c", "import numpy; print(numpy.__version__)")
