"""What a service that died left of itself ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from envkit.probes.supervise import end_the_rest

FORKS = "import os, sys, time; os.fork() or time.sleep(600); sys.exit(1)"


def died(pid: int) -> SimpleNamespace:
    return SimpleNamespace(process=SimpleNamespace(pid=pid))


@pytest.mark.real
def test_a_child_of_the_dead_service_ends() -> None:
    out, into = os.pipe()
    with subprocess.Popen([sys.executable, "-c", FORKS], start_new_session=True, stdout=into) as service:
        os.close(into)
        assert service.wait(60) == 1
        end_the_rest(died(service.pid))
        assert os.read(out, 1) == b""  # the last one that held the other end is gone
    os.close(out)


def test_a_service_that_left_nothing_or_never_started_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []

    def kill(group: int, number: int) -> None:
        killed.append((group, number))
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", kill)
    end_the_rest(died(0))
    end_the_rest(died(7))
    assert killed == [(7, signal.SIGKILL)]
