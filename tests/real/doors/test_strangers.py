"""Whoever is not meant to get in, at every published port: refused, each in their own way."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest

from tests.real.conftest import Envkit
from tests.real.doors.conftest import PATIENTLY, Opened

pytestmark = pytest.mark.real

# One of each family of paths behind the one door, and one that changes something.
PATHS = (
    "/", "/lab", "/tree", "/lab/tree/x.ipynb", "/api/status", "/api/contents", "/api/kernels",
    "/api/kernelspecs", "/api/sessions", "/api/terminals", "/api/me", "/files/x", "/nbconvert/html/x.ipynb",
    "/view/x", "/lab/api/settings", "/lab/api/workspaces", "/lsp/status", "/metrics", "/api/spec.yaml",
    "/vscode/", "/vscode/healthz", "/vscode/_static/x", "/tensorboard/", "/tensorboard/data/runs",
    "/proxy/8080/", "/proxy/absolute/8080/", "/server-proxy/servers-info", "/api/security/csp-report",
)  # fmt: skip
FOREIGN = "evil.example"


@pytest.fixture(scope="module")
def kernel(one: Opened) -> str:
    """A running kernel's websocket."""
    body = json.dumps({"name": "python3"})
    made = one.ask(f"{one.base}/api/kernels", method="POST", body=body, **one.known)
    return f"{one.base}/api/kernels/{json.loads(made.body)['id']}/channels"


@pytest.fixture(scope="module")
def terminal(one: Opened) -> str:
    """A running terminal's websocket."""
    made = one.ask(f"{one.base}/api/terminals", method="POST", **one.known)
    return f"{one.base}/terminals/websocket/{json.loads(made.body)['name']}"


@pytest.fixture(scope="module")
def workbench(one: Opened) -> str:
    """VS Code's websocket behind the proxy."""
    page = one.ask(f"{one.base}/vscode/?folder=/work/home", **one.known).body.decode()
    return f"{one.base}/vscode/{build_of(page)}?{RECONNECT}"


RECONNECT = urlencode(
    {
        "reconnectionToken": "11111111-1111-4111-8111-111111111111",
        "reconnection": "false",
        "skipWebSocketFrames": "false",
    }
)


def build_of(page: str) -> str:
    found = re.search(r"stable-[0-9a-f]{40}", page)
    assert found
    return found[0]


def cookies_of(one: Opened) -> str:
    """Log in as a browser does; return the cookies it would send."""
    answer = one.ask(f"{one.base}/login?next={quote(one.base + '/lab')}&token={one.token}")
    assert answer.status == 302 and answer.cookies
    return "; ".join(cookie.partition(";")[0] for cookie in answer.cookies)


def own_cookie(one: Opened) -> str:
    """Log in at code-server's own door."""
    body = urlencode({"password": one.password, "base": "/", "href": f"http://127.0.0.1:{one.own_port}/"})
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = one.ask("/login", method="POST", port=one.own_port, body=body, **kind)
    assert answer.status == 302, answer.body[:500]
    return answer.cookies[0].partition(";")[0]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_sees_nothing_but_the_login(one: Opened, path: str) -> None:
    answer = one.ask(one.base + path)
    assert answer.status in (302, 403, 404), answer.body[:300]
    if answer.status == 302:
        assert answer.headers["Location"].startswith((f"{one.base}/login", f"{one.base}{path}"))
        assert one.ask(answer.headers["Location"]).status in (200, 302)
    assert one.token.encode() not in answer.body


@pytest.mark.parametrize("path", ["/api/kernels", "/api/terminals", "/api/contents/x", "/api/shutdown"])
def test_a_stranger_changes_nothing(one: Opened, path: str) -> None:
    assert one.ask(one.base + path, method="POST", body="{}").status == 403


@pytest.mark.parametrize("path", ["/login", *PATHS])
def test_the_right_token_under_a_foreign_host_opens_nothing(one: Opened, path: str) -> None:
    for host in (FOREIGN, f"{FOREIGN}:{one.port}", "127.0.0.1.evil.example", "192.0.2.77"):
        answer = one.ask(one.base + path, Host=host, **one.known)
        # The root only says where the lab is, in one relative word.
        assert answer.status == 403 or (path, answer.headers.get("Location")) == ("/", f"{one.base}/lab?")


@pytest.mark.parametrize("socket", ["kernel", "terminal", "workbench"])
def test_a_foreign_page_cannot_open_a_websocket(
    one: Opened, socket: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(socket)
    own = f"http://127.0.0.1:{one.port}"
    # The cookie is what a browser adds by itself; a token in a header no foreign page can send, or has.
    login = {"Cookie": cookies_of(one)}
    assert one.shake(path, origin=own, **login) == 101
    for origin in (f"http://{FOREIGN}", "null", f"http://127.0.0.1:{one.own_port}", f"{own}.{FOREIGN}"):
        assert one.shake(path, origin=origin, **login) == 403
    assert one.shake(path, origin=f"http://{FOREIGN}", Host=FOREIGN, **login) == 403


@pytest.mark.parametrize("socket", ["kernel", "terminal", "workbench"])
def test_a_websocket_without_a_login_is_refused(
    one: Opened, socket: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(socket)
    assert one.shake(path, origin=f"http://127.0.0.1:{one.port}") in (302, 403)
    assert one.shake(path, origin=f"http://127.0.0.1:{one.port}", Authorization="token 0") in (302, 403)


def test_the_cookies_of_another_environment_open_nothing(one: Opened, other: Opened) -> None:
    theirs = cookies_of(other)
    assert other.ask(f"{other.base}/api/status", Cookie=theirs).status == 200
    assert one.ask(f"{one.base}/api/status", Cookie=theirs).status == 403
    renamed = theirs.replace(f"username-127-0-0-1-{other.port}", f"username-127-0-0-1-{one.port}")
    assert one.ask(f"{one.base}/api/status", Cookie=renamed).status == 403
    assert one.ask(f"{one.base}/api/status", **other.known).status == 403


def test_the_own_door_lets_in_by_its_password_only(one: Opened, other: Opened) -> None:
    port = one.own_port
    assert one.ask("/", port=port).status == 302
    assert one.ask("/", port=port).headers["Location"].startswith("./login")
    for path in ("/_static/x", "/proxy/8888/", "/stable/x", "/vscode/x", "/absproxy/8888/", "/mint-key"):
        assert one.ask(path, port=port).status in (302, 401, 403, 404)
    assert one.ask("/", port=port, Cookie=own_cookie(one)).status in (200, 302)
    assert (
        not one.ask("/?folder=/work/home", port=port, Cookie=own_cookie(one))
        .headers.get("Location", "")
        .startswith("./login")
    )
    stranger = own_cookie(other).partition("=")[2]
    renamed = f"code-server-session-{one.name}={stranger}"
    for cookie in (own_cookie(other), renamed):
        assert one.ask("/", port=port, Cookie=cookie).headers["Location"].startswith("./login")
    assert one.ask("/", port=port, **one.known).headers["Location"].startswith("./login")


def test_the_own_door_answers_to_no_foreign_host(one: Opened) -> None:
    port, cookie = one.own_port, own_cookie(one)
    for host in (FOREIGN, f"{FOREIGN}:{port}", "127.0.0.1.evil.example", ""):
        for path in ("/", "/login", "/healthz", "/proxy/8888/"):
            assert one.ask(path, port=port, Host=host, Cookie=cookie).status in (400, 403)
    assert one.ask("/healthz", port=port, Host=f"localhost:{port}").status == 200


def test_the_own_doors_websocket_is_shut_to_foreign_pages(one: Opened) -> None:
    port, cookie = one.own_port, own_cookie(one)
    page = one.ask("/?folder=/work/home", port=port, Cookie=cookie).body.decode()
    path, own = f"/{build_of(page)}?{RECONNECT}", f"http://127.0.0.1:{port}"
    assert one.shake(path, port=port, origin=own, Cookie=cookie) == 101
    assert one.shake(path, port=port, origin=f"http://{FOREIGN}", Cookie=cookie) == 403
    assert one.shake(path, port=port, origin=f"http://{FOREIGN}", Cookie=cookie, Host=FOREIGN) == 403
    assert one.shake(path, port=port, origin=own) in (401, 403)


def test_the_own_doors_cookie_is_hidden_from_scripts(one: Opened) -> None:
    body = urlencode({"password": one.password, "base": "/", "href": f"http://127.0.0.1:{one.own_port}/"})
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    [cookie] = one.ask("/login", method="POST", port=one.own_port, body=body, **kind).cookies
    assert cookie.startswith(f"code-server-session-{one.name}=") and "HttpOnly" in cookie


def test_the_cookies_of_an_earlier_start_open_nothing(one: Opened, envkit: Envkit, both_doors: str) -> None:
    jupyter, own = cookies_of(one), own_cookie(one)
    envkit("stop", one.name)
    again = json.loads(envkit("up", both_doors, "--name", one.name, *PATIENTLY))
    assert (again["port"], again["token"] != one.token) == (one.port, True)
    assert one.ask(f"{one.base}/api/status", Cookie=jupyter).status == 403
    assert one.ask(f"{one.base}/api/status", **one.known).status == 403
    assert one.ask("/", port=one.own_port, Cookie=own).headers["Location"].startswith("./login")
