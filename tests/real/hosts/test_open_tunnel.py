"""The tunnel of `envkit open`: it leads to the environment, and comes back when the line drops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from envkit.environment.up import Site, UpRequest, up
from envkit.hosts import registry
from envkit.hosts.registry import HostEntry
from tests.sshd import Sshd

pytestmark = pytest.mark.real

PlaceAt = Callable[[str], tuple[Site, Sshd]]
Request = Callable[..., UpRequest]


@contextmanager
def envkit_open(name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command as a user does; give its process and the URL that it prints."""
    program = str(Path(sys.executable).with_name("envkit"))
    words = [program, "open", name, "--host", "box", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    try:
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
        yield process, json.loads(text)["url"]
    finally:
        process.kill()
        process.communicate()


def status(url: str) -> int | None:
    asks = parse_qs(urlsplit(url).query)  # the stand-in's door knows only the header, and no login
    plain = urljoin(url, asks.get("next", [""])[0])
    asked = urllib.request.Request(plain, headers={"Authorization": f"token {asks['token'][0]}"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=40) as answer:
            return int(answer.status)
    except (urllib.error.URLError, OSError):
        return None


@pytest.mark.parametrize(("transport", "ending"), [("openssh", signal.SIGINT), ("paramiko", signal.SIGHUP)])
def test_the_tunnel_survives_drops_and_ends_when_it_is_told_to(
    place_at: PlaceAt, request_for: Request, name: str, transport: str, ending: signal.Signals
) -> None:
    site, server = place_at(transport)
    up(site, request_for(site), lambda line: None)
    registry.add(HostEntry(name="box", target=server.target, transport=transport))  # type: ignore[arg-type]
    with envkit_open(name) as (process, url):
        assert status(url) == 200
        for _ in range(2):
            server.cut()
            # What is under way is cut; what comes after waits at the near end until the line is back.
            assert 200 in (status(url) for _ in range(5))
        process.send_signal(ending)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.endswith(f"the tunnel is closed; environment {name} goes on\n")
    assert status(url) is None


def test_nothing_of_a_killed_open_stays(place_at: PlaceAt, request_for: Request, name: str) -> None:
    site, server = place_at("openssh")
    up(site, request_for(site), lambda line: None)
    registry.add(HostEntry(name="box", target=server.target, transport="openssh"))
    site.host.close()  # type: ignore[attr-defined]  # it is a host over SSH
    with envkit_open(name) as (process, _):
        assert server.sessions()
        process.kill()
        process.wait()
        for _ in range(200):
            if not server.sessions():
                break
            time.sleep(0.05)
    assert server.sessions() == []
