"""Builds: envkit's, through its command line, and the plain recipe's, through docker's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import docker

from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from envkit.image.network import read_network
from envkit.plan.network import script
from tests.bench.table import Row

BASE = "debian:12"
SECOND_BASE = "envkit-bench:second-base"
OURS = "envkit-bench:envkit"
PLAIN = "envkit-bench:plain"
RECIPE = Path(__file__).parent / "plain"

# The same Python packages, distribution packages and versions of the IDEs as plain/Dockerfile.
SPEC = """\
name: bench
base: {base}
accelerator: cpu
python: "3.11"
apt: [curl, git]
pip: [{packages}]
ide:
  jupyterlab: {{version: "4.6.6"}}
  code_server: {{version: "4.138.0"}}
"""
ENVKIT = str(Path(sys.executable).with_name("envkit"))
# pip compiles what it installs: a user never waits for that, and neither does a measurement.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where the bench works: a scratch folder, a client that speaks BuildKit, and the engine."""

    folder: Path
    client: str
    engine: docker.DockerClient


def prepare(folder: Path) -> Bench:
    """Find the engine; write the network secret that both sides get; make the second base."""
    host = LocalHost()
    client = connect(host).builder.client
    if client is None:
        raise SystemExit("the bench needs a docker client that speaks BuildKit")
    secret = folder / "net"
    secret.touch(mode=0o600)
    secret.write_text(script(read_network(host, os.environ)), encoding="utf-8")
    bench = Bench(folder=folder, client=client, engine=docker.from_env())
    second = folder / "second"
    second.mkdir()
    # Another root filesystem of the same distribution: one package more, one layer more.
    (second / "Dockerfile").write_text(
        f"FROM {BASE}\nRUN --mount=type=secret,id=net . /run/secrets/net && apt-get update && "
        "apt-get install -y --no-install-recommends file && rm -rf /var/lib/apt/lists/*\n"
    )
    docker_build(bench, "--tag", SECOND_BASE, str(second))
    return bench


def seconds(command: list[str], **environment: str) -> float:
    """Run a command to its end; return how long it took."""
    started = time.monotonic()
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=3600, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return time.monotonic() - started


def docker_build(bench: Bench, *words: str) -> float:
    """Run `docker build` with BuildKit, on the host's network, with the network secret."""
    secret = f"id=net,src={bench.folder / 'net'}"
    command = [bench.client, "build", "--network", "host", "--secret", secret, *words]
    return seconds(command, DOCKER_BUILDKIT="1")


def plain(bench: Bench, base: str = BASE, packages: str = "numpy", *words: str) -> float:
    """Build the plain recipe; return the seconds."""
    arguments = ("--build-arg", f"BASE={base}", "--build-arg", f"PACKAGES={packages}")
    return docker_build(bench, *arguments, "--tag", PLAIN, *words, str(RECIPE))


def ours(bench: Bench, base: str = BASE, packages: str = "numpy", *words: str) -> float:
    """Build with envkit, without its proof, which the plain recipe has none of; return the seconds."""
    spec = bench.folder / "envkit.yaml"
    spec.write_text(SPEC.format(base=base, packages=packages), encoding="utf-8")
    return seconds([ENVKIT, "build", str(spec), "--tag", OURS, "--no-verify", *words])


def measure(bench: Bench) -> list[Row]:
    """Build everything once, each of ours beside the plain one; leave both images for what follows."""
    fresh = f"bench-{os.getpid()}"  # cache mounts that nobody has filled
    cold = Row(
        what="cold build, without the proof",
        ours=ours(bench, BASE, "numpy", "--no-cache", "--cache", fresh),
        baseline=plain(bench, BASE, "numpy", "--no-cache"),
        baseline_name="plain recipe",
        goal=0.8,
    )
    ours(bench)  # the caches that a second build of a user finds
    unchanged = Row(
        what="nothing changed",
        ours=ours(bench),
        baseline=plain(bench),
        baseline_name="plain recipe",
        goal=1.5,
        absolute=True,
    )
    one_more = Row(
        what="one more package in the pip line",
        ours=ours(bench, BASE, "numpy, tqdm"),
        baseline=plain(bench, BASE, "numpy tqdm"),
        baseline_name="plain recipe",
        goal=0.15,
    )
    second = Row(
        what="the same IDEs on a second base",
        ours=ours(bench, SECOND_BASE),
        baseline=plain(bench, SECOND_BASE),
        baseline_name="plain recipe",
        goal=0.15,
    )
    ours(bench)
    plain(bench)
    return [cold, unchanged, one_more, second, added_bytes(bench)]


def added_bytes(bench: Bench) -> Row:
    """Return what each image adds to the base that both start from."""
    size = {name: bench.engine.images.get(name).attrs["Size"] / 1e6 for name in (BASE, OURS, PLAIN)}
    return Row(
        what="added to the base",
        ours=size[OURS] - size[BASE],
        baseline=size[PLAIN] - size[BASE],
        baseline_name="plain recipe",
        goal=0.4,
        unit="MB",
    )
