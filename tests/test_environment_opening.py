"""Open an environment that runs: which one, which service, and what its URL is."""

from __future__ import annotations

import pytest

from envkit.container.wait import NotReady
from envkit.engines.fake import FakeEngine
from envkit.environment.opening import meant, open_door
from envkit.environment.up import Site, up
from envkit.errors import UsageError
from tests.environments import Door, a_request, a_site


def running(door: Door) -> tuple[Site, FakeEngine]:
    site, engine, _ = a_site(door)
    up(site, a_request(), lambda line: None)
    return site, engine


def test_each_service_has_its_url_which_logs_in() -> None:
    site, _ = running(Door())
    found = open_door(site, "lab", "jupyter", 1)
    assert found.url().endswith(f"{found.port}/env/lab/login?next=%2Fenv%2Flab%2Flab&token=t1")
    assert found.url(8080) == "http://127.0.0.1:8080/env/lab/login?next=%2Fenv%2Flab%2Flab&token=t1"
    code = open_door(site, None, "code", 1).url(8080)
    assert code == "http://127.0.0.1:8080/env/lab/login?next=%2Fenv%2Flab%2Fvscode%2F&token=t1"
    assert "tensorboard" in open_door(site, "lab", "tensorboard", 1).url()
    assert "t1" not in repr(found)


def test_one_word_is_a_service_where_no_environment_has_that_name() -> None:
    site, _ = running(Door())
    assert meant(site, "code", None) == (None, "code")
    assert meant(site, "lab", None) == ("lab", "jupyter")
    assert meant(site, "lab", "tensorboard") == ("lab", "tensorboard")
    up(site, a_request(name="code"), lambda line: None)
    assert meant(site, "code", None) == ("code", "jupyter")
    with pytest.raises(UsageError, match="there is no service 'vim'"):
        meant(site, "lab", "vim")


def test_one_that_is_stopped_is_not_opened() -> None:
    site, engine = running(Door())
    engine.containers.stop(engine.containers.find({})[0].id, 0)
    with pytest.raises(UsageError, match="environment lab does not run: its container is exited"):
        open_door(site, "lab", "jupyter", 1)


def test_one_that_does_not_answer_is_waited_for_and_named() -> None:
    door = Door()
    site, _ = running(door)
    door.vscode = 500
    with pytest.raises(NotReady, match="environment lab: VS Code opens behind the login: not after"):
        open_door(site, "lab", "code", 0.2)
