"""Put verify's probes into a container and run them there: the same programs on every engine.

They are always this envkit's own, also where the image brings some: an image is not its own judge.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from envkit import paths
from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest, ExecResult
from envkit.errors import EngineError
from envkit.image.evidence import Facts

FOLDER = "/.envkit-verify"
SEEN = f"{FOLDER}/probes/verify_seen.py"
SEEN_MARK = "envkit-seen "
TOOLS_PYTHON = "/opt/envkit/jupyter/bin/python"
BY_WORD_S = 300.0  # some look at every changed path, and there can be hundreds of thousands
_START = b"from probes.verify_main import main\n\nmain()\n"
_WANTED = ("bash", "jupyter-lab", "code-server", "python", "python3")
_LOOK = 'for name in "$@"; do command -v "$name" >/dev/null && echo "$name"; done; [ ! -x "$0" ] || echo "$0"'


@dataclass(frozen=True, kw_only=True)
class Place:
    """A running container to probe, and the programs on its PATH."""

    engine: Engine
    container: str
    programs: frozenset[str]
    slower: float = 1.0  # by how much all limits of time are longer

    @property
    def python(self) -> str:
        """Return the word that runs the user's Python."""
        return "python" if "python" in self.programs else "python3"

    @property
    def prober(self) -> str:
        """Return the Python that runs our probes, or nothing."""
        if TOOLS_PYTHON in self.programs:
            return TOOLS_PYTHON
        return self.python if {"python", "python3"} & self.programs else ""


def enter(engine: Engine, container: str, slower: float = 1.0) -> Place:
    """Put the probes into a running container and look which programs it has."""
    engine.inside.put(container, files())
    look = ExecRequest(command=("sh", "-c", _LOOK, TOOLS_PYTHON, *_WANTED))
    try:
        found = engine.inside.execute(container, look).stdout.decode("utf-8", "replace").split()
    except EngineError:
        found = []  # an image without a shell has none of these
    return Place(engine=engine, container=container, programs=frozenset(found), slower=slower)


def files() -> dict[str, bytes]:
    """Return the probes as they lie in a container."""
    probes = sorted(paths.probes().glob("verify_*.py"))
    return {
        f"{FOLDER}/__main__.py": _START,
        f"{FOLDER}/probes/__init__.py": b"",
        **{f"{FOLDER}/probes/{path.name}": path.read_bytes() for path in probes},
    }


def ask(place: Place, which: str, plan: Mapping[str, object], *, python: str = "") -> Facts:
    """Run a probe; return its facts, or the error in their place."""
    return facts_of(place, _request(place, which, plan, python=python), mark="")


def ask_by_word(
    engine: Engine, container: str, name: str, plan: Mapping[str, object], *, python: str = TOOLS_PYTHON
) -> Facts:
    """Run a probe of a single file in a container without writing anything there; return its facts."""
    source = (paths.probes() / f"{name}.py").read_text("utf-8")
    words = (python, "-I", "-B", "-c", f"{source}\n\nmain()\n")
    request = ExecRequest(command=words, user="0:0", stdin=json.dumps(plan).encode(), timeout_s=BY_WORD_S)
    return facts_of(Place(engine=engine, container=container, programs=frozenset()), request, mark="")


def listen(
    place: Place,
    which: str,
    plan: Mapping[str, object],
    hear: Callable[[str, Facts], None],
    *,
    timeout_s: float,
) -> str:
    """Run a probe that prints facts as it finds them, each by its name; return what broke, or nothing."""

    def line(printed: bytes) -> None:
        found = marked(printed.decode("utf-8", "replace"), "")
        if found is not None:
            for name in found.values:
                hear(name, found.part(name))

    try:
        limit_s = timeout_s * place.slower
        request = replace(_request(place, which, plan), timeout_s=limit_s, hear=line)
        done = place.engine.inside.execute(place.container, request)
    except EngineError as error:
        return error.what
    return "" if done.code == 0 else _last_words(done)


def _request(place: Place, which: str, plan: Mapping[str, object], *, python: str = "") -> ExecRequest:
    words = (python or place.prober, "-I", FOLDER, which)
    env = {"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}  # no driver is here: a backend must not load with torch
    if place.slower != 1:
        env["ENVKIT_VERIFY_SLOWER"] = str(place.slower)
    stdin = json.dumps(plan).encode()
    return ExecRequest(command=words, stdin=stdin, env=env, timeout_s=120 * place.slower)


def see(place: Place, *words: str) -> Facts:
    """Run verify_seen.py through the given words; return what it saw."""
    request = ExecRequest(command=words)
    request = replace(request, timeout_s=request.timeout_s * place.slower)
    return facts_of(place, request, mark=SEEN_MARK)


def facts_of(place: Place, request: ExecRequest, *, mark: str) -> Facts:
    """Run a command that prints JSON after a mark; return it with its time, or the error in its place."""
    began = time.monotonic()
    try:
        done = place.engine.inside.execute(place.container, request)
        facts = marked(done.stdout.decode("utf-8", "replace"), mark)
    except EngineError as error:
        facts = Facts({"error": error.what})
    else:
        if facts is None:
            facts = Facts({"error": _last_words(done)})
    return Facts({"seconds": round(time.monotonic() - began, 2), **facts.values})


def _last_words(done: ExecResult) -> str:
    last = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()[-1:]
    return f"exit code {done.code}: {''.join(last)[-300:]}"


def marked(text: str, mark: str) -> Facts | None:
    """Find the line of JSON that follows a mark; None when there is none."""
    for line in text.splitlines():
        if line.startswith(mark):
            try:
                return Facts.parse(line.removeprefix(mark))
            except ValueError:
                continue
    return None
