"""Each rule of the proxy does to the real engine's clients what it says, and nothing more."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator

import docker
import pytest
import requests
import urllib3
from docker.errors import APIError
from docker.models.containers import Container

from envkit.engines.docker_inside import DockerInside
from envkit.engines.values import ExecRequest
from envkit.errors import EngineError
from tests.faults.conftest import MARK
from tests.faults.proxy import Do, Proxy, Rule
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real

CUT = requests.exceptions.ConnectionError


@pytest.fixture
def client(engine: docker.DockerClient, proxy: Proxy) -> Iterator[docker.DockerClient]:
    """A client behind the proxy, which has spoken once."""
    client = docker.DockerClient(base_url=proxy.url, timeout=2)
    yield client
    client.close()


@pytest.fixture
def sleeper(engine: docker.DockerClient) -> Iterator[Container]:
    """A running container that only sleeps."""
    key, value = MARK.split("=")
    made = engine.containers.run(IMAGE, ["300"], entrypoint="sleep", labels={key: value}, detach=True)
    yield made
    made.remove(force=True)


def create(client: docker.DockerClient, name: str) -> Container:
    key, value = MARK.split("=")
    return client.containers.create(IMAGE, ["300"], entrypoint="sleep", name=name, labels={key: value})


@pytest.fixture
def fresh(engine: docker.DockerClient) -> Iterator[str]:
    """The name of a container that a test may make."""
    name = f"faults-{uuid.uuid4().hex[:8]}"
    yield name
    for one in engine.containers.list(all=True, filters={"name": name}):
        one.remove(force=True)


def there(engine: docker.DockerClient, name: str) -> int:
    return len(engine.containers.list(all=True, filters={"name": name}))


def test_without_a_rule_everything_passes_and_is_seen(client: docker.DockerClient, proxy: Proxy) -> None:
    assert client.ping()
    client.images.get(IMAGE)
    assert proxy.seen == ["GET /version", "GET /_ping", f"GET /images/{IMAGE}/json"]


def test_fail_answers_in_the_engines_place(
    client: docker.DockerClient, engine: docker.DockerClient, proxy: Proxy, fresh: str
) -> None:
    proxy.break_at(Rule(do="fail", method="POST", path="/containers/create", status=507, text="no room"))
    with pytest.raises(APIError, match=r"507 Server Error.*no room"):
        create(client, fresh)
    assert there(engine, fresh) == 0
    create(client, fresh)  # the second is not met


def test_the_occurrence_decides_and_always_goes_on(client: docker.DockerClient, proxy: Proxy) -> None:
    rule = Rule(do="fail", method="GET", path="/_ping", occurrence=2, always=True)
    proxy.break_at(rule)
    assert client.ping()
    for _ in range(2):
        with pytest.raises(APIError):
            client.ping()
    assert rule.met == 3
    proxy.mend()
    assert client.ping()


def test_delay_comes_late_and_whole(client: docker.DockerClient, proxy: Proxy) -> None:
    proxy.break_at(Rule(do="delay", method="GET", path="/_ping", seconds=0.3))
    began = time.monotonic()
    assert client.ping()
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("do", ["cut-before", "cut-after"])
def test_a_cut_comes_before_or_after_the_engine_acts(
    client: docker.DockerClient, engine: docker.DockerClient, proxy: Proxy, fresh: str, do: Do
) -> None:
    proxy.break_at(Rule(do=do, method="POST", path="/containers/create"))
    with pytest.raises(CUT):
        create(client, fresh)
    assert there(engine, fresh) == int(do == "cut-after")


@pytest.mark.parametrize("do", ["hang-before", "hang-after"])
def test_a_hang_never_answers_and_ends_with_its_client(
    client: docker.DockerClient, engine: docker.DockerClient, proxy: Proxy, fresh: str, do: Do
) -> None:
    rule = proxy.break_at(Rule(do=do, method="POST", path="/containers/create"))
    with pytest.raises(requests.exceptions.ReadTimeout):
        create(client, fresh)
    assert rule.reached.is_set()
    assert there(engine, fresh) == int(do == "hang-after")


def test_a_reply_is_cut_after_so_many_bytes(client: docker.DockerClient, proxy: Proxy) -> None:
    proxy.break_at(Rule(do="cut-reply", method="GET", path="/version", size=10))
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
        client.version()
    assert isinstance(caught.value.args[0], urllib3.exceptions.ProtocolError)
    assert "10 bytes read" in str(caught.value)


def test_a_drip_arrives_whole(client: docker.DockerClient, proxy: Proxy) -> None:
    whole = client.version()
    proxy.break_at(Rule(do="drip", method="GET", path="/version", size=100, seconds=0.001))
    assert client.version() == whole


@pytest.mark.parametrize("do", ["block-before", "block-after"])
def test_a_block_waits_exactly_there(engine: docker.DockerClient, proxy: Proxy, fresh: str, do: Do) -> None:
    patient = docker.DockerClient(base_url=proxy.url, timeout=60)
    rule = proxy.break_at(Rule(do=do, method="POST", path="/containers/create"))
    thread = threading.Thread(target=create, args=(patient, fresh))
    thread.start()
    assert rule.reached.wait(10)
    assert there(engine, fresh) == int(do == "block-after")
    rule.go.set()
    thread.join(10)
    assert there(engine, fresh) == 1
    patient.close()


def test_what_was_blocked_for_a_client_that_is_gone_never_reaches_the_engine(
    client: docker.DockerClient, engine: docker.DockerClient, proxy: Proxy, fresh: str
) -> None:
    rule = proxy.break_at(Rule(do="block-before", method="POST", path="/containers/create"))
    with pytest.raises(requests.exceptions.ReadTimeout):
        create(client, fresh)
    client.close()
    rule.go.set()
    time.sleep(0.2)
    assert there(engine, fresh) == 0


def test_an_exec_with_input_passes_in_both_directions(
    client: docker.DockerClient, sleeper: Container
) -> None:
    data = bytes(range(256)) * 4096
    done = DockerInside(client).execute(str(sleeper.id), ExecRequest(command=("cat",), stdin=data))
    assert (done.code, done.stdout == data) == (0, True)


def test_an_exec_can_be_cut_in_its_output(
    client: docker.DockerClient, proxy: Proxy, sleeper: Container
) -> None:
    proxy.break_at(Rule(do="cut-reply", method="POST", path="/exec/.*/start", size=100))
    words = ("head", "-c", "100000", "/dev/zero")
    with pytest.raises(EngineError, match="the engine cut the command's output"):
        DockerInside(client).execute(str(sleeper.id), ExecRequest(command=words))


def test_an_attach_passes_and_a_followed_log_streams(
    client: docker.DockerClient, engine: docker.DockerClient, fresh: str
) -> None:
    echo = ["-c", "read word; echo $word; exec sleep 300"]
    made = client.containers.create(IMAGE, echo, entrypoint="sh", name=fresh, stdin_open=True)
    attached = made.attach_socket(params={"stdin": 1, "stream": 1})
    made.start()
    attached._sock.sendall(b"hello\n")
    lines = made.logs(stream=True, follow=True)
    assert next(iter(lines)) == b"hello\n"
    lines.close()
    attached._sock.close()
    attached.close()
