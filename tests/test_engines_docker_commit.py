"""What becomes of a commit whose reply is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from envkit.engines import docker_commit
from envkit.engines.failures import LinkLost
from envkit.engines.values import SAVE


class Api:
    """An engine that breaks the connection off; the image is there after some looks, or never."""

    timeout = 0.01

    def __init__(self, states: list[str], made_after: int | None) -> None:
        self.states, self.made_after, self.looks, self.posts = states, made_after, 0, 0

    def inspect_container(self, container: str) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state == "away":
            raise requests.ConnectionError("Connection refused")
        return {"Config": {"Labels": None}, "State": {"Status": state}}

    def images(self, **asked: Any) -> list[dict[str, str]]:
        self.looks += 1
        assert asked["filters"] == {"label": [f"{SAVE}=key"]}
        return [{"Id": "sha256:made"}] if self.made_after is not None and self.looks > self.made_after else []

    def _url(self, path: str) -> str:
        return path

    def _post_json(self, url: str, **given: Any) -> Any:
        assert given["timeout"] is None and given["data"]["Labels"] == {SAVE: "key"}
        self.posts += 1
        raise requests.ConnectionError("Connection aborted.")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(10_000))
    monkeypatch.setattr(docker_commit.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(docker_commit.time, "monotonic", lambda: float(next(times)))


@pytest.mark.parametrize(
    ("states", "looks"),
    [
        (["running", "running"], 1),
        (["running", "paused", "paused", "running"], 3),  # the engine was still at it
        (["running", "away", "away", "exited"], 1),  # it was restarted
        (["exited", "exited"], 3),  # a stopped one is never paused
    ],
)
def test_a_lost_reply_is_an_image_that_is_found(states: list[str], looks: int) -> None:
    api = Api(states, made_after=looks)
    assert docker_commit.commit(api, "lab", {SAVE: "key"}) == "sha256:made"
    assert api.posts == 1


@pytest.mark.parametrize("states", [["running"], ["running", "paused"], ["running", "away"], ["exited"]])
def test_a_commit_that_made_nothing_says_so(states: list[str]) -> None:
    with pytest.raises(LinkLost, match="it made no image of it"):
        docker_commit.commit(Api(states, made_after=None), "lab", {SAVE: "key"})


class Silent(Api):
    """An engine whose answer does not come."""

    def _post_json(self, url: str, **given: Any) -> Any:
        self.posts += 1
        threading.Event().wait()


@pytest.mark.parametrize("states", [["running"], ["running", "paused", "paused", "running"], ["exited"]])
def test_an_answer_that_never_comes_is_an_image_that_is_found(states: list[str]) -> None:
    api = Silent(states, made_after=12 if states == ["exited"] else 3)
    assert docker_commit.commit(api, "lab", {SAVE: "key"}) == "sha256:made"
    assert api.posts == 1


def test_who_never_answers_and_makes_nothing_is_given_up() -> None:
    api = Silent(["running"], made_after=None)
    with pytest.raises(LinkLost, match="did not answer in time; it made no image of it"):
        docker_commit.commit(api, "lab", {SAVE: "key"})
    assert api.posts == 1


def test_what_is_there_already_is_not_made_again() -> None:
    api = Api(["running"], made_after=0)
    assert docker_commit.commit(api, "lab", {SAVE: "key"}) == "sha256:made"
    assert api.posts == 0
