"""Secrets: where they are seen, where they are not, and what happens when nobody brings them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.real.conftest import Envkit
from tests.real.doors.conftest import PATIENTLY, Opened, brought_up

pytestmark = pytest.mark.real

CANARY = "canary-5f1c9e-hunter2"
QUOTED = 'canary-b71d "two words" $HOME'
ENVKIT = str(Path(sys.executable).with_name("envkit"))
STATUS = "/opt/envkit/bin/envkit-status"


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("secrets") / "env"
    path.write_text(f"CANARY_TOKEN={CANARY}\nQUOTED={QUOTED}\n", "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def seen_meanwhile() -> list[bytes]:
    """Every command line of this machine while the environment was brought up."""
    return []


@pytest.fixture(scope="module")
def keeper(
    envkit: Envkit,
    both_doors: str,
    env_file: str,
    tmp_path_factory: pytest.TempPathFactory,
    seen_meanwhile: list[bytes],
) -> Iterator[Opened]:
    """An exposed environment with secrets of its user's."""
    folder = tmp_path_factory.mktemp("keeper")
    options = ("--env-file", env_file, "--expose")
    with watched(seen_meanwhile), brought_up(envkit, both_doors, folder, "keeper", *options) as opened:
        yield opened


@contextmanager
def watched(seen: list[bytes]) -> Iterator[None]:
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            seen.append(b"\n".join(processes("cmdline").values()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def processes(what: str) -> dict[str, bytes]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found[folder.name] = (folder / what).read_bytes()
            except OSError:
                continue
    return found


def told(*words: str) -> bytes:
    return subprocess.run(words, capture_output=True, check=True, timeout=300).stdout


def inside(one: Opened, *words: str) -> str:
    return told("docker", "exec", f"envkit-{one.name}", *words).decode()


def everything_secret(one: Opened) -> list[bytes]:
    """Return all that must not be found anywhere: what the user gave, what the container made, its key."""
    names = ("jupyter_token", "code_server_password", "jupyter_cookie_secret", "tls.key")
    texts = [inside(one, "cat", f"/run/secrets/{name}") for name in names]
    lines = [line for text in texts for line in text.splitlines() if line and not line.startswith("-----")]
    return [CANARY.encode(), b"canary-b71d", *(line.encode() for line in lines)]


def test_the_ides_see_them_and_docker_exec_does_not(keeper: Opened) -> None:
    wanted = json.dumps({"name": "python3"})
    kernel = json.loads(
        keeper.ask(f"{keeper.base}/api/kernels", method="POST", body=wanted, **keeper.known).body
    )
    [pid] = [pid for pid, words in processes("cmdline").items() if kernel["id"].encode() in words]
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert f"CANARY_TOKEN={CANARY}".encode() in environ
    assert f"QUOTED={QUOTED}".encode() in environ
    assert CANARY not in inside(keeper, "env")
    assert f"QUOTED={QUOTED}" in inside(keeper, "/opt/envkit/bin/with-secrets", "env")
    assert inside(keeper, "cat", "/run/secrets/QUOTED") == QUOTED


def test_they_lie_in_memory_for_their_owner_alone(keeper: Opened) -> None:
    assert "tmpfs /run/secrets tmpfs " in inside(keeper, "cat", "/proc/mounts")
    found = inside(
        keeper, "find", "/run/secrets", "-mindepth", "1", "-maxdepth", "1", "-printf", "%y%m %f\\n"
    )
    # Jupyter makes its own folder there, and gives it the sticky bit.
    assert {line.split()[0] for line in found.splitlines()} <= {"f400", "f600", "d700", "d1700"}
    assert {"CANARY_TOKEN", "tls.key", "jupyter_token"} <= set(found.split())


def test_nothing_secret_is_told_by_the_engine_the_logs_or_envkit(
    keeper: Opened, envkit: Envkit, both_doors: str, env_file: str
) -> None:
    container = f"envkit-{keeper.name}"
    up = (ENVKIT, "up", both_doors, "--name", keeper.name, "--env-file", env_file)
    runs = [up, (*up, "--json"), (*up, "--dry-run"), (*up, "--dry-run", "--json"), (ENVKIT, "ps", "--json")]
    runs += [(*up, "--shm", "100m"), (*up, "--port", "1"), (*up, "--env-file", "/nowhere")]
    runs += [("docker", "inspect", container), ("docker", "logs", container), ("docker", "diff", container)]
    runs += [("docker", "image", "inspect", both_doors), ("docker", "history", "--no-trunc", both_doors)]
    said = b""
    for words in runs:
        done = subprocess.run(words, capture_output=True, check=False, timeout=300)
        said += done.stdout + done.stderr
    assert [secret for secret in everything_secret(keeper) if secret in said] == []


def test_nothing_secret_is_on_a_command_line_at_any_time(keeper: Opened, seen_meanwhile: list[bytes]) -> None:
    everything = b"\n".join([*seen_meanwhile, *processes("cmdline").values()])
    assert len(seen_meanwhile) > 20
    assert [secret for secret in everything_secret(keeper) if secret in everything] == []


def test_only_the_ides_have_them_in_their_environment(keeper: Opened) -> None:
    secrets, words = everything_secret(keeper), processes("cmdline")
    allowed = (b"/opt/envkit/node", b"jupyter_door.py", b"ipykernel", b"tensorboard_door.py", b"pet server")
    for pid, environ in processes("environ").items():
        found = [secret for secret in secrets if secret in environ]
        assert not found or any(word in words.get(pid, b"") for word in allowed), (pid, words.get(pid), found)
        assert set(found) <= set(secrets[:2])


def test_nothing_secret_is_written_to_a_layer_a_home_or_envkits_folders(keeper: Opened) -> None:
    [upper] = told(
        "docker", "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", f"envkit-{keeper.name}"
    ).split()
    mounts = json.loads(told("docker", "inspect", "-f", "{{json .Mounts}}", f"envkit-{keeper.name}"))
    folders = [upper.decode(), *(mount["Source"] for mount in mounts)]
    folders += [str(path) for path in (Path.home() / ".local/state/envkit", Path.home() / ".config/envkit")]
    there = [folder for folder in folders if Path(folder).exists()]
    assert upper.decode() in there and len(there) >= 3
    patterns = "\n".join(secret.decode() for secret in everything_secret(keeper))
    found = subprocess.run(
        ["grep", "-raFl", "-f", "-", *there], input=patterns.encode(), capture_output=True, check=False
    )
    assert (found.returncode, found.stdout) == (1, b"")


def test_a_start_without_the_client_waits_and_is_shut(
    keeper: Opened, envkit: Envkit, both_doors: str
) -> None:
    container = f"envkit-{keeper.name}"
    told("docker", "restart", container)
    [found] = [one for one in json.loads(envkit("ps", "--json")) if one["name"] == keeper.name]
    assert "waiting for secrets: the certificate of its door, CANARY_TOKEN, QUOTED" in found["reason"]
    for port in (keeper.port, keeper.own_port):
        with pytest.raises(OSError):
            keeper.ask("/", port=port)
    again = json.loads(envkit("up", both_doors, "--name", keeper.name, *PATIENTLY))
    assert again["token"] != keeper.token
    known = {"Authorization": f"token {again['token']}"}
    assert keeper.ask(f"{keeper.base}/api/status", **known).status == 200
