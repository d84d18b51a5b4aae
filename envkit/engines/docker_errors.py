"""The one place where the Docker SDK's errors become ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

import urllib3
from docker.errors import APIError, DockerException, ImageNotFound, NotFound, StreamParseError

from envkit.engines.failures import (
    LimitRefused,
    LinkLost,
    NameTaken,
    NotAllowed,
    NotThere,
    PortTaken,
    RegistryFailed,
)
from envkit.errors import AcceleratorError, EngineError, EnvkitError, UsageError
from envkit.scratch import is_full, no_room

# Both texts of one race (reliability.md, section 4, row 7): in the engine's own table, and beside it.
_PORT_TEXTS = ("port is already allocated", "address already in use")
# Docker's text (409), and Podman's (500).
_NAME_TEXT = re.compile(r"name \S+ is already in use")
# No driver for `--gpus` (found at the daemon's start only), and an unknown CDI device (facts N2.1).
_DEVICE_TEXT = re.compile(
    r"could not select device driver|unresolvable CDI devices|CDI device injection failed"
)
_TOOLKIT = (
    "install NVIDIA's container toolkit on the engine's machine and restart the engine; "
    "`--device cpu` starts it without"
)

# Text of the error → what it means, and what to do. Looked through from the top.
_START = "start its daemon (`envkit engine start` does, on this machine), or look at DOCKER_HOST"
_JOIN = "join its group: `sudo usermod -aG docker $USER`, and log in again; or be root"
_LINKS = (
    (
        "Expecting value|ApiVersion|list indices|not subscriptable|BadStatusLine",
        "what answers there is no container engine",
        "look at DOCKER_HOST, and at what listens there",
    ),
    (
        "Invalid bind address|protocol is|could not be cast|Port out of range|Invalid IPv6",
        "that is no address of an engine",
        "DOCKER_HOST is unix:///PATH/docker.sock or tcp://HOST:PORT",
    ),
    (
        "FileNotFoundError|No such file",
        "it has no socket there",
        _START,
    ),
    (
        "Connection refused",
        "nobody listens there: the daemon has ended",
        _START,
    ),
    (
        "timed out",
        "it did not answer in time",
        "look at its log: a full or slow disk makes it late; ENVKIT_ENGINE_TIMEOUT=SECONDS waits longer",
    ),
    (
        "Name or service not known|name resolution|getaddrinfo",
        "no machine of that name is known",
        "look at DOCKER_HOST",
    ),
    (
        "certificate|SSL",
        "its certificate does not fit: {text}",
        "look at DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
    ),
    (
        "RemoteDisconnected|Connection aborted|reset by peer|Broken pipe|IncompleteRead|InvalidChunkLength"
        "|Response ended prematurely|Connection broken",
        "it broke the connection off",
        "run the command again; if it was restarted, that is all",
    ),
)
_LOST = ("it did not answer in time", "it broke the connection off")
_ANSWERS = (
    (
        "no space left on device",
        "the engine's disk is full",
        "free space: `docker system df` shows what takes it",
    ),
    (
        "is using its referenced image|image is being used",
        "{text}",
        "remove that container first: `envkit rm` or `docker rm`",
    ),
    (
        r"Container \S+ is (not running|restarting)",
        "the container does not run",
        "`envkit start` starts it again; `envkit logs` has its last words",
    ),
    (
        "bind source path does not exist",
        "{text}",
        "make that folder, or name another",
    ),
    (
        r'exec: "(?P<program>[^"]+)": (stat \S+: no such file or directory|executable file not found)',
        "the image has no program {program}",
        "name one that it has: `--python PATH` says which Python a run takes",
    ),
)
_PULLS = (
    (
        "invalid tar header",
        "this engine is too old for its layers, which are zstd",
        "use a newer engine (Docker 20.10 cannot read zstd), or push the image again without --zstd",
    ),
    (
        "no matching manifest",
        "it is not made for this machine's architecture",
        "use a base that is",
    ),
    (
        "toomanyrequests|429",
        "the registry refuses: too many requests",
        "`docker login`, or wait, or use a mirror",
    ),
    (
        "unexpected HTTP status: 5|50[0-4] |service unavailable|bad gateway",
        "the registry is out of order ({text})",
        "wait some minutes and run it again: what has come is kept",
    ),
    (
        "unauthorized|authentication required|no basic auth|403 Forbidden",
        "the registry refuses: {text}",
        "`docker login` to it first",
    ),
    (
        "pull access denied|repository does not exist|name unknown",
        "the registry has no such image, or gives it only after a login",
        "look at the name; if it is private, `docker login` first",
    ),
    (
        "manifest unknown|manifest for .* not found|not found",
        "the registry does not know it",
        "look at the name and the tag",
    ),
    (
        "x509|certificate",
        "the registry's certificate is not trusted: {text}",
        "add its CA to the engine's machine, and restart the engine",
    ),
    (
        "no such host|i/o timeout|refused|unreachable|handshake timeout|Client.Timeout|deadline "
        "exceeded|misbehaving|proxyconnect|EOF|reset by",
        "the registry cannot be reached ({text})",
        "the engine's own proxy or mirror counts here, not the shell's: look at its settings",
    ),
    (
        "no space left on device",
        "the engine's disk is full",
        "free space: `docker system df` shows what takes it",
    ),
)
# What passes: the same question may have another answer soon.
_PASSES = (
    "toomanyrequests|429|unexpected HTTP status: 5|50[0-4] |service unavailable|bad gateway|i/o timeout"
    "|handshake timeout|Client.Timeout|deadline exceeded|EOF|reset by"
)


@contextmanager
def spoken_as_ours(doing: str) -> Iterator[None]:
    """Turn the SDK's errors into ours, the most specific first."""
    try:
        yield
    except ImageNotFound as error:
        raise EngineError(f"{doing}: no such image", fix="`envkit build` makes one from a spec") from error
    except NotFound as error:
        raise NotThere(f"{doing}: {error.explanation}", fix="it is gone: run the command again") from error
    except APIError as error:
        raise _of_api(doing, error) from error
    # The SDK lets the errors of requests (all OSError) and of urllib3 and StreamParseError out as they are.
    except (DockerException, StreamParseError, OSError, urllib3.exceptions.HTTPError) as error:
        if is_full(error):  # what came had to be written here
            raise no_room(Path(gettempdir()), doing=doing) from error
        if "Permission denied" in str(error):
            raise NotAllowed(f"{doing}: this user may not talk to it", fix=_JOIN) from error
        told = _told(doing, str(error), _LINKS)
        raise (LinkLost(told.what, fix=told.fix) if told.what.endswith(_LOST) else told) from error


def pull_failure(reference: str, text: str) -> RegistryFailed:
    """Return why a registry did not give an image: it cannot be reached, refuses, or does not know it."""
    told = _told(f"pulling {reference}", text, _PULLS)
    passes = re.search(_PASSES, text, re.IGNORECASE) is not None and "lookup " not in text
    return RegistryFailed(told.what, fix=told.fix, kind="pull", again=passes)


def _told(doing: str, text: str, causes: tuple[tuple[str, str, str], ...]) -> EngineError:
    """Say it in our words when we know the text; what we say of a link replaces a page of the SDK's."""
    for pattern, what, fix in causes:
        if found := re.search(pattern, text, re.IGNORECASE):
            return EngineError(f"{doing}: {what.format(text=text, **found.groupdict())}", fix=fix)
    return EngineError(f"{doing}: {text}", fix="look at the engine's log; `envkit engine status` looks at it")


def _of_api(doing: str, error: APIError) -> EnvkitError:
    text = str(error.explanation or error)
    if "invalid reference format" in text:
        return UsageError(f"{doing}: that is no image's name", fix="write NAME or NAME:TAG, in lower case")
    if _NAME_TEXT.search(text):
        return NameTaken(f"{doing}: {text}", fix="choose another name, or remove that container")
    if any(part in text for part in _PORT_TEXTS):
        return PortTaken(f"{doing}: {text}", fix="choose another port")
    if "setting rlimit" in text:
        return LimitRefused(
            f"{doing}: the engine may not lift a process's limits",
            fix="run the engine as root of its machine",
        )
    if _DEVICE_TEXT.search(text):
        return AcceleratorError(f"{doing}: {text}", fix=_TOOLKIT)
    return _told(doing, text, _ANSWERS)
