"""Open an environment that runs: wait for its door, and read what opens it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from envkit.container.tokens import read_secret
from envkit.container.wait import Patience, wait_until
from envkit.engines.values import ContainerFacts
from envkit.environment import door
from envkit.environment.handover import awaited, tls
from envkit.environment.lookup import chosen, find, name_of
from envkit.environment.site import Site
from envkit.errors import UsageError

Service = Literal["jupyter", "code", "tensorboard"]
SERVICES: tuple[Service, ...] = get_args(Service)


@dataclass(frozen=True, kw_only=True)
class OpenDoor:
    """The door of a running environment, and what opens it."""

    name: str
    service: Service
    origin: str  # as a browser on its machine has it
    base: str
    services: tuple[str, ...]
    token: str = field(repr=False)
    runs: tuple[str, ...] = ()  # TensorBoard shows these alone (probes/tensorboard_door.py)

    @property
    def is_on_loopback(self) -> bool:
        """Tell whether only its own machine reaches it."""
        return urlsplit(self.origin).hostname == "127.0.0.1"

    @property
    def port(self) -> int:
        """Return the port on its machine."""
        return urlsplit(self.origin).port or 443

    @property
    def chosen(self) -> str:
        """Return where TensorBoard shows the chosen runs alone, below the base."""
        return f"tensorboard/only/{','.join(self.runs)}/"

    def url(self, port: int | None = None) -> str:
        """Return where a browser goes, by another port of loopback if one leads there; it holds the token."""
        origin = f"http://127.0.0.1:{port}" if port else self.origin
        if self.runs:
            return door.behind_login(origin, self.base, self.chosen, self.token)
        urls = door.urls(origin, self.base, self.token, self.services, None)
        found = {"jupyter": urls.jupyterlab, "code": urls.vscode, "tensorboard": urls.tensorboard}
        return found[self.service] or ""


def meant(site: Site, name: str | None, service: str | None) -> tuple[str | None, Service]:
    """Tell a service from an environment's name where only one word was said."""
    if service is None and name in SERVICES and find(site.engine, name) is None:
        name, service = None, name
    wanted = service or "jupyter"
    if wanted not in SERVICES:
        raise UsageError(f"there is no service {wanted!r}", fix=f"one of: {', '.join(SERVICES)}")
    return name, wanted


def open_door(site: Site, name: str | None, service: Service, timeout_s: float) -> OpenDoor:
    """Wait until the service answers at its door; UsageError when there is none to wait for."""
    facts = chosen(site.engine, name)
    if facts.state != "running":
        raise UsageError(
            f"environment {name_of(facts)} does not run: its container is {facts.state}",
            fix="`envkit up` with what it was made from starts it again",
        )
    found = _door(site, facts, service)
    if not found.url():
        raise UsageError(
            f"environment {found.name} has no {service}", fix="its spec says what is in it: `ide:`"
        )
    asking = asking_at(site, facts)
    patience = Patience.of(site.engine, facts.id, timeout_s)
    wait_until(
        patience,
        f"environment {found.name}: JupyterLab opens with its token",
        lambda: door.opens(asking, found.port, found.base, found.token),
    )
    if service == "code":
        wait_until(
            patience,
            f"environment {found.name}: VS Code opens behind the login",
            lambda: door.shows_vscode(asking, found.port, found.base, found.token),
        )
    return found


def asking_at(site: Site, facts: ContainerFacts) -> door.Ask:
    """Return what asks at an environment's door, by TLS where it has some."""
    return door.through(site.ask, tls(site.engine, facts.id, awaited(facts.labels).exposure, user=facts.user))


def _door(site: Site, facts: ContainerFacts, service: Service) -> OpenDoor:
    labels = facts.labels
    expect = json.loads(labels.get("io.envkit.expect", "{}"))
    return OpenDoor(
        name=name_of(facts),
        service=service,
        origin=labels.get("io.envkit.origin") or f"http://127.0.0.1:{labels.get('io.envkit.port')}",
        base=labels.get("io.envkit.base-url", ""),
        services=tuple(expect.get("services", ())),
        token=read_secret(site.engine, facts.id, "jupyter_token", user=facts.user),
    )
