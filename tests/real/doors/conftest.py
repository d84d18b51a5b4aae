"""Environments with both doors: two side by side, as a stranger and as their owner meet them."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.names import fresh
from tests.real.conftest import Envkit
from tests.real.derived import derived

OWN_DOOR = Path(__file__).with_name("own_door")
IMAGE = "envkit-test-doors:dev"
# Three environments at once, beside a browser, on two cores that others use too.
PATIENTLY = ("--timeout", "500", "--json", "--show-token")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a door says."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An environment with all that opens it."""

    name: str
    port: int
    own_port: int
    token: str
    password: str
    urls: dict[str, str]
    trusted: ssl.SSLContext | None = None  # of an exposed one
    address: str = "127.0.0.1"
    authority: str = ""  # the file that a browser is told to trust

    @property
    def base(self) -> str:
        return f"/env/{self.name}"

    @property
    def known(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    def ask(self, path: str, *, method: str = "GET", port: int = 0, body: str = "", **headers: str) -> Answer:
        """Ask one path of one door, following nothing."""
        port = port or self.port
        made = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = (
            http.client.HTTPSConnection(self.address, port, timeout=60, context=self.trusted)
            if self.trusted
            else http.client.HTTPConnection(self.address, port, timeout=60)
        )
        with closing(connection):
            connection.request(method, path, body=body or None, headers=made)
            answer = connection.getresponse()
            cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
            return Answer(
                status=answer.status, headers=dict(answer.headers), cookies=cookies, body=answer.read()
            )

    def shake(self, path: str, *, port: int = 0, origin: str | None = None, **headers: str) -> int:
        """Begin a websocket and return the status: 101 is in."""
        wanted = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
            **({} if origin is None else {"Origin": origin}),
            **headers,
        }
        return self.ask(path, port=port, **wanted).status


@pytest.fixture(scope="session")
def both_doors(image: str) -> Iterator[str]:
    """The image under test with code-server's own door too."""
    with derived(Path(__file__).parent / "own_door", image) as made:
        yield made


@contextmanager
def brought_up(envkit: Envkit, image: str, folder: Path, name: str, *options: str) -> Iterator[Opened]:
    """Bring an environment up for as long as it is looked at."""
    folders = ("--home", str(folder / "home"), "--cache", str(folder / "cache"))
    try:
        yield read(json.loads(envkit("up", image, "--name", name, *folders, *options, *PATIENTLY)))
    finally:
        envkit("rm", name, "--yes")


def read(told: dict[str, Any]) -> Opened:
    """Read what `envkit up --json --show-token` printed."""
    trusted = None
    if told["authority"]:
        trusted = ssl.create_default_context(cafile=told["authority"]["file"])
    own = told["urls"]["own_door"]
    return Opened(
        name=told["name"],
        port=told["port"],
        own_port=int(own.rstrip("/").rpartition(":")[2]) if own else 0,
        token=told["token"],
        password=told["own_door_password"] or "",
        urls=told["urls"],
        trusted=trusted,
        authority=told["authority"]["file"] if told["authority"] else "",
        address=told["origin"].partition("//")[2].rpartition(":")[0],
    )


@pytest.fixture(scope="module")
def one(envkit: Envkit, both_doors: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """An environment on loopback."""
    folder = tmp_path_factory.mktemp("one")
    with brought_up(envkit, both_doors, folder, fresh("one")) as opened:
        yield opened


@pytest.fixture(scope="module")
def other(envkit: Envkit, both_doors: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Another one beside it."""
    folder = tmp_path_factory.mktemp("other")
    with brought_up(envkit, both_doors, folder, fresh("other")) as opened:
        yield opened
