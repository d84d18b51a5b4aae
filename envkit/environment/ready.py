"""Wait until an environment's IDEs have really answered, and read what opens them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from envkit.container.tokens import read_secret
from envkit.container.wait import NotReady, Patience, wait_until
from envkit.engines.base import Engine
from envkit.environment import door
from envkit.environment.door import Ask, Urls
from envkit.environment.handover import Trust, tls
from envkit.environment.states import describe
from envkit.plan.run_plan import RunPlan, base_url, origin


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An environment that answers, with all that opens it."""

    name: str
    image: str
    home: str
    cache: str
    port: int
    origin: str
    urls: Urls = field(repr=False)
    token: str | None = field(repr=False)
    own_door_password: str | None = field(default=None, repr=False)
    services: tuple[str, ...] = field(default=(), repr=False)
    authority: Trust | None = None  # whose word browsers need to take, of a door beyond loopback


def without_secrets(opened: Opened) -> Opened:
    """Return it with nothing that opens it: what may be printed, kept and shown to others."""
    plain = door.urls(opened.origin, base_url(opened.name), None, opened.services, opened.urls.own_door)
    return replace(opened, urls=plain, token=None, own_door_password=None)


def wait_ready(engine: Engine, asking: Ask, plan: RunPlan, container: str, timeout_s: float) -> Opened:
    """Wait for each IDE by a request through the published port; NotReady says which did not answer."""
    patience = Patience.of(engine, container, timeout_s)
    asking = door.through(asking, tls(engine, container, plan.exposure, user=plan.caller.user))
    try:
        token = _wait(patience, asking, plan)
    except NotReady as error:
        what = f"environment {plan.name}: {error.what}{_services(engine, container)}"
        raise NotReady(what, fix=error.fix) from error
    own_door = own_password = None
    if plan.own_door_port is not None:
        own_door = origin(plan, plan.own_door_port) + "/"
        own_password = read_secret(engine, container, "code_server_password", user=plan.caller.user)
    return Opened(
        name=plan.name,
        image=plan.image,
        home=plan.home,
        cache=plan.cache,
        port=plan.port,
        origin=origin(plan, plan.port),
        urls=door.urls(origin(plan, plan.port), base_url(plan.name), token, plan.services, own_door),
        token=token,
        own_door_password=own_password,
        services=plan.services,
    )


def _wait(patience: Patience, asking: Ask, plan: RunPlan) -> str:
    """Wait for every door and return the token."""
    port, own, base = plan.port, plan.own_door_port, base_url(plan.name)
    wait_until(patience, "JupyterLab answers at the door", lambda: door.refuses(asking, port, base))
    token = read_secret(patience.engine, patience.container, "jupyter_token", user=plan.caller.user)
    wait_until(patience, "JupyterLab opens with its token", lambda: door.opens(asking, port, base, token))
    if "code-server" in plan.services:
        wait_until(
            patience, "VS Code opens behind the login", lambda: door.shows_vscode(asking, port, base, token)
        )
    if own is not None:
        wait_until(patience, "VS Code answers at its own door", lambda: door.asks_password(asking, own))
    return token


def _services(engine: Engine, container: str) -> str:
    facts = engine.containers.inspect(container)
    if facts is None or facts.state != "running":
        return ""
    reason = describe(engine, facts).reason
    return f"\n    {reason}" if reason else ""
