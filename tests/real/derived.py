"""Images that a test makes on top of another: a Dockerfile whose `FROM GOOD` is the other's name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from envkit.image.network import read_network
from envkit.plan.network import script
from tests.names import fresh


@contextmanager
def derived(folder: Path, image: str) -> Iterator[str]:
    """Build it with this machine's mirrors and proxies at hand, as `envkit build` has them."""
    engine = connect(LocalHost())
    name = f"envkit-test-{folder.name.replace('_', '-')}:{fresh('t')}"
    with tempfile.TemporaryDirectory() as scratch:
        context, net = Path(scratch, "context"), Path(scratch, "net")
        shutil.copytree(folder, context)
        dockerfile = context / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text("utf-8").replace("FROM GOOD", f"FROM {image}"), "utf-8")
        net.touch(mode=0o600)
        net.write_text(script(read_network(LocalHost(), os.environ)), "utf-8")
        request = BuildRequest(context=context, secrets={"envkit-net": net})
        engine.images.tag(engine.builder.build(request, lambda event: None), name)
    yield name
    engine.images.untag(name)
