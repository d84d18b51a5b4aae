"""What an image's own entrypoint does to a command: tried, since no file tells."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts, RunRequest
from envkit.errors import EngineError
from envkit.image.verify import ANY_UID
from envkit.plan.kept import OwnEntrypoint
from envkit.spec.reserved import env_reason

# A script that sets variables takes less than a second; one that waits for a server would wait for ever.
_TRIED_S = 30.0
_BEGIN, _END = b"\nenvkit-has-run ", b" envkit-has-ended"
# The environment as the entrypoint gave it, before this shell adds its own.
SAY = 'printf "\\nenvkit-has-run "; cat /proc/$$/environ; printf " envkit-has-ended\\n"'
# What any container has, or a shell keeps for itself; HOME is envkit's.
_OF_CONTAINERS = {"HOME", "HOSTNAME", "PWD", "OLDPWD", "SHLVL", "TERM", "USER", "LOGNAME", "_", "container"}
# A spec may not set them, but an image's own scripts do.
_OF_SCRIPTS = {"PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME"}


def try_entrypoint(engine: Engine, image: ImageFacts) -> OwnEntrypoint | None:
    """Run a command through it, as its own user and as any other: a wrapper runs it, a program does not.

    What it sets is what both find the same: a value that changes is none that an image can hold.
    """
    if not image.entrypoint:
        return None
    own, other = (_environment(engine, image, user) for user in (None, ANY_UID))
    if own is None or other is None:
        return OwnEntrypoint(words=image.entrypoint, wraps=False)
    found = {name: value for name, value in own.items() if other.get(name) == value}
    sets = tuple(sorted((name, value) for name, value in found.items() if _is_set(name, value, image)))
    return OwnEntrypoint(words=image.entrypoint, wraps=True, sets=sets)


def _is_set(name: str, value: str, image: ImageFacts) -> bool:
    """Tell whether an image may hold it, and does not: no secret, no proxy, nothing of a machine's own."""
    known = re.fullmatch(r"[A-Za-z_]\w*", name) and name not in _OF_CONTAINERS and value.isprintable()
    allowed = name in _OF_SCRIPTS or not env_reason(name)
    return bool(known) and allowed and image.env.get(name) != value


def _environment(engine: Engine, image: ImageFacts, user: str | None) -> dict[str, str] | None:
    """Return the environment of a command that went through the entrypoint; None when it did not run."""
    request = RunRequest(image=image.id, command=("/bin/sh", "-c", SAY), network="none", health=False)
    try:
        with running(engine, replace(request, user=user)) as container:
            return _wait(engine, container)
    except EngineError:
        return None  # it cannot even start so


def _wait(engine: Engine, container: str) -> dict[str, str] | None:
    deadline = time.monotonic() + _TRIED_S
    while True:
        facts = engine.containers.inspect(container)
        ended = facts is None or facts.state != "running"  # asked before its words: none come after
        printed = engine.inside.logs(container)
        if _END in printed and _BEGIN in printed:
            told = printed.partition(_BEGIN)[2].partition(_END)[0].decode("utf-8", "replace")
            pairs = (pair.partition("=") for pair in told.split("\0") if pair)
            return {name: value for name, _, value in pairs}
        if ended or time.monotonic() > deadline:
            return None
        time.sleep(0.05)
