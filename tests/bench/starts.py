"""Starts: both IDEs beside a bare JupyterLab of the same image, and the command line beside bare Python."""

from __future__ import annotations

import http.client
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.bench.builds import ENVKIT, OURS, Bench, seconds
from tests.bench.table import Row

PORT = "8888/tcp"
BARE = (
    "/opt/envkit/jupyter/bin/python -I -m jupyterlab --allow-root --no-browser --ServerApp.ip=0.0.0.0 "
    "--ServerApp.port=8888 --ServerApp.root_dir=/work/home --IdentityProvider.token="
)


def until_answered(bench: Bench, command: list[str] | None, paths: tuple[str, ...], token: str) -> float:
    """Start the image; return the seconds until each path has answered 200."""
    started = time.monotonic()
    container = bench.engine.containers.run(
        OURS,
        command,
        detach=True,
        ports={PORT: ("127.0.0.1", None)},
        tmpfs={"/run/secrets": "mode=0700,uid=1000,gid=0"},
        labels={"io.envkit.test": "bench"},
    )
    try:
        container.reload()
        port = container.ports[PORT][0]["HostPort"]
        token = token or secret(container)
        for path in paths:
            while not opens(f"http://127.0.0.1:{port}{path}", token):
                if time.monotonic() - started > 120:
                    raise SystemExit(f"{path} did not open:\n{container.logs(tail=40).decode()}")
                time.sleep(0.05)
        return time.monotonic() - started
    finally:
        container.remove(force=True, v=True)


def secret(container) -> str:
    """Wait for the entrypoint to make the token, and read it."""
    while True:
        read = container.exec_run(["cat", "/run/secrets/jupyter_token"])
        if read.exit_code == 0:
            return read.output.decode()
        time.sleep(0.05)


def opens(url: str, token: str) -> bool:
    """Tell whether a page opens."""
    try:
        with urlopen(Request(url, headers={"Authorization": f"token {token}"}), timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError, http.client.HTTPException):
        return False


def both_ides(bench: Bench) -> float:
    """Return the seconds until JupyterLab and VS Code have opened."""
    return until_answered(bench, None, ("/lab", "/vscode/"), "")


def bare_jupyterlab(bench: Bench) -> float:
    """Return the seconds until JupyterLab alone has opened, started by hand."""
    token = uuid.uuid4().hex
    return until_answered(bench, f"{BARE}{token}".split(), ("/lab",), token)


def by_envkit(bench: Bench) -> float:
    """Return the seconds that `envkit up` takes: a name, a port, folders, an account, the wait, the URLs."""
    name = f"bench-up-{uuid.uuid4().hex[:8]}"
    folders = ("--home", str(bench.folder / "home"), "--cache", str(bench.folder / "cache"))
    try:
        return seconds([ENVKIT, "up", OURS, "--name", name, *folders])
    finally:
        seconds([ENVKIT, "rm", name, "--yes"])


def alternate(times: int, *measures: Callable[[], float]) -> list[float]:
    """Measure in turns, so that a busy moment hits both; return each one's median."""
    taken = [[measure() for measure in measures] for _ in range(times)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def measure(bench: Bench) -> list[Row]:
    """Return the rows of what starts."""
    both, bare, brought_up = alternate(
        5, lambda: both_ides(bench), lambda: bare_jupyterlab(bench), lambda: by_envkit(bench)
    )
    program, python = alternate(
        21, lambda: seconds([ENVKIT, "--help"]), lambda: seconds([sys.executable, "-c", "pass"])
    )
    return [
        Row(
            what="start, until both IDEs open",
            ours=both,
            baseline=bare,
            baseline_name="JupyterLab alone",
            goal=1.3,
        ),
        Row(
            what="envkit up, until its URLs are printed",
            ours=brought_up,
            baseline=both,
            baseline_name="docker run, and a loop that asks",
            goal=2,
        ),
        Row(what="envkit --help", ours=program, baseline=python, baseline_name="python -c pass", goal=4),
    ]
