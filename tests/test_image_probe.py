"""Verify's probes in a container in memory: what they are asked, and how long they may take."""

from __future__ import annotations

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import RunRequest
from envkit.image import probe


@pytest.mark.parametrize(("slower", "limits", "told"), [(1.0, [120, 30], None), (8.0, [960, 240], "8.0")])
def test_an_emulated_image_s_probes_have_more_time_and_are_told_so(
    slower: float, limits: list[float], told: str | None
) -> None:
    engine = FakeEngine()
    container = engine.containers.create(RunRequest(image=engine.images.add(EMPTY).id))
    engine.containers.start(container)
    place = probe.enter(engine, container, slower)
    probe.ask(place, "files", {}, python="python3")
    probe.listen(place, "ide", {}, lambda name, facts: None, timeout_s=30)
    asked = engine.inside.requests[1:]
    assert [request.timeout_s for request in asked] == limits
    assert [request.env.get("ENVKIT_VERIFY_SLOWER") for request in asked] == [told, told]
