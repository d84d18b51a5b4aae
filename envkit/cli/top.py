"""`envkit top`: print what environments use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.usage import Used

_ONCE_S, _AGAIN_S = 1.0, 2.0  # over which CPU use is measured


@click.command("top", epilog="Example: envkit top my-env --watch")
@options.environment
@click.option("--watch", "again", is_flag=True, help="Go on, every 2 seconds, until Ctrl-C.")
@options.host
@options.as_json
def command(name: str | None, again: bool, host_name: str | None, as_json: bool) -> None:
    """Print what an environment, or each that runs, uses: CPU, memory, and each of its cards.

    CPU is in percent of one core. Cards are as nvidia-smi or npu-smi tells them inside the environment.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.usage import watch

    for found in watch(open_engine(host_name), name, _AGAIN_S if again else _ONCE_S):
        if as_json:
            output.show_json(found)
        else:
            if again:
                click.clear()
            _show(found)
        if not again:
            return


def _show(found: tuple[Used, ...]) -> None:
    if not found:
        output.note("no environment runs; `envkit ps` lists them")
        return
    rows = [(one.name, _percent(one.cpu_percent), _memory(one), one.processes) for one in found]
    output.show_table(("NAME", "CPU", "MEMORY", "PROCESSES"), rows, [_cards(one) for one in found])


def _memory(one: Used) -> str:
    part = f" ({100 * one.memory_bytes / one.limit_bytes:.0f} %)" if one.limit_bytes else ""
    return f"{output.human_bytes(one.memory_bytes)} of {output.human_bytes(one.limit_bytes)}{part}"


def _cards(one: Used) -> str:
    lines = [
        f"  card {card.index}  {card.name}  {_percent(card.used_percent)}  "
        f"{_mib(card.memory_used_mib)} of {_mib(card.memory_total_mib)} MiB"
        for card in one.cards
    ]
    return "\n".join(lines) or f"  {one.note}"


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{value:g} %"


def _mib(value: int | None) -> str:
    return "?" if value is None else str(value)
