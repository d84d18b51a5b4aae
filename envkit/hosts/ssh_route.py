"""The way to a machine, as ~/.ssh/config has it: every hop with its name, port, user and keys."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from envkit.errors import HostError
from envkit.hosts.base import Command
from envkit.hosts.known_keys import key_name
from envkit.hosts.local import LocalHost
from envkit.hosts.ssh_target import Target, parse_target

_MOST_HOPS = 8
_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
# What a name means: OpenSSH's words of ssh_config(5) in lower case, each with all its values.
Settings = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One machine on the way, the last one included."""

    host: str
    port: int
    user: str
    key_name: str  # in known_hosts
    identities: tuple[Path, ...]
    identities_only: bool
    agent: bool
    proxy_command: str | None

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


def route(target: Target, look_up: Callable[[Target], Settings]) -> tuple[Hop, ...]:
    """Return the hops in order; the last one is the machine itself."""
    hops = _route(target, look_up, _MOST_HOPS)
    if len(hops) > _MOST_HOPS:
        raise _circle(target)
    return hops


def ask_ssh(config: Path) -> Callable[[Target], Settings]:
    """Return a look-up that asks OpenSSH itself: it knows Match, Include and its own defaults."""

    def look_up(target: Target) -> Settings:
        words = ["ssh", "-F", str(config), "-G"]
        words += ["-p", str(target.port)] if target.port else []
        words += ["-l", target.user] if target.user else []
        done = LocalHost().run(Command(words=(*words, "--", target.host)))
        if done.code != 0:
            raise HostError(
                f"~/.ssh/config cannot be used for {target.host}: {done.stderr.strip()}",
                fix=f"try it: ssh -G {target.host}",
            )
        found: dict[str, list[str]] = {}
        for line in done.stdout.splitlines():
            name, _, value = line.partition(" ")
            found.setdefault(name, []).append(value)
        return found

    return look_up


def ask_paramiko(target: Target) -> Settings:
    """Look a name up in ~/.ssh/config without OpenSSH."""
    path = Path.home() / ".ssh" / "config"
    try:
        config = paramiko.SSHConfig.from_path(str(path)) if path.is_file() else paramiko.SSHConfig()
        found = config.lookup(target.host)
    except (paramiko.ConfigParseError, OSError) as error:
        raise HostError(
            f"{path} cannot be used: {error}", fix="mend it, or install openssh-client"
        ) from error
    settings = {name: [value] if isinstance(value, str) else list(value) for name, value in found.items()}
    ours = {"user": [target.user] if target.user else [], "port": [str(target.port)] if target.port else []}
    return {**settings, **{name: value for name, value in ours.items() if value}}


def _route(target: Target, look_up: Callable[[Target], Settings], left: int) -> tuple[Hop, ...]:
    if left == 0:
        raise _circle(target)
    settings = look_up(target)
    jumps = [jump.strip() for jump in _one(settings, "proxyjump").split(",") if jump.strip()]
    if jumps in ([], ["none"]):
        return (_hop(target, settings, proxied=True),)
    # As OpenSSH has it: the first jump is reached by its own settings, the others through the one before.
    before = list(_route(parse_target(jumps[0]), look_up, left - 1))
    for jump in map(parse_target, jumps[1:]):
        before.append(_hop(jump, look_up(jump), proxied=False))
    return (*before, _hop(target, settings, proxied=False))


def _hop(target: Target, settings: Settings, *, proxied: bool) -> Hop:
    host = _one(settings, "hostname") or target.host
    port, user = int(_one(settings, "port") or 22), _one(settings, "user") or getpass.getuser()
    alias = _one(settings, "hostkeyalias")
    command = _one(settings, "proxycommand") if proxied else ""
    named = settings.get("identityfile") or [f"~/.ssh/{name}" for name in _DEFAULT_KEYS]
    return Hop(
        host=host,
        port=port,
        user=user,
        key_name=alias.lower() if alias else key_name(host, port),
        identities=tuple(path for path in (_expanded(name, host, user) for name in named) if path.is_file()),
        identities_only=_one(settings, "identitiesonly") == "yes",
        agent=_one(settings, "identityagent") != "none",
        proxy_command=None if command in ("", "none") else _filled(command, host, port, user),
    )


def _one(settings: Settings, name: str) -> str:
    return next(iter(settings.get(name, ())), "")


def _expanded(name: str, host: str, user: str) -> Path:
    home = str(Path.home())
    return Path(name.replace("%d", home).replace("%h", host).replace("%r", user)).expanduser()


def _filled(command: str, host: str, port: int, user: str) -> str:
    """Fill a ProxyCommand's tokens in (ssh_config(5), TOKENS)."""
    parts = command.split("%%")
    return "%".join(part.replace("%h", host).replace("%p", str(port)).replace("%r", user) for part in parts)


def _circle(target: Target) -> HostError:
    return HostError(f"the way to {target} goes in a circle (ProxyJump)", fix="mend ~/.ssh/config")
