"""Make the new layers, and search their bytes while they come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from envkit.engines.base import Engine
from envkit.hosts.base import Host
from envkit.save import search
from envkit.save.findings import Finding, Found
from envkit.save.layers import Layer, LayerWish, make_layers
from envkit.save.values import Value


def make_searched(
    engine: Engine, container: str, wish: LayerWish, folder: Path, searcher: tuple[Host, tuple[Value, ...]]
) -> tuple[tuple[Layer, ...], Found]:
    """Write what is wished of a container's files into `folder`; return the layers, and what is in them.

    `searcher`: the machine that searches, and the values that must not be there.
    """
    host, values = searcher
    with ThreadPoolExecutor(1) as beside:
        searched = beside.submit(search.search_layers, host, folder, values)
        try:
            layers = make_layers(engine, container, wish, folder)
        finally:
            search.all_written(folder)
        return layers, searched.result()


def in_words(
    engine: Engine, container: str, found: tuple[Finding, ...], values: tuple[Value, ...]
) -> tuple[Finding, ...]:
    """Return findings as the search of files has them: it knows what each would take to remove."""
    again = search.scan(engine, container, [one.real or one.path for one in found], values).findings
    known = {one.path for one in again}
    return (*again, *(one for one in found if one.path not in known))
