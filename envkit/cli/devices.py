"""`envkit devices`: show the machine's cards, and who has which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.accelerators.cards import Card
    from envkit.environment.devices import Device, Devices

# What the tools' words for a way between two cards mean: the legends of `nvidia-smi topo -m` and of
# `npu-smi info -t topo`.
_WAYS = {
    "HCCS": "HCCS",
    "HCCS_SW": "HCCS, through a switch",
    "SIO": "the same card (SIO)",
    "NA": "no known way",
    "PIX": "PCIe, one switch (PIX)",
    "PXB": "PCIe, several switches (PXB)",
    "PHB": "PCIe, the CPU's bridge (PHB)",
    "NODE": "PCIe, within a NUMA node (NODE)",
    "SYS": "PCIe, across NUMA nodes (SYS)",
}


@click.command("devices", epilog="Example: envkit devices --host gpu1")
@options.host
@options.as_json
def command(host_name: str | None, as_json: bool) -> None:
    """Show the cards of this machine or a host: memory, driver, chip, links, and who has which.

    A card that cannot be used is shown with the reason.
    """
    from envkit.cli.site import opened_host
    from envkit.engines.docker import connect
    from envkit.environment.devices import devices
    from envkit.hosts.local import LocalHost

    found = devices(LocalHost() if host_name is None else opened_host(host_name), connect)
    if as_json:
        output.show_json({"host": host_name, **output.plain(found)})
    else:
        _show(found)


def _show(found: Devices) -> None:
    if not found.devices:
        output.note("no card was found. Looked at:")
        for words in found.looked:
            output.note(f"  {words}")
        if not found.advice:
            output.note("`--device cpu` starts an environment without one")
    else:
        rows = [_row(one) for one in found.devices]
        headers = ("CARD", "NAME", "CHIP", "MEMORY", "DRIVER", "STATE")
        output.show_table(headers, rows, [_below(one) for one in found.devices])
    for one in found.advice:
        output.note(f"{one.cause}\n  fix: {one.fix}")
    if found.note:
        output.note(found.note)


def _row(one: Device) -> tuple[str, ...]:
    card = one.card
    memory = "?" if card.memory_mib is None else f"{card.memory_mib} MiB"
    if card.memory_used_mib is not None:
        memory = f"{card.memory_used_mib} of {memory}"
    return (one.name, card.name, card.chip or "?", memory, card.driver or "?", one.state)


def _below(one: Device) -> str:
    lines = [one.why] if one.why else []
    if one.card.health != "ok" and one.card.health != one.why:
        lines.append(f"health: {one.card.health}")
    if len(one.users) > 1:
        lines.append(f"shared by {', '.join(one.users)}")
    if near := _near(one.card):
        lines.append(near)
    ways: dict[str, list[str]] = {}
    for number, word in one.card.links.items():
        ways.setdefault(word, []).append(str(number))
    lines += [f"{_way(word)} to {', '.join(numbers)}" for word, numbers in ways.items()]
    return "\n".join(f"  {line}" for line in lines)


def _near(card: Card) -> str:
    """Tell its firmware, and which processors are next to it."""
    numa = f" (NUMA node {card.numa})" if card.numa else ""
    parts = [f"firmware {card.firmware}"] if card.firmware else []
    parts += [f"next to CPUs {card.cpus}{numa}"] if card.cpus else []
    return ", ".join(parts)


def _way(word: str) -> str:
    return f"NVLink ({word})" if word.startswith("NV") else _WAYS.get(word, word)
