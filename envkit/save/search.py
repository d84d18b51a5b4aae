"""Look for secrets in a container's files and in an image's bytes: the same programs, probes/scan_*.py."""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkit.container import bundle
from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest
from envkit.errors import EngineError, EnvkitError
from envkit.hosts.base import Command, Host, Remote
from envkit.hosts.local import LocalHost
from envkit.plan.run_plan import SECRETS
from envkit.save.findings import Finding, Found, Unread
from envkit.save.rules import program_rules
from envkit.save.values import Needle, Value, needles
from envkit.scratch import Scratch

_TIMEOUT_S = 3600.0  # 100 GB at what one core searches, about 30 MB/s for the worst of files
_PYTHONS = ("/opt/envkit/jupyter/bin/python", "python3", "python")
_LOOK = 'for name in "$@"; do command -v "$name" && exit; done; exit 1'
# What is there without being a secret: who may know the door may know its certificate and its names.
_OPEN = ("tls.crt", "hostnames", ".delivered")
_NAMES = {
    "jupyter_token": "this environment's Jupyter token",
    "code_server_password": "this environment's code-server password",
    "jupyter_cookie_secret": "the key of this environment's cookies",
}
# Only the shell's own words and base64; what is secret comes out of stdout alone. The second folder is where
# the entrypoint makes tokens when nobody mounted the first.
_READ = """
for folder in "$@"; do
    [ -d "$folder" ] || continue
    for file in "$folder"/* "$folder"/.new "$folder"/jupyter/*; do
        [ -f "$file" ] || continue
        printf '%s' "${file#"$folder"/}" | base64 | tr -d '\\n'
        printf ' '
        base64 <"$file" | tr -d '\\n'
        echo
    done
done
"""


def known_values(engine: Engine, container: str) -> tuple[Value, ...]:
    """Return what envkit handed to a running environment, or made in it: tokens, keys, the user's secrets.

    None of one that is stopped: its memory is gone.
    """
    facts = engine.containers.inspect(container)
    if facts is None or facts.state != "running":
        return ()
    uid = facts.user.partition(":")[0] or "0"
    request = ExecRequest(
        command=("sh", "-c", _READ, "sh", SECRETS, f"/dev/shm/envkit-{uid}"), user=facts.user, timeout_s=60.0
    )
    done = engine.inside.execute(container, request)
    if done.code != 0:
        raise EngineError(
            f"the secrets of {facts.name} cannot be read, so nothing can be searched for them",
            fix="`envkit restart` it, then save again",
        )
    return tuple(value for line in done.stdout.decode("ascii").splitlines() for value in _values(line))


def _values(line: str) -> Iterator[Value]:
    coded, _, content = line.partition(" ")
    name = base64.b64decode(coded).decode("utf-8", "replace")
    data = base64.b64decode(content)
    if name in _OPEN or not data.strip():
        return
    if name.startswith("jupyter/"):
        # Jupyter's own files hold much that is no secret.
        for found in re.finditer(rb'"(?:key|token)":\s*"([^"]+)"', data):
            yield Value(name="a key of a running Jupyter", bytes=found[1])
    elif name == "code-server.yaml":
        return  # its password is a file of its own
    else:
        yield Value(name=_NAMES.get(name, name), bytes=data)


def scan(engine: Engine, container: str, paths: Iterable[str], values: tuple[Value, ...]) -> Found:
    """Search files of a running container, for these values and for everything that looks like a secret.

    What is never saved (`rules.never_saved`) is not looked at, and a path that is gone is fine. In a
    container of the committed image this is what counts; in one where people work it is a preview.
    """
    plan = {**search_plan(values), "paths": sorted(set(paths))}
    programs = bundle.sources("scan_*")
    request = ExecRequest(
        command=(*_python(engine, container), *bundle.program(programs)),
        user="0",
        stdin=bundle.pack(programs, "scan_main", plan),
        timeout_s=_TIMEOUT_S,
    )
    done = engine.inside.execute(container, request)
    if done.code != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise EngineError(f"the search for secrets failed: {''.join(said)[-300:]}", fix="nothing was saved")
    report = json.loads(done.stdout)
    return _found(report, tuple(_finding(row) for row in report["hits"]))


def _python(engine: Engine, container: str) -> tuple[str, ...]:
    look = ExecRequest(command=("sh", "-c", _LOOK, "sh", *_PYTHONS), user="0")
    found = engine.inside.execute(container, look).stdout.decode("utf-8", "replace").strip()
    if not found:
        raise EngineError(
            "there is no Python in it, so it cannot be searched for secrets",
            fix="envkit adopt gives an image what envkit needs",
        )
    return (found, "-I")


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An image's bytes, as `docker save` writes them."""

    content: Path | Iterator[bytes]
    lower_layers: int = 0  # so many of its layers lie beneath the new ones
    loose: bool = False  # also look for what would be a secret in any file, not only for the values


def search_archive(host: Host, archive: Archive, values: tuple[Value, ...]) -> Found:
    """Search an image's bytes, in every layer, also what a later layer hides; on this machine: they are here.

    A stream is read once and never lies on the disk.
    """
    host = LocalHost() if isinstance(host, Remote) else host
    if isinstance(archive.content, Path):
        return _search(host, archive.content, archive, values)
    with Scratch("search") as folder:
        pipe = folder / "image.tar"
        os.mkfifo(pipe, 0o600)
        with _pumped(archive.content, pipe):
            return _search(host, pipe, archive, values)


def search_layers(host: Host, folder: Path, values: tuple[Value, ...]) -> Found:
    """Search new layers while they are written into that folder, until `all_written`; on this machine."""
    host = LocalHost() if isinstance(host, Remote) else host
    plan = {**search_plan(values), "layers": str(folder), "loose": True}
    return _asked(host, plan, Archive(content=folder))


def all_written(folder: Path) -> None:
    """Tell whoever searches the layers in a folder that no more come."""
    (folder / "end").touch()  # probes/scan_growing.py


def in_settings(text: bytes, values: tuple[Value, ...]) -> tuple[str, ...]:
    """Return the names of the values that are in an image's settings."""
    tight = text.translate(None, b" \t\r\n")
    found = (one.name for one in needles(values) if one.bytes in (tight if one.squeezed else text))
    return tuple(dict.fromkeys(found))


def _search(host: Host, path: Path, archive: Archive, values: tuple[Value, ...]) -> Found:
    return _asked(host, {**search_plan(values), "path": str(path), "loose": archive.loose}, archive)


def _asked(host: Host, plan: Mapping[str, Any], archive: Archive) -> Found:
    programs = bundle.sources("scan_*")
    lines: list[str] = []
    command = Command(
        words=(sys.executable, "-I", *bundle.program(programs)),
        stdin=bundle.pack(programs, "scan_archive", plan),
        timeout_s=_TIMEOUT_S,
    )
    code = host.stream(command, lines.append)
    if code != 0:
        raise EnvkitError(
            f"the search for secrets failed: {''.join(lines[-1:])[-300:]}", fix="nothing was saved"
        )
    report = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
    if not report["ended"]:
        why = "; ".join(row["why"] for row in report["unread"]) or "it holds no layer"
        raise EngineError(
            f"the image could not be searched for secrets: {why}", fix="nothing was saved; try again"
        )
    order = {member: number for number, member in enumerate(_layers(report), start=1)}
    return _found(report, tuple(_in_archive(row, order, archive) for row in report["hits"]))


def _layers(report: Mapping[str, Any]) -> list[str]:
    """Return the layers, the lowest first; as they came when nothing tells their order."""
    listed = [name for one in report.get("manifest", ()) for name in one.get("Layers", ())]
    return [name for name in listed if name in report["layers"]] or list(report["layers"])


@contextmanager
def _pumped(content: Iterator[bytes], pipe: Path) -> Iterator[None]:
    """Write a stream into a pipe meanwhile; what fails in the stream is raised here."""
    over = threading.Event()
    failed: list[BaseException] = []

    def pump() -> None:
        try:
            _pour(content, pipe, over)
        except BrokenPipeError:
            return  # who reads has ended, and says why
        except BaseException as error:  # noqa: BLE001  raised below, in the thread that asked
            failed.append(error)

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield
    except EnvkitError:
        over.set()
        thread.join()
        if failed:
            raise failed[0] from None  # a broken stream looks like a broken archive from there
        raise
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def _pour(content: Iterator[bytes], pipe: Path, over: threading.Event) -> None:
    while True:
        try:  # fails as long as nobody has opened it to read
            handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            break
        except OSError as error:
            if error.errno != errno.ENXIO or over.wait(0.01):
                return
    with os.fdopen(handle, "wb", buffering=0) as writer:
        os.set_blocking(handle, True)
        for piece in content:
            rest = memoryview(piece)
            while rest:
                rest = rest[writer.write(rest) or 0 :]


def search_plan(values: tuple[Value, ...]) -> dict[str, Any]:
    """Return what both programs are told: the values in all their forms, and the rules."""
    return {"needles": [_row(needle) for needle in needles(values)], "rules": program_rules()}


def _row(needle: Needle) -> dict[str, Any]:
    coded = base64.b64encode(needle.bytes).decode()
    return {"name": needle.name, "bytes": coded, "squeezed": needle.squeezed}


def _found(report: Mapping[str, Any], findings: tuple[Finding, ...]) -> Found:
    unread = tuple(Unread(path=row["path"], why=row["why"]) for row in report["unread"])
    return Found(findings=findings, unread=unread, files=report["files"], bytes=report["bytes"])


def _finding(row: Mapping[str, Any]) -> Finding:
    content = None if row["content"] is None else base64.b64decode(row["content"])
    return Finding(
        where="file",
        path=row["shown"],
        real=row["path"],
        rule=row["rule"],
        remedy=row["remedy"],
        line=row["line"],
        inside=row["inside"],
        content=content,
    )


def _in_archive(row: Mapping[str, Any], order: Mapping[str, int], archive: Archive) -> Finding:
    layer = order.get(row["member"])
    about: dict[str, Any] = {"path": row["shown"], "real": row["path"], "rule": row["rule"]}
    if layer is None:
        return Finding(where="history", remedy="edit", **about)
    about |= {"line": row["line"], "inside": row["inside"]}
    if layer <= archive.lower_layers:
        return Finding(where="lower layer", remedy="flatten", layer=layer, **about)
    return Finding(where="file", remedy="drop", **about)
