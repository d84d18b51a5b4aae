"""The words that start a run's processes, and the environment they get."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, Optional, Sequence

Facts = Dict[str, Any]
_SHEBANG = re.compile(rb"^#! ?([^\n]+)")
# How long a node waits for the others to come: an image may have to be pulled there.
PATIENCE_S = 1800


def script(request: Facts) -> List[str]:
    """Return the words of one process, as one would type them in the script's directory."""
    target, args, python = request["target"], list(request["args"]), list(request["python"])
    if request["kind"] == "script":
        return [*python, target, *args]
    if request["kind"] == "module":
        return [*python, "-m", target, *args]
    if request["kind"] == "shell":
        return [*_interpreter(target), target, *args]
    return [target, *args]


def _interpreter(target: str) -> List[str]:
    """Return what reads a shell script: its first line's words, or sh."""
    with open(target, "rb") as file:
        found = _SHEBANG.match(file.readline(512))
    # split as the kernel does: the program, then at most one word
    return found.group(1).decode("utf-8", "surrogateescape").strip().split(None, 1) if found else ["sh"]


def missing(request: Facts) -> Optional[str]:
    """Say what is not there without which nothing starts; None if all is."""
    if request["kind"] in ("script", "shell") and not os.path.isfile(request["target"]):
        return f"{request['target']}: No such file"
    if not os.path.isdir(request["directory"]):
        return f"{request['directory']}: No such directory"
    return None


def launcher(request: Facts, each: Sequence[str]) -> List[str]:
    """Return the words of torchrun, which starts `each` once per process."""
    node, python = request.get("node"), list(request["python"])
    words = [*python, "-m", "torch.distributed.run", f"--nproc-per-node={request['nproc']}"]
    words += ["--max-restarts=0", "--no-python"]
    if not node or node["count"] == 1:
        # Its own name may not resolve (a container without a network), or resolve slowly.
        return [*words, "--standalone", "--local-addr=127.0.0.1", *each]
    # The static rendezvous keeps a node's ranks where the user named the node; c10d deals them by chance.
    words += ["--rdzv-backend=static", f"--nnodes={node['count']}", f"--node-rank={node['rank']}"]
    words += [f"--master-addr={node['address']}", f"--master-port={node['port']}"]
    return [*words, f"--rdzv-conf=timeout={PATIENCE_S}", *each]


def ranks(request: Facts) -> List[int]:
    """Return the ranks of this node."""
    node = request.get("node")
    first = node["rank"] * request["nproc"] if node else 0
    return list(range(first, first + request["nproc"]))


def environment(request: Facts, attempt: int) -> Dict[str, str]:
    """Return what every process of the run gets, torchrun too."""
    return {
        **os.environ,
        **request["env"],
        "ENVKIT_RUN": request["name"],
        "ENVKIT_ATTEMPT": str(attempt),
        "PYTHONUNBUFFERED": "1",  # a log that is read while it is written
    }


def for_scripts(request: Facts, env: Mapping[str, str], shim: str) -> Dict[str, str]:
    """Return what the script's own processes get besides: the shim that Python loads before it."""
    path = env.get("PYTHONPATH", "")
    added = {"PYTHONPATH": f"{shim}{os.pathsep}{path}" if path else shim}
    if env.get("ENVKIT_TRANSFER") != "1":  # not for NPUs
        added["ENVKIT_NO_NPU"] = request["accelerator"]
    if request["redirect"]:
        added["ENVKIT_MODEL_DIR"] = os.path.join(request["folder"], "model")
    return added
