"""A door beyond loopback: at which address, under which names, with whose certificate. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envkit.errors import UsageError

EVERYWHERE = "0.0.0.0"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# A host name as certificates and browsers take it (RFC 1123, section 2.1).
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_LONGEST_NAME = 253


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What was asked for; without a certificate of the caller's, envkit's own authority signs one."""

    address: str
    names: tuple[str, ...] = ()
    certificate: str | None = None  # paths on the caller's machine
    key: str | None = None


def exposure(
    address: str | None, names: tuple[str, ...], certificate: str | None, key: str | None
) -> Exposure | None:
    """Read the options; None: loopback only. UsageError for what cannot be."""
    if address is None:
        if names or certificate or key:
            raise UsageError("--tls-name, --tls-cert and --tls-key go with --expose", fix="add --expose")
        return None
    if (certificate is None) != (key is None):
        raise UsageError("--tls-cert and --tls-key go together", fix="give both, or neither")
    if not is_address(address):
        raise UsageError(
            f"--expose {address!r} is no IP address",
            fix="--expose alone is every address of the machine; a name that browsers use is --tls-name",
        )
    if ipaddress.ip_address(address).is_loopback:
        raise UsageError(
            f"--expose {address} is loopback, where the door is anyway", fix="leave --expose out"
        )
    wanted = tuple(name.lower() for name in names)
    for name in wanted:
        if not is_name(name):
            raise UsageError(
                f"--tls-name {name!r} is neither a host name nor an address", fix="as in gpu7.example.org"
            )
    return Exposure(address=address, names=wanted, certificate=certificate, key=key)


def record(asked: Exposure | None) -> dict[str, Any]:
    """Return it as an environment's record keeps it; what is not there is None."""
    return {
        "expose": asked and asked.address,
        "tls_names": list(asked.names) if asked and asked.names else None,
        "tls_certificate": asked and asked.certificate,
        "tls_key": asked and asked.key,
    }


def recorded(record: Mapping[str, Any]) -> Exposure | None:
    """Return what an environment's record says."""
    if not record.get("expose"):
        return None
    return Exposure(
        address=record["expose"],
        names=tuple(record.get("tls_names") or ()),
        certificate=record.get("tls_certificate"),
        key=record.get("tls_key"),
    )


def is_address(text: str) -> bool:
    """Tell whether the text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_name(text: str) -> bool:
    """Tell whether a certificate can be made out to it: a host name, or an address."""
    return is_address(text) or (len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None)


def is_everywhere(address: str) -> bool:
    """Tell whether it stands for all addresses of the machine."""
    return ipaddress.ip_address(address).is_unspecified


def public_name(asked: Exposure, machine: tuple[str, ...]) -> str:
    """Return what a browser elsewhere is sent to: the name asked for, the address, or the machine's first."""
    if asked.names:
        return asked.names[0]
    if not is_everywhere(asked.address):
        return asked.address
    return next((name for name in machine if is_address(name)), "localhost")


def certificate_names(asked: Exposure, machine: tuple[str, ...]) -> tuple[str, ...]:
    """Return every name that the door answers to; loopback too, through which envkit itself may come."""
    own = machine if is_everywhere(asked.address) else (asked.address,)
    return tuple(dict.fromkeys((*asked.names, *own, *LOOPBACK)))


def nearest(address: str) -> str:
    """Return where the door is reached from the machine itself."""
    if not is_everywhere(address):
        return address
    return "::1" if ":" in address else "127.0.0.1"


def origin(name: str, port: int, *, tls: bool) -> str:
    """Return the beginning of a URL: `https://[fd00::2]:20001`."""
    return f"{'https' if tls else 'http'}://{f'[{name}]' if ':' in name else name}:{port}"
