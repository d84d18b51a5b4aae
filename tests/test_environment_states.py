"""What envkit-status says, as a state and its reason."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from envkit.environment.states import services_state

UP = {"state": "RUNNING", "answers": True}
COMING = {"state": "STARTING", "answers": False}
MUTE = {"state": "RUNNING", "answers": False}
DEAD = {"state": "FATAL", "answers": False}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ready": True, "services": {"jupyterlab": UP}}, ("running", "")),
        (
            {"ready": False, "services": {"jupyterlab": UP, "code-server": COMING}},
            ("starting", "code-server is STARTING"),
        ),
        (
            {"ready": False, "services": {"jupyterlab": MUTE}},
            ("starting", "jupyterlab is RUNNING but does not answer"),
        ),
        (
            {"ready": False, "services": {"jupyterlab": COMING, "code-server": DEAD}},
            ("failed", "jupyterlab is STARTING, code-server is FATAL"),
        ),
        ({"ready": False, "services": {}, "reason": "no supervisor"}, ("starting", "no supervisor")),
        (
            {"ready": False, "services": {}, "stopping": True, "reason": "idle for 2 h"},
            ("stopping", "idle for 2 h"),
        ),
        ({}, ("starting", "")),
    ],
)
def test_a_state_is_judged_by_the_service_that_is_worst(
    answer: Mapping[str, object], expected: tuple[str, str]
) -> None:
    assert services_state(answer) == expected
