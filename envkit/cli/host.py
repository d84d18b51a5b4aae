"""`envkit host`: the machines over SSH that `--host` can name."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.doctor.host import Step
    from envkit.hosts.failures import HostKey
    from envkit.hosts.registry import HostEntry

_MARKS = {"passed": "ok", "failed": "NO", "missing": "--"}
_name = click.argument("name", metavar="NAME", shell_complete=complete.hosts)


@click.group(name="host", epilog="Example: envkit host add gpu1 rui@10.0.0.5")
def command() -> None:
    """Name the machines over SSH where environments can live.

    Then any command takes --host NAME. ~/.ssh/config is honoured (jump hosts, keys, the agent); passwords are
    never asked for, and a machine whose key nobody has vouched for is never talked to.
    """


@command.command(short_help="Name a machine.", epilog="Example: envkit host add gpu1 rui@10.0.0.5:2222")
@click.argument("name", metavar="NAME")
@click.argument("target", metavar="[USER@]HOST[:PORT]")
@click.option(
    "--transport",
    type=click.Choice(["auto", "openssh", "paramiko"]),
    default="auto",
    show_default=True,
    help="What carries the engine's socket: `ssh` where it is installed, or Python's own SSH.",
)
def add(name: str, target: str, transport: str) -> None:
    """Name a machine; HOST may be a name of ~/.ssh/config. Nothing is connected yet."""
    from envkit.hosts import registry
    from envkit.hosts.ssh_target import parse_target

    parse_target(target)
    registry.add(registry.HostEntry(name=name, target=target, transport=transport))  # type: ignore[arg-type]  # click's Choice
    output.note(f"host {name} is {target}; next: envkit host trust {name}")


@command.command(name="list", short_help="List the hosts.", epilog="Example: envkit host list")
@options.as_json
def list_(as_json: bool) -> None:
    """List the hosts with what they were when `envkit host test` last looked."""
    from envkit.hosts import registry

    found = registry.entries()
    if as_json:
        output.show_json(found)
    elif not found:
        output.note("there is no host; `envkit host add` names one")
    else:
        output.show_table(
            ("NAME", "MACHINE", "ENGINE", "CARDS", "FREE", "SEEN"), [_row(one) for one in found]
        )


@command.command(short_help="Look at a host, step by step.", epilog="Example: envkit host test gpu1")
@_name
@options.as_json
def test(name: str, as_json: bool) -> None:
    """Look at a host step by step, say what fails and how to mend it, and remember what it has."""
    from envkit.cli.site import opened_host
    from envkit.doctor.host import examine
    from envkit.engines.docker import connect
    from envkit.hosts import registry

    done = examine(opened_host(name), connect, (lambda step: None) if as_json else _show_step)
    if done.facts:
        registry.keep_facts(name, done.facts)
    for step in done.steps:
        if step.fix and not as_json and not (done.error and step.detail == done.error.what):
            output.note(f"{step.name}: {step.fix}")  # the error's own fix comes with it
    if as_json:
        output.show_json({"name": name, "steps": output.plain(done.steps), "facts": output.plain(done.facts)})
    if done.error:
        raise done.error


@command.command(short_help="Vouch for a host's key.", epilog="Example: envkit host trust gpu1")
@_name
@click.option(
    "--fingerprint",
    "fingerprints",
    metavar="SHA256:...",
    multiple=True,
    help="Do not ask: trust a key only if it has this fingerprint. May be given for each jump host too.",
)
@options.as_json
def trust(name: str, fingerprints: tuple[str, ...], as_json: bool) -> None:
    """Show the fingerprint of each machine on the way that is not known, and trust it when you say so.

    Compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on that machine. A key that
    has changed is refused here too.
    """
    from envkit.hosts import registry
    from envkit.hosts.known_keys import remember
    from envkit.hosts.ssh import SshHost
    from envkit.hosts.trust import unknown_key

    trusted = []
    with closing(SshHost(registry.entry(name))) as host:
        while (key := unknown_key(host)) is not None:
            _accept(name, key, fingerprints)
            path = remember(key)
            trusted.append(key)
            output.note(f"{key.name} is trusted from now on ({path})")
    if as_json:
        output.show_json(trusted)
    elif not trusted:
        output.note(f"every key on the way to {name} is known already")


@command.command(short_help="Forget a host.", epilog="Example: envkit host rm gpu1")
@_name
def rm(name: str) -> None:
    """Forget a host's name; its environments stay there, and its key stays known."""
    from envkit.hosts import registry

    there = registry.remove(name)
    output.note(f"host {name} ({there.target}) is forgotten; what runs there goes on")


def _accept(name: str, key: HostKey, fingerprints: tuple[str, ...]) -> None:
    """Return when the key is to be trusted; an error otherwise."""
    from envkit.errors import HostError, UsageError

    if key.fingerprint in fingerprints:
        return
    if fingerprints:
        raise HostError(
            f"{key.name} shows another key than you expect: {key.kind} {key.fingerprint}",
            fix="ask whoever runs that machine for its fingerprint; nothing was trusted",
        )
    output.note(f"{key.name} shows a key that is not known:\n  {key.kind} {key.fingerprint}")
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody can be asked here",
            fix=f"compare it on that machine, then: envkit host trust {name} --fingerprint {key.fingerprint}",
        )
    if not click.confirm("is this that machine's key?", err=True):
        raise HostError(
            "the key was not trusted", fix="compare it on that machine: ssh-keygen -lf /etc/ssh/*.pub"
        )


def _show_step(step: Step) -> None:
    output.show(
        f"  {_MARKS[step.outcome]}  {step.name:<10}{output.human_seconds(step.seconds):>7}  {step.detail}"
    )


def _row(one: HostEntry) -> tuple[str, ...]:
    facts = one.facts
    if facts is None:
        return (one.name, one.target, "", "", "", "never")
    cards = f"{len(facts.cards)}, driver {facts.driver}" if facts.cards else "none"
    engine = f"{facts.engine} ({facts.architecture})" if facts.engine else "none"
    return (one.name, one.target, engine, cards, output.human_bytes(facts.free_bytes), _age(facts.asked_at))


def _age(asked_at: str) -> str:
    from datetime import datetime, timezone

    seconds = (datetime.now(timezone.utc) - datetime.fromisoformat(asked_at)).total_seconds()
    return f"{output.human_seconds(max(0.0, seconds))} ago"
