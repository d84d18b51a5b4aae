"""Life: the list of 200 environments, and a log of 100,000 lines that is rotated under its reader."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest, RunRequest
from envkit.hosts.local import LocalHost
from tests.bench.builds import ENVKIT
from tests.bench.table import Row

# Answers as an environment does (tests/real/up): what `ps` asks each that runs is a small script.
STAND_IN = Path(__file__).parents[1] / "real" / "up" / "stand_in"
IMAGE = "envkit-bench:stand-in"
ALL, RUNNING = 200, 20
LINES, WIDTH = 100_000, 1700  # 190 MB as Docker keeps them, in files of 50 MB: three rotations
CHATTY = f"$|=1; sleep 2; for $i (1..{LINES}) {{ print $i, ' ', 'x' x {WIDTH}, qq(\\n) }} sleep 3"


@dataclass(frozen=True, kw_only=True)
class Read:
    """How a log came through."""

    seconds: float
    wrong: int  # lines lost, and lines doubled


def measure() -> list[Row]:
    """Return the rows; what was made for them is removed."""
    engine = connect(LocalHost())
    engine.images.tag(engine.builder.build(BuildRequest(context=STAND_IN), lambda event: None), IMAGE)
    return [listing(engine), *following(engine)]


def listing(engine: Engine) -> Row:
    """Measure `ps` beside the same questions, asked by hand."""
    with environments(engine) as ids:
        ours, by_hand = seconds(ENVKIT, "ps", "--json"), time.monotonic()
        seconds("docker", "ps", "--all", "--no-trunc", "--format", "{{json .}}")
        seconds("docker", "inspect", *ids)
        for container in ids[:RUNNING]:
            seconds("docker", "exec", container, "/opt/envkit/bin/envkit-status")
        baseline = time.monotonic() - by_hand
    return Row(
        what=f"ps, {ALL} environments, {RUNNING} of them running",
        ours=ours,
        baseline=baseline,
        baseline_name="docker ps, inspect, exec in each",
        goal=1,
    )


def following(engine: Engine) -> list[Row]:
    """Measure `logs -f` beside `docker logs -f`, each over three rotations of its own."""
    ours = read(engine, ENVKIT, "logs", "-f", "bench-log")
    docker = read(engine, "docker", "logs", "-f", "envkit-bench-log")
    name = "docker logs -f"
    return [
        Row(
            what=f"logs -f, {LINES:,} lines over 3 rotations",
            ours=ours.seconds,
            baseline=docker.seconds,
            baseline_name=name,
            goal=3,
        ),
        Row(
            what="  lines lost or doubled",
            ours=ours.wrong,
            baseline=docker.wrong,
            baseline_name=name,
            goal=0,
            unit="lines",
            absolute=True,
        ),
    ]


@contextmanager
def environments(engine: Engine) -> Iterator[list[str]]:
    """Make 200 environments, some of them running; give their ids, the running ones first."""
    made: list[str] = []
    try:
        for number in range(ALL):
            made.append(engine.containers.create(request(f"bench-{number}", ("sleep", "600"))))
            if number < RUNNING:
                engine.containers.start(made[-1])
        yield made
    finally:
        for container in made:
            engine.containers.remove(container)


def read(engine: Engine, *command: str) -> Read:
    """Let a container print, and follow it by a command."""
    container = engine.containers.create(request("bench-log", ("perl", "-e", CHATTY)))
    try:
        engine.containers.start(container)
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, timeout=600, check=False)
        numbers = [int(line.split()[0]) for line in done.stdout.splitlines()]
        different = len(set(numbers))
        return Read(seconds=time.monotonic() - began, wrong=LINES - different + len(numbers) - different)
    finally:
        engine.containers.remove(container)


def request(name: str, command: tuple[str, ...]) -> RunRequest:
    """Ask for a small container that looks like an environment."""
    labels = {
        "io.envkit.kind": "environment",
        "io.envkit.environment": name,
        "io.envkit.run": json.dumps({"image": IMAGE}),
        "io.envkit.test": "bench",
    }
    return RunRequest(
        image=IMAGE,
        name=f"envkit-{name}",
        entrypoint=command[:1],
        command=command[1:],
        labels=labels,
        network="none",
        init=True,
    )


def seconds(*command: str) -> float:
    """Run a command to its end; return how long it took."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.monotonic() - began


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure()))
