"""What was made for something that then failed goes; when it cannot, the failure says that it stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from envkit.engines.base import Engine
from envkit.errors import EngineError, EnvkitError


@contextmanager
def removed_on_failure(engine: Engine, container: str, *, fix: str) -> Iterator[None]:
    """Remove the container when the block fails; the block's own error is raised in any case."""
    try:
        yield
    except BaseException as error:
        try:
            engine.containers.remove(container)
        except EngineError as second:
            _say_what_stays(error, container, second, fix)
        raise


def _say_what_stays(error: BaseException, container: str, second: EngineError, fix: str) -> None:
    if isinstance(error, EnvkitError):
        error.what += f"\n  container {container[:12]} stays: {second.what}"
        error.fix += f"; {fix}"
