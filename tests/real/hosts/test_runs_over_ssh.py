"""Training runs on a host: they are listed, read and removed as here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.cli.site import site_of
from envkit.hosts.base import Command, Completed
from envkit.hosts.ssh import SshHost
from envkit.run.ending import loss, remove
from envkit.run.folder import End
from envkit.run.listing import find, runs
from envkit.run.output import Wanted, read
from tests.run_folders import make
from tests.sshd import Sshd

pytestmark = pytest.mark.real

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)


@pytest.mark.parametrize("settings", [{}, {"MaxSessions": "1"}], ids=["usual", "one session"])
def test_the_runs_of_a_home_there_are_one_command(
    serve: Callable[..., Sshd],
    reach: Callable[..., SshHost],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
) -> None:
    home = tmp_path / "a home, größer"
    for number in range(20):
        folder = make(home, f"run-{number}", end=FINISHED)
        Path(folder.attempt(1).log(0)).write_bytes(b"one\ntwo\nthree\n")
    host = reach(serve(**settings))
    site = replace(site_of(host), home=str(home))
    asked: list[Command] = []
    really = host.run

    def counted(command: Command) -> Completed:
        asked.append(command)
        return really(command)

    runs(site, str(home))  # the connection is made, and the engine found
    monkeypatch.setattr(host, "run", counted)
    found = runs(site, str(home))
    assert (len(found), {run.state for run in found}) == (20, {"finished"})
    assert len(asked) == 1
    run = find(site, f"{home}/task/run-7")
    assert b"".join(read(host, run, Wanted(tail=2))) == b"two\nthree\n"
    remove(site, loss(site, run))
    assert len(runs(site, str(home))) == 19
