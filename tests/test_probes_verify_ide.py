"""The probe of both IDEs: how long it waits."""

from __future__ import annotations

from envkit.probes.verify_ide import Facts, wait_until_ready

UP: Facts = {"answers": True, "state": "RUNNING"}
STARTING: Facts = {"answers": False, "state": "BACKOFF"}
DEAD: Facts = {"answers": False, "state": "FATAL"}


def state(**services: Facts) -> Facts:
    return {
        "ready": bool(services) and all(one["answers"] for one in services.values()),
        "services": services,
    }


def test_it_waits_until_everything_answers() -> None:
    states = iter([state(), state(a=STARTING, b=DEAD), state(a=UP, b=UP)])
    assert wait_until_ready(lambda: next(states), 60.0)["ready"] is True


def test_it_does_not_wait_for_what_has_given_up() -> None:
    states = iter([state(a=STARTING, b=DEAD), state(a=UP, b=DEAD)])
    assert wait_until_ready(lambda: next(states), 60.0)["services"] == {"a": UP, "b": DEAD}
