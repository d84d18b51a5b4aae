"""The tokens that a container made for itself, read from its memory."""

from __future__ import annotations

from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest
from envkit.errors import EngineError
from envkit.plan.run_plan import SECRETS


def read_secret(engine: Engine, container: str, name: str, *, user: str) -> str:
    """Return a secret of the container's tmpfs, read as the user who alone may."""
    done = engine.inside.execute(
        container, ExecRequest(command=("cat", f"{SECRETS}/{name}"), user=user, timeout_s=20.0)
    )
    if done.code != 0 or not done.stdout:
        reason = done.stderr.decode("utf-8", "replace").strip() or "it is empty"
        raise EngineError(
            f"the container holds no {name}: {reason}",
            fix="`envkit stop` and `envkit up` again makes new ones",
        )
    return done.stdout.decode("ascii", "replace").strip()
