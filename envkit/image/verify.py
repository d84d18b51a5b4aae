"""Prove that an image works: in real containers, as its own user and as any uid of group 0."""

from __future__ import annotations

import time
from collections.abc import Callable

from envkit.accelerators.needs import Code, code_of
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts
from envkit.image import emulation, expectation
from envkit.image.checks_doors import missing_extensions
from envkit.image.evidence import Evidence
from envkit.image.expectation import Expectation
from envkit.image.gather import Subject, gather, programs, run_user
from envkit.image.inventory import find
from envkit.image.judging import Judging
from envkit.image.verdict import Item, Verdict

ANY_UID = "1234567:0"  # a uid that no image knows, in group 0, as platforms such as OpenShift run containers
# By how much limits of time are longer for an emulated image: most leave room as it is. Steps of a build took
# 7 to 17 times as long with qemu 7.2 (apt-get, pip; two shared cores).
EMULATED = 8.0
ALIVE_S = 10.0  # an extension host that dies does so in its first seconds (testbed.md, the trap)


def verify(
    engine: Engine,
    image: str,
    report: Callable[[Item], None],
    *,
    identities: tuple[str, ...] = (),
    alive_s: float = ALIVE_S,
) -> Verdict:
    """Try everything; `report` gets each item as soon as it is judged.

    Without `identities`: the image's user and any uid of group 0; somebody else's image as its own user only.
    """
    began = time.monotonic()
    facts = find(engine, image)
    is_emulated = bool(emulation.warned(engine, image, facts.architecture))
    expect = expectation.of_image(facts) or expectation.foreign(programs(engine, facts))
    slower = EMULATED if is_emulated else 1.0
    subject = Subject(image=facts, expect=expect, alive_s=alive_s, slower=slower)
    items: list[Item] = []
    missing: dict[str, str] = {}
    code: Code | None = None
    for identity in identities or _identities(facts, expect):
        judging = Judging(identity, facts.env, expect, report)
        gather(engine, subject, identity, judging.hear)
        items += judging.end()
        missing.update(_named(judging.evidence, expect))
        torch = judging.evidence.about("torch")
        code = code_of(torch.text("architectures"), torch.text("build")) or code
    return Verdict(
        image=facts.id,
        items=tuple(items),
        missing=tuple(sorted(missing.items())),
        seconds=round(time.monotonic() - began, 1),
        code=code,
    )


def _identities(image: ImageFacts, expect: Expectation) -> tuple[str, ...]:
    own = run_user(image)
    return (own, ANY_UID) if expect.ours and own != ANY_UID else (own,)


def _named(evidence: Evidence, expect: Expectation) -> dict[str, str]:
    """Return the optional extensions that are missing, each with its reason."""
    facts = evidence.about("extensions")
    if facts.error:
        return {}
    return {name: reason for name, reason, optional in missing_extensions(facts, expect) if optional}
