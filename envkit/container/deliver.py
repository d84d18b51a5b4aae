"""Bring secrets into a running container: by exec over stdin, into memory, a marker when all are there."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest
from envkit.errors import EngineError
from envkit.plan.run_plan import SECRETS

# Nothing of it stands in a command line: what is secret comes over stdin, and `printf` is the shell's own.
# A folder that is no tmpfs would be a layer, which a commit keeps.
_SCRIPT = """
set -eu
umask 077
grep -q " $1 tmpfs " /proc/mounts || { echo "$1 is not in memory" >&2; exit 3; }
cd "$1"
while read -r name value; do
    printf %s "$value" | base64 -d >".arriving.$$"
    chmod 400 ".arriving.$$"
    mv -f ".arriving.$$" "$name"
done
: >.delivered
"""
# Unlike _SCRIPT's, these words are what an observer sees.
_ASK = ("test", "-e", f"{SECRETS}/.delivered")


def deliver(engine: Engine, container: str, files: Mapping[str, bytes], *, user: str) -> None:
    """Write the files, readable for their user alone, then the marker that the entrypoint waits for."""
    lines = [f"{name} {base64.b64encode(content).decode()}\n" for name, content in sorted(files.items())]
    asked = ExecRequest(
        command=("sh", "-c", _SCRIPT, "deliver", SECRETS), user=user, stdin="".join(lines).encode()
    )
    done = engine.inside.execute(container, asked)
    if done.code != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise EngineError(
            f"the container does not take its secrets: {said or f'exit code {done.code}'}",
            fix="`envkit rm` and `envkit up` make it anew (/work/home stays)",
        )


def is_delivered(engine: Engine, container: str, *, user: str) -> bool:
    """Tell whether a running container has what it waited for."""
    return engine.inside.execute(container, ExecRequest(command=_ASK, user=user, timeout_s=20.0)).code == 0
