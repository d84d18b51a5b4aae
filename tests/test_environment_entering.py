"""Commands in an environment: as its user, at its home, with the caller's terminal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import Ends, ExecRequest, ExecResult
from envkit.environment.entering import open_shell, run_inside
from envkit.environment.up import up
from envkit.errors import EnvkitError
from tests.environments import Door, a_request, a_site


@dataclass
class Heard:
    """The caller's side: what it was given."""

    said: list[tuple[int, bytes]] = field(default_factory=list)

    def ends(self, *, terminal: bool = False) -> Ends:
        size = (lambda: (80, 24)) if terminal else None
        return Ends(stdin=None, write=lambda which, text: self.said.append((which, text)), size=size)


@pytest.fixture
def engine() -> FakeEngine:
    """An engine on which `lab` runs."""
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    engine.inside.scripts["sh", "-c", "x y"] = ExecResult(code=7, stdout=b"out", stderr=b"err")
    return engine


def test_a_commands_words_outputs_and_code_pass_untouched(engine: FakeEngine) -> None:
    heard = Heard()
    assert run_inside(engine, "lab", ("sh", "-c", "x y"), heard.ends(), "xterm") == 7
    assert heard.said == [(1, b"out"), (2, b"err")]
    assert engine.inside.requests[-1] == ExecRequest(command=("sh", "-c", "x y"), directory="/work/home")


def test_a_command_gets_the_users_secrets(engine: FakeEngine) -> None:
    facts = engine.containers.require("envkit-lab")
    labels = {**facts.labels, "io.envkit.secrets": '[{"name": "A"}]'}
    engine.containers.add(replace(facts, labels=labels))
    run_inside(engine, "lab", ("sh", "-c", "x y"), Heard().ends(), None)
    assert engine.inside.requests[-1].command == ("/opt/envkit/bin/with-secrets", "sh", "-c", "x y")


def test_a_command_with_a_terminal_knows_its_kind(engine: FakeEngine) -> None:
    run_inside(engine, "lab", ("sh", "-c", "x y"), Heard().ends(terminal=True), "xterm")
    assert engine.inside.requests[-1].env == {"TERM": "xterm"}


def test_a_shell_is_a_login_shell(engine: FakeEngine) -> None:
    open_shell(engine, None, Heard().ends(), None)
    assert engine.inside.requests[-1].command[-1].endswith(" -l")


def test_what_does_not_run_is_entered_after_a_start(engine: FakeEngine) -> None:
    engine.containers.stop("envkit-lab", 1)
    with pytest.raises(EnvkitError) as caught:
        open_shell(engine, "lab", Heard().ends(), None)
    assert (caught.value.what, caught.value.fix) == ("environment lab does not run", "envkit start lab")
