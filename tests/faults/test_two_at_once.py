"""Two at one environment: one wins, the other says who is at it; nothing is made twice or left over."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults import table as at
from tests.faults.conftest import Envkit, Start
from tests.faults.processes import Process
from tests.faults.proxy import Proxy, Rule
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real


@pytest.fixture
def end(start: Start, name: str) -> Callable[[str], None]:
    """End the environment by a verb, while another is at it."""

    def by(verb: str, *more: str) -> None:
        code, text = start(verb, name, *more).wait()
        assert code == 0, text

    return by


@pytest.fixture
def up(start: Start, name: str) -> Callable[..., Process]:
    """Start `envkit up` for the name."""
    return lambda *more: start("up", IMAGE, "--name", name, *more)


def held(proxy: Proxy, call: tuple[str, str]) -> Rule:
    """Hold the next such call before the engine hears it."""
    return proxy.break_at(Rule(do="block-before", method=call[0], path=call[1]))


def test_the_second_says_who_is_at_it_and_both_get_the_environment(
    up: Callable[..., Process], proxy: Proxy, watched: Callable[[str], None], name: str
) -> None:
    rule = held(proxy, at.WRITE)
    first = up()
    assert rule.reached.wait(30)
    second = up()
    line = second.line("is being made by")
    assert line.startswith(f"environment {name} is being made by ")
    assert f"@{os.uname().nodename} (pid {first.pid}, since 20" in line
    rule.go.set()
    assert (first.wait()[0], second.wait()[0]) == (0, 0)
    watched("running")


def test_when_the_first_is_killed_the_second_goes_on(
    up: Callable[..., Process], proxy: Proxy, watched: Callable[[str], None]
) -> None:
    rule = held(proxy, at.WRITE)
    first = up()
    assert rule.reached.wait(30)
    second = up()
    second.line("is being made by")
    first.kill()
    proxy.mend()
    code, text = second.wait()
    assert code == 0, text
    watched("running")


def test_a_first_that_never_goes_on_is_named_in_the_end(
    up: Callable[..., Process], proxy: Proxy, watched: Callable[[str], None]
) -> None:
    rule = held(proxy, at.START)
    first = up()
    assert rule.reached.wait(30)
    code, text = up("--timeout", "1").wait()
    assert code == 1
    assert f"(pid {first.pid}, since " in text and "not started within 1 s" in text
    assert "fix: let that process end, or end it, and run the command again" in text
    watched("created")
    rule.go.set()
    assert first.wait()[0] == 0
    watched("running")


def test_many_at_once_get_one(up: Callable[..., Process], watched: Callable[[str], None]) -> None:
    ended = [process.wait() for process in [up() for _ in range(4)]]
    assert [code for code, _ in ended] == [0] * 4, ended
    watched("running")


def test_stop_and_rm_at_once_leave_nothing(
    start: Start, envkit: Envkit, name: str, watched: Callable[[str], None]
) -> None:
    for _ in range(3):
        assert envkit("up", IMAGE, "--name", name).code == 0
        stop, rm = start("stop", name), start("rm", name, "--yes")
        (stopped, text), removed = stop.wait(), rm.wait()
        assert removed[0] == 0, removed
        assert stopped == 0 or (stopped == 2 and "there is no environment" in text), text
        watched("-")


@pytest.mark.parametrize("call", [at.WRITE, at.START, at.EXEC, at.TALK])
def test_an_environment_removed_under_an_up_is_made_again(
    up: Callable[..., Process],
    end: Callable[..., None],
    proxy: Proxy,
    watched: Callable[[str], None],
    call: tuple[str, str],
) -> None:
    rule = held(proxy, call)
    process = up()
    assert rule.reached.wait(30)
    end("rm", "--yes")
    rule.go.set()
    code, text = process.wait()
    assert code == 0, text
    watched("running")


def test_an_environment_stopped_under_an_up_is_told(
    up: Callable[..., Process], end: Callable[..., None], proxy: Proxy, watched: Callable[[str], None]
) -> None:
    rule = held(proxy, at.EXEC)
    process = up()
    assert rule.reached.wait(30)
    end("stop")
    rule.go.set()
    code, text = process.wait()
    assert (code, "the container does not run" in text, "fix: `envkit start`" in text) == (5, True, True), (
        text
    )
    assert up().wait()[0] == 0
    watched("running")
