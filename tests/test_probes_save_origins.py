"""Where packages came from is asked of the tools that know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envkit.probes import save_origins
from envkit.probes.save_origins import direct, needs, offered


def test_packages_that_came_from_no_index_are_found_by_their_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    exec(save_origins.DIRECT, {})  # as the user's own Python runs it; this one has envkit from a folder
    printed = capsys.readouterr().out
    monkeypatch.setattr(save_origins, "said", lambda *words: printed)
    found = direct("python")
    assert str(found["envkit"]["url"]).startswith("file://")  # type: ignore[index]  # JSON
    assert "pytest" not in found


def test_a_python_that_says_nothing_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for printed in ("", "Traceback", "[]"):
        monkeypatch.setattr(save_origins, "said", lambda *words, printed=printed: printed)
        assert direct("python") == {}
    assert direct("") == {}


def test_dpkgs_fields_become_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(save_origins, "said", lambda *words: "npm\t\tnode (>= 12)\tgit\nbroken\n")
    assert needs() == [{"Package": "npm", "Pre-Depends": "", "Depends": "node (>= 12)", "Recommends": "git"}]


def test_what_is_not_asked_for_is_not_looked_up() -> None:
    assert offered([]) is None


def test_npm_packages_for_all_are_named_with_their_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "@team/two", "broken"):
        (tmp_path / name).mkdir(parents=True)
        text = "" if name == "broken" else json.dumps({"name": name, "version": "1.2"})
        (tmp_path / name / "package.json").write_text(text)
    monkeypatch.setattr(save_origins, "NODE_MODULES", (tmp_path,))
    assert save_origins.global_npm() == ["one@1.2", "@team/two@1.2"]
