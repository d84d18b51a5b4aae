"""Where templates, images and envkit's own state are.

A checkout has `templates/` and `images/` beside the package; a wheel carries them inside it
(setuptools' package-dir maps them to `envkit/_templates` and `envkit/_images`).
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / name
    return _PACKAGE / f"_{name}"


def templates() -> Path:
    """Return the folder of Jinja templates."""
    return _shipped("templates")


def presets() -> Path:
    """Return the folder of preset specs."""
    return _shipped("images")


def probes() -> Path:
    """Return the folder of the programs that are copied into containers."""
    return _PACKAGE / "probes"


def compat() -> Path:
    """Return the folder of compatibility data."""
    return _PACKAGE / "compat"


def state() -> Path:
    """Return the folder of envkit's own logs (`$XDG_STATE_HOME/envkit`); it holds no truth."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "envkit"


def work_home() -> Path:
    """Return the host's default folder for `/work/home` (design.md, section 4)."""
    return Path.home() / "envkit" / "home"


def work_cache() -> Path:
    """Return the host's default folder for `/work/cache` (design.md, section 4)."""
    return Path.home() / "envkit" / "cache"


def config() -> Path:
    """Return the folder of the user's own settings (`$XDG_CONFIG_HOME/envkit`): the list of hosts."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "envkit"
