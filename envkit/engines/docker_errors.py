"""The one place where the Docker SDK's errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError, DockerException, ImageNotFound, NotFound, StreamParseError

from envkit.engines.base import NameTaken, PortTaken
from envkit.errors import EngineError

# Both texts of one race (reliability.md, section 4, row 7): the engine's own table, another program's listener.
_PORT_TEXTS = ("port is already allocated", "address already in use")


@contextmanager
def spoken_as_ours(doing: str) -> Iterator[None]:
    """Turn the SDK's errors into ours, the most specific first."""
    try:
        yield
    except ImageNotFound as error:
        raise EngineError(f"{doing}: no such image", fix="`envkit build` makes one from a spec") from error
    except NotFound as error:
        raise EngineError(f"{doing}: {error.explanation}", fix="it is gone: run the command again") from error
    except APIError as error:
        raise _of_api(doing, error) from error
    # The SDK lets `requests` errors (all OSError) and StreamParseError out as they are.
    except (DockerException, StreamParseError, OSError) as error:
        raise EngineError(
            f"{doing}: {error}", fix="does the engine run? `envkit engine status` looks"
        ) from error


def _of_api(doing: str, error: APIError) -> EngineError:
    text = str(error.explanation or error)
    if error.status_code == 409 and "is already in use by container" in text:
        return NameTaken(f"{doing}: {text}", fix="choose another name, or remove that container")
    if any(part in text for part in _PORT_TEXTS):
        return PortTaken(f"{doing}: {text}", fix="choose another port")
    if "no space left on device" in text.lower():
        return EngineError(
            f"{doing}: the engine's disk is full", fix="free space: `docker system df` shows what takes it"
        )
    return EngineError(f"{doing}: {text}", fix="see the engine's log")
