"""The presets that come with envkit, each in a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envkit.spec.family import preset_names
from envkit.spec.load import load


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A preset, as a list shows it."""

    name: str
    accelerator: str
    base: str
    torch: str | None
    about: str


def listed(presets: Path) -> tuple[Preset, ...]:
    """Return the presets of a folder by name; each is loaded, so that a broken one raises its `SpecError`."""
    return tuple(_preset(name, presets) for name in preset_names(presets))


def _preset(name: str, presets: Path) -> Preset:
    loaded = load(f"preset:{name}", presets)
    first = loaded.tree.place.source.lines[0]
    about = first.removeprefix("#").strip() if first.startswith("#") else ""
    spec = loaded.spec
    return Preset(name=name, accelerator=spec.accelerator, base=spec.base, torch=spec.torch, about=about)
