"""Packages that `pip install --user` left in the home, and that hide the image's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from envkit import paths
from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest
from envkit.errors import EngineError, HostError
from envkit.hosts.base import Command, Host
from envkit.plan.run_plan import HOME, RunPlan, container_name
from envkit.words import listed

_TIMEOUT_S = 20.0
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A package of the home in front of one of the image."""

    name: str
    home: str
    image: str


def find(host: Host, engine: Engine, plan: RunPlan) -> tuple[Shadow, ...]:
    """Ask the environment's own Python, where the home holds such packages at all."""
    words = ("find", f"{plan.home}/.local/lib", "-maxdepth", "2", "-name", "site-packages")
    try:
        if not plan.python or not host.run(Command(words=words)).stdout.strip():
            return ()
        asked = ExecRequest(
            command=(plan.python, "-"),
            stdin=(paths.probes() / "user_site.py").read_bytes(),
            user=plan.caller.user,
            timeout_s=_TIMEOUT_S,
        )
        done = engine.inside.execute(container_name(plan.name), asked)
        told = json.loads(done.stdout) if done.code == 0 else {"shadows": ()}
    except (EngineError, HostError, json.JSONDecodeError):
        return ()  # the environment is up; a hint is all that is missing
    return tuple(Shadow(name=name, home=home, image=image) for name, home, image in told["shadows"])


def tell(found: tuple[Shadow, ...], report: Callable[[str], None]) -> None:
    """Say which, and how to be rid of them."""
    if not found:
        return
    named = listed([f"{one.name} {one.home} (the image has {one.image})" for one in found], _NAMED)
    names = " ".join(one.name for one in found)
    report(f"{HOME}/.local hides packages of the image: {named}")
    report(f"  to be rid of them, in the environment: pip uninstall {names}")
