"""What is seen of an environment that is to be saved."""

from __future__ import annotations

from pathlib import Path as File

import pytest

from envkit.engines.values import Change, ExecResult
from envkit.errors import EnvkitError
from envkit.image.evidence import Facts
from envkit.save import look as looking
from envkit.save.look import look, unkept
from envkit.save.sight import Installed, Path, Unkept
from tests.saves import BEFORE, an_environment, answers

FOUND = {
    "sizes": [[0, True], [12, False]],
    "installed": {"/work/home": [{"kind": "pip", "name": "attrs", "version": "24"}]},
    "busy": ["apt-get install x (pid 7 in it)"],
    "stuck": [],
    "manual": ["tree"],
}
CHANGES = (Change("/opt", "changed"), Change("/etc/motd", "deleted"), Change("/opt/a", "added"))


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the search out: it has tests of its own."""
    monkeypatch.setattr(looking, "known_values", lambda engine, container: ())


def test_each_path_has_its_size_and_a_deleted_one_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = an_environment()
    monkeypatch.setattr(engine.containers, "changes", lambda container: CHANGES)
    answers(engine, "save_look", FOUND)
    answers(engine, "verify_manifest", {"apt": {"less": "643", "tree": "2"}, "pip": {"numpy": "2.0"}})
    seen = look(engine, "lab", search=False)
    assert seen.paths == (
        Path(path="/opt", kind="changed", folder=True, size_bytes=0),
        Path(path="/etc/motd", kind="deleted"),
        Path(path="/opt/a", kind="added", size_bytes=12),
    )
    assert seen.now is not None
    assert (seen.before, seen.now.apt) == (BEFORE, {"less": "643", "tree": "2"})
    assert (seen.busy, seen.manual) == (("apt-get install x (pid 7 in it)",), ("tree",))
    outside = {one.target: one.installed for one in seen.outside}
    assert outside == {
        "/work/home": (Installed(kind="pip", name="attrs", version="24"),),
        "/work/cache": (),
    }


def test_of_what_no_layer_can_hold_names_tell_and_a_look() -> None:
    paths = ("/opt/s", "/opt/.wh.a", "/opt/.wh.b", "/opt/b", "/opt/.wh.c", "/tmp/s", "/opt/file")
    changes = (*(Change(path, "added") for path in paths), Change("/opt/.wh.gone", "deleted"))
    rows = [
        Facts(values={"path": path, "why": "a socket" if path.endswith("/s") else "", "hides": hides})
        for path, hides in zip(paths[:6], (False, True, True, False, False, False), strict=True)
        if path != "/opt/b"
    ]
    means = "its name means a deletion"
    assert unkept(changes, rows) == (
        Unkept(path="/opt/s", why="a socket"),
        Unkept(path="/opt/.wh.a", why=means, hides=True),
        Unkept(path="/opt/.wh.b", why=means),  # the other is as new, and lies in no layer beneath
        Unkept(path="/opt/.wh.c", why=means),
    )
    stopped = unkept(changes, ())
    assert [one.hides for one in stopped] == [True, False, True]


def test_nothing_is_written_into_it() -> None:
    engine = an_environment()
    answers(engine, "save_look", FOUND)
    answers(engine, "verify_manifest", {})
    before = {name: dict(held) for name, held in engine.containers.files.items()}
    look(engine, "lab", search=False)
    assert engine.containers.files == before


def test_a_stopped_one_can_be_looked_at_from_outside() -> None:
    engine = an_environment()
    engine.containers.stop("envkit-lab", 1)
    seen = look(engine, "lab", search=True)
    assert (seen.now, seen.unseen) == (None, "it is stopped")


def test_one_that_somebody_else_paused_is_refused() -> None:
    engine = an_environment()
    engine.containers.pause("envkit-lab")
    with pytest.raises(EnvkitError, match="is paused, and no save of ours did that") as caught:
        look(engine, "lab", search=False)
    assert caught.value.fix == "`docker unpause envkit-lab`, then again"


def test_one_that_cannot_be_looked_at_is_named_with_the_other_way() -> None:
    engine = an_environment()
    answers(engine, "save_look", FOUND)
    engine.inside.scripts[next(iter(k for k in engine.inside.scripts if "-B" in k))] = ExecResult(
        code=1, stdout=b"", stderr=b"boom"
    )
    with pytest.raises(EnvkitError, match="environment lab cannot be looked at: exit code 1: boom") as caught:
        look(engine, "lab", search=False)
    assert "envkit stop lab" in caught.value.fix


def test_its_name_is_what_it_was_started_from(tmp_path: File) -> None:
    engine = an_environment()
    engine.containers.stop("envkit-lab", 1)
    assert look(engine, None, search=False).image_tag == "lab:dev"
