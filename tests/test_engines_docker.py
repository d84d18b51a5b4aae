"""How long an answer of the engine may take is the user's to say."""

from __future__ import annotations

import pytest

from envkit.engines.docker import connect
from envkit.errors import UsageError
from envkit.hosts.local import LocalHost


@pytest.mark.parametrize("value", ["soon", "0", "-1", "1.5", "99999999"])
def test_a_time_that_is_none_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("ENVKIT_ENGINE_TIMEOUT", value)
    with pytest.raises(UsageError, match=f"ENVKIT_ENGINE_TIMEOUT is '{value}'"):
        connect(LocalHost())
