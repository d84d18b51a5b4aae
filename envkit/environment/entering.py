"""Run a command in an environment, or a shell, as its user and at its home."""

from __future__ import annotations

from envkit.engines.base import Engine
from envkit.engines.values import Ends, ExecRequest
from envkit.environment.lookup import running
from envkit.plan.run_plan import HOME
from envkit.plan.secret_plan import of_labels

# What a command gets of the user's secrets, the IDEs get too (probes/with_secrets.sh).
_WITH_SECRETS = "/opt/envkit/bin/with-secrets"
# Bash where there is one: the account's own shell is (container/accounts.py).
_LOGIN = ("/bin/sh", "-c", 'exec "$(command -v bash || command -v sh)" -l')


def run_inside(
    engine: Engine, name: str | None, command: tuple[str, ...], ends: Ends, terminal: str | None
) -> int:
    """Run the command, its words untouched, with the image's environment; return its exit code.

    `terminal` is the kind of terminal ($TERM) when it gets one.
    """
    facts = running(engine, name)
    env = {"TERM": terminal} if terminal and ends.size else {}
    if of_labels(facts.labels):
        command = (_WITH_SECRETS, *command)
    return engine.inside.converse(facts.id, ExecRequest(command=command, env=env, directory=HOME), ends)


def open_shell(engine: Engine, name: str | None, ends: Ends, terminal: str | None) -> int:
    """Run a login shell; return its exit code."""
    return run_inside(engine, name, _LOGIN, ends, terminal)
