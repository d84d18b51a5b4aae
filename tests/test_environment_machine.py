"""What is asked of a machine before an environment is planned."""

from __future__ import annotations

import pytest

from envkit.environment.machine import caller, memory_mib
from envkit.errors import HostError
from envkit.plan.run_plan import Caller
from tests.environments import TalkingHost


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("uid=1000(ada) gid=100(users) groups=100(users)\n", Caller(uid=1000, gid=100, name="ada")),
        ("uid=1234567 gid=0(root) groups=0(root)\n", Caller(uid=1234567, gid=0, name="u1234567")),
        ("uid=5(a b) gid=5\n", Caller(uid=5, gid=5, name="a b")),
    ],
)
def test_the_caller_is_who_the_machine_says(said: str, expected: Caller) -> None:
    assert caller(TalkingHost({"id": said})) == expected


def test_a_machine_that_does_not_say_who_we_are_is_an_error() -> None:
    with pytest.raises(HostError, match="does not say who we are"):
        caller(TalkingHost({"id": "?"}))


def test_memory_is_what_the_kernel_counts() -> None:
    assert memory_mib(TalkingHost()) == 16_000
