"""`up` with a real image: both IDEs, as a stranger's uid, through the real command line."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.environment import ending
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.plan.run_plan import Caller, RunOptions
from tests.real.up.conftest import Inside

pytestmark = pytest.mark.real

GRACE = Caller(uid=1234567, gid=1234567, name="grace")


def browse(url: str) -> tuple[int, str, str]:
    """Open a URL as a browser that keeps cookies; return the status, the last address and the page."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(url, timeout=60) as answer:
        return answer.status, answer.url, answer.read().decode()


def status(port: int, path: str, **headers: str) -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def request(site: Site, name: str, image: str) -> UpRequest:
    return UpRequest(image=find_image(site.engine, image), options=RunOptions(name=name), caller=GRACE)


def test_a_stranger_gets_both_ides_a_home_and_an_account(
    site: Site, name: str, image: str, inside: Inside
) -> None:
    opened = up(site, request(site, name, image), lambda line: None)
    assert inside("python", "-c", "import getpass; print(getpass.getuser())").strip() == "grace"
    assert inside("python", "-c", "import os; print(os.path.expanduser('~grace'))").strip() == "/work/home"
    inside("pip", "--version")
    inside("sh", "-c", "touch ~/made && python -m venv --without-pip ~/mine")
    assert Path(opened.home, "made").stat().st_uid == 1234567
    assert {path.stat().st_uid for path in Path(opened.home).iterdir()} == {1234567}


def test_one_url_logs_in_and_keeps_the_token_out_of_vscodes_address(
    site: Site, name: str, image: str
) -> None:
    opened = up(site, request(site, name, image), lambda line: None)
    assert opened.urls.vscode and opened.urls.jupyterlab and opened.urls.tensorboard
    code, address, page = browse(opened.urls.vscode)
    assert (code, address) == (200, f"http://127.0.0.1:{opened.port}/env/{name}/vscode/?folder=/work/home")
    assert "vscode-workbench-web-configuration" in page
    assert browse(opened.urls.jupyterlab)[0] == 200
    assert "TensorBoard" in browse(opened.urls.tensorboard)[2]


def test_nobody_else_gets_in(site: Site, name: str, image: str) -> None:
    opened = up(site, request(site, name, image), lambda line: None)
    base = f"/env/{name}"
    known = {"Authorization": f"token {opened.token}"}
    assert status(opened.port, f"{base}/api/status", **known) == 200
    assert status(opened.port, f"{base}/api/status", **known, Host="evil.example") == 403
    assert status(opened.port, f"{base}/api/status", Authorization="token 0") == 403
    assert status(opened.port, f"{base}/vscode/") == 302
    assert status(opened.port, "/vscode/", **known) == 404


def test_stop_and_up_bring_both_ides_back_with_a_new_token(site: Site, name: str, image: str) -> None:
    first = up(site, request(site, name, image), lambda line: None)
    ending.stop(site.engine, name)
    again = up(site, request(site, name, image), lambda line: None)
    assert again.port == first.port
    assert status(again.port, f"/env/{name}/api/status", Authorization=f"token {first.token}") == 403


def test_the_command_line_does_it_all(
    envkit: Callable[..., str], name: str, image: str, tmp_path: Path
) -> None:
    folders = ("--home", str(tmp_path / "home"), "--cache", str(tmp_path / "cache"))
    opened = json.loads(envkit("up", image, "--name", name, *folders, "--json", "--show-token"))
    try:
        assert browse(opened["urls"]["jupyterlab"])[0] == 200
        [found] = [one for one in json.loads(envkit("ps", "--json")) if one["name"] == name]
        assert (found["state"], found["home"]) == ("running", str(tmp_path / "home"))
        assert opened["token"] not in envkit("ps", "--json")
        envkit("stop", name)
        assert "token=" not in envkit("up", image, "--name", name)
    finally:
        envkit("rm", name, "--yes")
    assert name not in envkit("ps", "--json")
    assert (tmp_path / "home").is_dir()
