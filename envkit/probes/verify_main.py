"""Run one of verify's probes: `python FOLDER WHICH`, the plan on stdin, the facts on stdout, as JSON."""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Run the probe that the command line names."""
    importlib.import_module(f"probes.verify_{sys.argv[1]}").main()
