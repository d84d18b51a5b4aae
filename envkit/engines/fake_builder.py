"""Builds in memory: reads a Dockerfile's instructions, runs none of them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from envkit.engines.failures import BuildFailed
from envkit.engines.fake_images import FakeImages, made_id
from envkit.engines.known_failures import fix_for
from envkit.engines.values import BuildEvent, BuildRequest, ImageFacts, LayerFacts
from envkit.errors import EngineError


@dataclass
class FakeBuilder:
    """Remembers what was asked; a RUN that holds a key of `failures` prints its lines and fails."""

    images: FakeImages
    client: str | None = "/fake/docker"
    requests: list[BuildRequest] = field(default_factory=list)
    failures: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id."""
        self.requests.append(request)
        steps = _stage(_instructions(request), request.target)
        image = replace(self._base(steps[0]), digests=(), tags=(), id="")
        for number, step in enumerate(steps, start=1):
            name = f"[{number}/{len(steps)}] {step}"
            report(BuildEvent(kind="step", step=name))
            self._fail_if_scripted(name, report)
            image = _after(image, step)
            report(BuildEvent(kind="done", step=name, seconds=0.0))
        labels = {**image.labels, **request.labels}
        made = replace(image, labels=labels, id=made_id(repr(image), repr(sorted(labels.items())), *steps))
        if self.images.inspect(made.id) is None:
            layers = tuple(LayerFacts(created_by=step, size_bytes=0) for step in steps)
            self.images.add(made, layers)
        if request.name:
            self.images.tag(made.id, request.name)
        return made.id

    def _base(self, first: str) -> ImageFacts:
        reference = first.split()[1]
        found = self.images.inspect(reference) or self.images.registry.get(reference)
        if found is None:
            raise BuildFailed(f"the build failed at {first}: not found", fix=fix_for(("manifest unknown",)))
        return found

    def _fail_if_scripted(self, step: str, report: Callable[[BuildEvent], None]) -> None:
        for part, lines in self.failures.items():
            if part not in step or " RUN " not in step:
                continue
            for line in lines:
                report(BuildEvent(kind="line", step=step, text=line))
            report(BuildEvent(kind="failed", step=step, text="exit code: 1"))
            shown = "\n".join(f"    {line}" for line in lines[-20:])
            raise BuildFailed(f"the build failed at {step}\n{shown}", fix=fix_for(lines))


def _instructions(request: BuildRequest) -> list[str]:
    try:
        text = (request.context / request.dockerfile).read_text(encoding="utf-8")
    except OSError as error:
        raise EngineError(
            f"there is no {request.dockerfile} in {request.context}", fix="render it first"
        ) from error
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^\s*#.*\n?", "", text))
    return [line.strip() for line in joined.splitlines() if line.strip()]


def _stage(instructions: list[str], target: str | None) -> list[str]:
    """Return the instructions of the target's stage, or of the last one."""
    stages: list[list[str]] = []
    for line in instructions:
        if line.startswith("FROM "):
            stages.append([])
        if stages:
            stages[-1].append(line)
    if target is not None:
        stages = [stage for stage in stages if stage[0].split()[2:] == ["AS", target]]
    if not stages:
        raise BuildFailed(f"the build failed: no stage {target or ''}", fix="look at the Dockerfile")
    return stages[-1]


def _after(image: ImageFacts, step: str) -> ImageFacts:
    """Return what an image's settings are after an instruction."""
    word, _, rest = step.partition(" ")
    if word in ("LABEL", "ENV"):
        pairs = dict(part.partition("=")[::2] for part in shlex.split(rest))
        if word == "ENV":
            return replace(image, env={**image.env, **pairs})
        return replace(image, labels={**image.labels, **pairs})
    if word == "CMD":
        return replace(image, command=_words(rest))
    if word == "ENTRYPOINT":
        return replace(image, entrypoint=_words(rest), command=())
    if word == "USER":
        return replace(image, user=rest)
    if word in ("RUN", "COPY", "ADD"):
        return replace(image, layers=image.layers + 1)
    return image


def _words(rest: str) -> tuple[str, ...]:
    return tuple(json.loads(rest)) if rest.startswith("[") else ("/bin/sh", "-c", rest)
