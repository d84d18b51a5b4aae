"""What the tests of saves share: an environment in memory, and what was seen of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from envkit import paths
from envkit.engines.fake import FakeEngine
from envkit.engines.values import Change, ExecResult
from envkit.environment.up import up
from envkit.image.manifest import LABEL, Manifest, to_label
from envkit.image.probe import TOOLS_PYTHON
from envkit.save.sight import Path, Sight
from tests.environments import Door, a_request, a_site, image

BEFORE = Manifest(image="sha256:" + "b" * 64, apt={"less": "643"}, pip={"numpy": "2.0"})


def by_word(name: str) -> tuple[str, ...]:
    """Return the words by which a probe of one file is run."""
    source = (paths.probes() / f"{name}.py").read_text("utf-8")
    return (TOOLS_PYTHON, "-I", "-B", "-c", f"{source}\n\nmain()\n")


def answers(engine: FakeEngine, name: str, facts: Mapping[str, object]) -> None:
    """Let a probe find this."""
    engine.inside.scripts[by_word(name)] = ExecResult(
        code=0, stdout=json.dumps(facts).encode() + b"\n", stderr=b""
    )


def an_environment() -> FakeEngine:
    """Return an engine where environment `lab` runs, of an image with a manifest."""
    site, engine, _ = a_site(Door())
    engine.images.add(image(**{LABEL: to_label(BEFORE)}))
    engine.images.tag(image().id, "lab:dev")
    up(site, a_request(), lambda line: None)
    return engine


def a_sight(*files: Path, **other: object) -> Sight:
    """Return what is seen of an environment in which these files changed."""
    engine = an_environment()
    container = engine.containers.inspect("envkit-lab")
    assert container is not None
    seen = Sight(
        environment="lab",
        container=container,
        image=replace(image(), env={"PATH": "/bin"}),
        image_tag="lab:dev",
        config={"Env": ["PATH=/bin"], "Cmd": ["ide"], "Labels": {"io.envkit.owned": "true"}},
        container_env={"PATH": "/bin", "ENVKIT_NAME": "lab"},
        changes=tuple(Change(one.path, one.kind) for one in files),
        paths=files,
        written_bytes=1000,
        before=BEFORE,
        now=BEFORE,
        outside=(),
    )
    return replace(seen, **other)  # type: ignore[arg-type]


def added(path: str, size: int | None = 1, *, folder: bool = False) -> Path:
    """Return a path that was added."""
    return Path(path=path, kind="added", size_bytes=size, folder=folder)
