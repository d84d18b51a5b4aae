"""Whose login goes where: docker's own configuration, one registry at a time."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from envkit.engines.credentials import Login, Name, in_registry, login_for
from envkit.errors import EngineError, UsageError

MINE, THEIRS = "registry.example:5000", "other.example"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def auth(words: str) -> dict[str, str]:
    return {"auth": base64.b64encode(words.encode()).decode()}


def test_a_login_is_its_own_registrys_alone(config: Path) -> None:
    config.write_text(json.dumps({"auths": {MINE: auth("ada:pa:ss"), THEIRS: auth("eve:x")}}))
    assert login_for(MINE) == Login(registry=MINE, user="ada", password="pa:ss")
    assert login_for("registry.example") is None
    assert "pa:ss" not in repr(login_for(MINE))
    header = json.loads(base64.urlsafe_b64decode(login_for(MINE).header))  # type: ignore[union-attr]
    assert header == {"username": "ada", "password": "pa:ss", "serveraddress": MINE}


@pytest.mark.parametrize("text", ["", "{}", '{"auths": {"other.example": {}}}'])
def test_no_login_is_none(config: Path, text: str) -> None:
    if text:
        config.write_text(text)
    assert login_for(MINE) is None and login_for(THEIRS) is None


def test_a_helper_that_is_not_there_is_named(config: Path) -> None:
    config.write_text(json.dumps({"credHelpers": {MINE: "not-here"}}))
    with pytest.raises(EngineError, match="docker-credential-not-here is not on PATH"):
        login_for(MINE)
    assert login_for(THEIRS) is None


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("registry.example:5000/team/lab:1.0", Name(registry=MINE, repository="team/lab", tag="1.0")),
        ("localhost/lab", Name(registry="localhost", repository="lab", tag="latest")),
        ("other.example/a/b@sha256:1", Name(registry=THEIRS, repository="a/b", tag="sha256:1")),
    ],
)
def test_a_reference_has_three_parts(reference: str, name: Name) -> None:
    assert in_registry(reference) == name


@pytest.mark.parametrize(
    "reference", ["lab", "team/lab:1", "other.example/", "other.example/Lab", "a.b/c:", "a.b/c:d/e"]
)
def test_what_names_no_place_in_a_registry_is_a_wrong_command_line(reference: str) -> None:
    if reference == "a.b/c:":
        assert in_registry(reference).tag == "latest"
        return
    with pytest.raises(UsageError):
        in_registry(reference)
