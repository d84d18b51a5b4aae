"""`envkit presets`."""

from __future__ import annotations

import click


@click.command(epilog="Example: envkit presets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the presets that come with envkit; use one as `preset:NAME`."""
    from envkit import paths
    from envkit.cli import output
    from envkit.spec.presets import listed

    presets = listed(paths.presets())
    if as_json:
        output.show_json(presets)
        return
    rows = [(preset.name, preset.accelerator, preset.torch or "none") for preset in presets]
    notes = [output.below(preset.about, f"base: {preset.base}") for preset in presets]
    output.show_table(("PRESET", "ACCELERATOR", "TORCH"), rows, notes)
