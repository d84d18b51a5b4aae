"""The containers of runs that have ended go when their folders tell all; else they are the only evidence."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts
from envkit.environment.garbage import Leftover
from envkit.environment.site import Site
from envkit.errors import EngineError
from envkit.run.folder import End
from envkit.run.garbage import leftovers
from envkit.run.listing import FOLDER
from envkit.run.tidy import tidy
from tests.run_folders import container, make, site

NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out what other processes of this machine may have left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def ended(home: Path, name: str, end: End | None, state: str = "exited") -> ContainerFacts:
    """Make a run with its container, which is no longer followed."""
    folder = make(home, name, end=end)
    found = container(name, home, id=name * 64, state=state, exit_code=0)
    labels = {**found.labels, FOLDER: str(folder.path)}
    return container(name, home, id=name * 64, state=state, exit_code=0, labels=labels)


def names(there: Site) -> list[str]:
    return sorted(facts.name for facts in there.engine.containers.find({}))


def test_what_the_folder_tells_needs_no_container(tmp_path: Path) -> None:
    told, killed = ended(tmp_path, "a", FINISHED), ended(tmp_path, "b", None)
    running = ended(tmp_path, "c", None, "running")
    there = site(tmp_path, told, killed, running)
    assert leftovers(there, NOW) == (
        Leftover(
            kind="run", name="a", id=told.id, size_bytes=0,
            why="the run is finished, and its folder tells it all",
        ),
    )  # fmt: skip
    assert tidy(there) == 1
    assert names(there) == [killed.name, running.name]


def test_an_end_that_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    there = site(tmp_path, ended(tmp_path, "a", FINISHED))
    (tmp_path / "task" / "a" / "attempts" / "1" / "end.json").write_text('{"state": "fin')
    assert (tidy(there), leftovers(there, NOW)) == (0, ())
    assert names(there) == ["envkit-run-a"]


def test_what_was_written_outside_of_work_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = site(tmp_path, ended(tmp_path, "a", FINISHED))
    monkeypatch.setattr(there.engine.containers, "written_bytes", lambda container: 9 << 20)
    assert (tidy(there), leftovers(there, NOW)) == (0, ())
    assert names(there) == ["envkit-run-a"]


def test_in_passing_an_engine_that_refuses_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = site(tmp_path, ended(tmp_path, "a", FINISHED))
    assert isinstance(there.engine, FakeEngine)

    def refuse(container: str) -> None:
        raise EngineError("it is busy", fix="wait")

    monkeypatch.setattr(there.engine.containers, "remove_idle", refuse)
    assert tidy(there) == 0
