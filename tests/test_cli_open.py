"""`envkit open`: what is printed, and what a browser is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli import site as cli_site
from envkit.cli.main import envkit
from envkit.environment.up import up
from tests.environments import Door, a_request, a_site

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    site, _, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    monkeypatch.setattr(cli_site, "open_site", lambda host_name: site)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("atexit.register", lambda work, *arguments: None)
    return lambda *words: CliRunner().invoke(envkit, ["open", *words])


def test_the_url_with_its_token_is_printed_where_there_is_no_browser(run: Run) -> None:
    done = run("lab")
    assert done.exit_code == 0
    assert done.stdout.endswith("/env/lab/login?next=%2Fenv%2Flab%2Flab&token=t1\n")


def test_a_browser_is_given_a_private_page_and_no_token_on_its_command_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    done = run("lab", "code")
    assert done.stdout == ""
    assert done.stderr == "VS Code of lab is opened in your browser\n"
    page = Path(opened[0].removeprefix("file://"))
    assert page.parent == tmp_path / "envkit" / "open"
    assert page.stat().st_mode & 0o777 == 0o600
    assert "&amp;token=t1" in page.read_text("utf-8")


def test_print_and_json_open_no_browser(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert run("lab", "--print").stdout.startswith("http://127.0.0.1:")
    assert json.loads(run("--json").stdout)["service"] == "jupyter"


def test_a_tunnel_s_port_is_for_hosts(run: Run) -> None:
    done = run("lab", "--port", "8080")
    assert done.exit_code == 2
    assert "--port is for the tunnel to a host" in done.stderr
