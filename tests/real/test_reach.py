"""Asking a place whether it answers, with real servers on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from envkit.image.reach import reach
from envkit.plan.network import Network

pytestmark = pytest.mark.real


class Answer(BaseHTTPRequestHandler):
    """Answers with the code that the path names."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(int(self.path.rpartition("/")[2]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Answer.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_an_answer_is_one_even_when_it_is_a_refusal(server: ThreadingHTTPServer) -> None:
    urls = {
        str(code): f"http://127.0.0.1:{server.server_port}/{code}" for code in (200, 401, 403, 404, 405, 500)
    }
    assert reach(urls, Network()) == {
        "200": True,
        "401": True,
        "403": True,
        "404": False,
        "405": True,
        "500": False,
    }


def test_nobody_and_nonsense_do_not_answer(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()
    urls = {
        "closed": f"http://127.0.0.1:{server.server_port}/200",
        "odd": "nonsense",
        "tls": "https://127.0.0.1:1/",
    }
    assert reach(urls, Network()) == {"closed": False, "odd": False, "tls": False}


def test_a_proxy_is_asked_instead(server: ThreadingHTTPServer) -> None:
    network = Network(proxies={"HTTP_PROXY": f"http://127.0.0.1:{server.server_port}"})
    assert reach({"far": "http://far.example/200"}, network) == {"far": True}
    assert Answer.asked == ["http://far.example/200"]


def test_a_bundle_that_is_none_is_no_reason_to_fail(server: ThreadingHTTPServer) -> None:
    broken = Network(ca_bundle="-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    assert reach({"a": f"http://127.0.0.1:{server.server_port}/200"}, broken) == {"a": False}
