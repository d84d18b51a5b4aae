"""Small environments to save: of the tiny image, found as `envkit up` makes them, and proven by nobody."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import ExecRequest, RunRequest
from envkit.environment.site import Site
from envkit.hosts.base import Host
from envkit.hosts.local import LocalHost
from envkit.image.proving import Reports
from envkit.plan.run_plan import container_name
from envkit.save.carry import Committed, carry
from envkit.save.look import look
from envkit.save.plan import CommitOptions, plan_commit

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

Note = Callable[[str], None]


def ignore(thing: object) -> None:
    """Take what is reported, and say nothing."""


def unproven(name: str, image: str, engine: Engine, reports: Reports) -> str:
    """Take the image for proven: the tiny one has no IDE."""
    return image


@contextmanager
def environment(engine: Engine, image: str, name: str, *, user: str = "1234:1234") -> Iterator[str]:
    """Run an environment with what `up` tells one, but no folders of the machine; give its container."""
    record = {"image": image, "device": "cpu"}
    labels = {
        "io.envkit.kind": "environment",
        "io.envkit.environment": name,
        "io.envkit.run": json.dumps(record),
    }
    env = {"ENVKIT_NAME": name, "ENVKIT_BASE_URL": f"/env/{name}"}
    request = RunRequest(image=image, name=container_name(name), user=user, env=env, labels=labels)
    container = engine.containers.create(request)
    try:
        engine.containers.start(container)
        yield container
    finally:
        engine.containers.remove(container)


def run_in(engine: Engine, container: str, script: str, *, user: str = "0:0") -> str:
    """Run a shell's script in it, as root or another; return what it prints."""
    asked = ExecRequest(command=("sh", "-euc", script), user=user, timeout_s=600)
    done = engine.inside.execute(container, asked)
    assert done.code == 0, done.stderr.decode()
    return done.stdout.decode()


def with_index(engine: Engine, container: str) -> str:
    """Let it reach an index as this machine does; return what a script there begins with."""
    settings = {
        key: value for key, value in os.environ.items() if key in ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")
    }
    if CERTIFICATES.is_file():
        engine.inside.put(container, {"/tmp/ca.crt": CERTIFICATES.read_bytes()})
        settings["PIP_CERT"] = "/tmp/ca.crt"
    return "".join(f"export {key}={shlex.quote(value)}\n" for key, value in settings.items())


def save(
    engine: Engine, name: str, options: CommitOptions, *, note: Note = ignore, host: Host | None = None
) -> Committed:
    """Save it as `envkit commit` does, but for the proof; `host`: the engine's, when not this machine."""
    site = Site(engine=engine, host=host or LocalHost(), home="/nowhere", cache="/nowhere")
    plan = plan_commit(look(engine, name, search=False), options, engine.images.inspect(options.tag))
    return carry(site, plan, Reports(note=note, event=ignore, item=ignore), unproven)


def main(name: str, tag: str) -> None:
    """Save an environment in a process of its own, which a test may kill."""
    save(connect(LocalHost()), name, CommitOptions(tag=tag), note=lambda text: print(text, flush=True))  # noqa: T201  the test reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
