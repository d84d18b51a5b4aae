"""What a start needs of the client: the user's secrets, and the certificate of a door beyond loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envkit import paths
from envkit.container.deliver import deliver, is_delivered
from envkit.container.tokens import read_secret
from envkit.container.wait import Patience, refuse_ended
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts
from envkit.environment import machine, secrets
from envkit.environment.door import Tls
from envkit.errors import EngineError, UsageError
from envkit.hosts.base import Host
from envkit.plan.exposure import (
    Exposure,
    certificate_names,
    exposure,
    is_name,
    nearest,
    public_name,
    recorded,
)
from envkit.plan.secret_plan import SecretPlan, of_labels

if TYPE_CHECKING:
    from envkit.environment.certificates import Authority


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The authority whose word browsers need to take."""

    file: str
    fingerprint: str


def asked_exposure(
    address: str | None, names: tuple[str, ...], certificate: str | None, key: str | None
) -> Exposure | None:
    """Read the options; a certificate of the caller's own says by itself which names it is for."""
    asked = exposure(address, names, certificate, key)
    if asked is None or asked.certificate is None or asked.key is None:
        return asked
    from envkit.environment import certificates  # heavy, and most environments need none

    pair = certificates.given(asked.certificate, asked.key)
    for name in asked.names:
        if not certificates.covers(pair, name):
            raise UsageError(
                f"{certificate} is not made out to {name}",
                fix=f"it is for {', '.join(pair.names) or 'nobody'}",
            )
    return replace(asked, names=asked.names or tuple(name for name in pair.names if is_name(name)))


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """What an environment waits for at each start."""

    secrets: tuple[SecretPlan, ...] = ()
    exposure: Exposure | None = None

    def __bool__(self) -> bool:
        """Tell whether it waits for anything."""
        return bool(self.secrets) or self.exposure is not None


def awaited(labels: Mapping[str, str]) -> Awaited:
    """Return what the environment of these labels waits for."""
    record = json.loads(labels.get("io.envkit.run", "{}"))
    return Awaited(secrets=of_labels(labels), exposure=recorded(record))


def collect(host: Host, wanted: Awaited) -> dict[str, bytes] | None:
    """Return the files to bring, None for nothing; UsageError when a value is nowhere."""
    if not wanted:
        return None
    files = secrets.values(wanted.secrets)
    return files if wanted.exposure is None else {**files, **_door_files(host, wanted.exposure)}


def still_waits(engine: Engine, facts: ContainerFacts) -> bool:
    """Tell whether a running environment has not yet got what it waits for."""
    return bool(awaited(facts.labels)) and not is_delivered(engine, facts.id, user=facts.user)


def hand_over(engine: Engine, container: str, files: Mapping[str, bytes] | None, *, user: str) -> None:
    """Bring the files into a container that has just started; NotReady when it has ended in the meantime."""
    if files is None:
        return
    try:
        deliver(engine, container, files, user=user)
    except EngineError:
        refuse_ended(Patience.of(engine, container, 0.0), "it takes its secrets")
        raise


def tls(engine: Engine, container: str, asked: Exposure | None, *, user: str) -> Tls | None:
    """Return what the door must show, as the container holds it; None for a door on loopback."""
    if asked is None:
        return None
    shown = read_secret(engine, container, "tls.crt", user=user)
    return Tls(address=nearest(asked.address), certificate=shown)


def trust(host: Host, asked: Exposure | None) -> Trust | None:
    """Return the authority that signed for an environment; None: nobody of ours."""
    if asked is None or asked.certificate is not None:
        return None
    signer = _authority(host, asked)
    return Trust(file=str(signer.file), fingerprint=signer.fingerprint)


def names_of_machine(host: Host, asked: Exposure | None) -> tuple[str, ...]:
    """Return the machine's names, where they matter."""
    return () if asked is None else machine.names(host)


def _door_files(host: Host, asked: Exposure) -> dict[str, bytes]:
    from envkit.environment import certificates  # heavy, as above

    own = machine.names(host)
    names = certificate_names(asked, own)
    if asked.certificate is not None and asked.key is not None:
        pair = certificates.given(asked.certificate, asked.key)
    else:
        required = (public_name(asked, own), *asked.names)
        pair = certificates.issue(_authority(host, asked), required, names)
        names = pair.names
    return {"tls.crt": pair.certificate, "tls.key": pair.key, "hostnames": " ".join(names).encode()}


def _authority(host: Host, asked: Exposure) -> Authority:
    from envkit.environment import certificates  # heavy, as above

    own = machine.names(host)
    folder = paths.config() / "authority" / re.sub(r"[^A-Za-z0-9.-]", "-", host.name)
    return certificates.authority(folder, own[0] if own else host.name, (*own, *asked.names))
