"""Run an image as one identity and gather the evidence."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from envkit.container.temporary import running
from envkit.container.wait import last_words
from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest, ImageFacts, RunRequest, Tmpfs
from envkit.errors import EngineError
from envkit.image import probe
from envkit.image.checks_user import ARGUMENTS, EXIT_CODE, STDIN
from envkit.image.evidence import Facts
from envkit.image.expectation import Expectation
from envkit.image.probe import Place

READY_S = 150.0  # both IDEs answer after 5 s on two idle cores, after 47 s under a load of eleven
IDE_PROBE_S = READY_S + 180.0  # its own time-outs are shorter
COMMAND_S = 60.0
LAST_LINES = 3
_TROUBLE = re.compile(r"error|not found|denied|no such|fatal|exited", re.IGNORECASE)
# How glibc ends a process whose heap or stack it finds corrupt (2.36: malloc/malloc.c, debug/fortify_fail.c).
_CORRUPT = re.compile(
    r"(malloc|free|realloc|munmap_chunk|malloc_consolidate)\(\): |double free or corruption"
    r"|corrupted (size vs|double-linked list)|stack smashing detected"
)
GRACE_S = 10.0  # what `docker stop` gives
SECRETS = "/run/secrets"
# Another base URL than the run user's: nothing may depend on where the door stands.
OTHER_BASE = "/envkit/verify"

_COMMAND = f"""python {probe.SEEN}
for word in "$@"; do printf 'word:%s\\n' "$word"; done
exit {EXIT_CODE}"""

# Somebody else's image is started by its own commands, each with its own login.
_FOREIGN_FOLDER = "/tmp/envkit-foreign"
_FOREIGN = f"""umask 077; mkdir -p {_FOREIGN_FOLDER}; cd {_FOREIGN_FOLDER} || exit 1
secret() {{ head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \\n'; }}
[ -w "$HOME" ] || export HOME={_FOREIGN_FOLDER}
secret >jupyter_token
printf 'auth: password\\npassword: %s\\n' "$(secret)" >code-server.yaml
if command -v jupyter-lab >/dev/null; then
    JUPYTER_TOKEN_FILE={_FOREIGN_FOLDER}/jupyter_token jupyter-lab --allow-root --no-browser --port=8888 &
fi
if command -v code-server >/dev/null; then
    code-server --config {_FOREIGN_FOLDER}/code-server.yaml --bind-addr 127.0.0.1:8080 &
fi
sleep 3600 & wait"""


Hear = Callable[[str, Facts], None]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The image under test."""

    image: ImageFacts
    expect: Expectation
    alive_s: float
    slower: float = 1.0  # by how much its limits of time are longer


def gather(engine: Engine, subject: Subject, identity: str, hear: Hear) -> None:
    """Run the image as one identity, try everything, stop it; `hear` gets what was found, as it is found."""
    with running(engine, _request(subject, identity)) as container, ThreadPoolExecutor(max_workers=2) as pool:
        place = probe.enter(engine, container, subject.slower)
        both = pool.submit(_ides, place, subject, hear), pool.submit(_rest, place, subject, identity, hear)
        for half in both:
            half.result()
        if subject.expect.ours:
            hear("stop", _stop(place))


def programs(engine: Engine, image: ImageFacts) -> frozenset[str]:
    """Look which programs somebody else's image has on PATH."""
    try:
        with running(engine, _idle(image)) as container:
            return probe.enter(engine, container).programs
    except EngineError:
        return frozenset()  # nothing in it can even sleep


def _idle(image: ImageFacts) -> RunRequest:
    return RunRequest(image=image.id, entrypoint=("sleep",), command=("3600",))


def _request(subject: Subject, identity: str) -> RunRequest:
    if not subject.expect.ours:
        return RunRequest(image=subject.image.id, entrypoint=("sh", "-c"), command=(_FOREIGN,))
    uid, _, gid = identity.partition(":")
    numbers = uid.isdigit() and gid.isdigit()
    tmpfs = (Tmpfs(target=SECRETS, mode=0o700, uid=int(uid), gid=int(gid)),) if numbers else ()
    env = {} if identity == run_user(subject.image) else {"ENVKIT_BASE_URL": OTHER_BASE}
    return RunRequest(image=subject.image.id, user=identity, env=env, tmpfs=tmpfs)


def run_user(image: ImageFacts) -> str:
    """Return the image's own user as `uid:gid`."""
    user = image.user or "0"
    return user if ":" in user else f"{user}:0"


def _ides(place: Place, subject: Subject, hear: Hear) -> None:
    if not place.prober or not subject.expect.services:
        return
    expect = subject.expect
    plan: dict[str, object] = {
        "ours": expect.ours,
        "jupyter_port": 8888 if "jupyterlab" in expect.services else 0,
        "vscode_port": 8080
        if expect.own_door or (not expect.ours and "code-server" in expect.services)
        else 0,
        "vscode_behind": expect.ours and "code-server" in expect.services,
        "tensorboard": "tensorboard" in expect.services,
        "python": place.python,
        "alive_s": subject.alive_s,
        "ready_s": READY_S * subject.slower,
    }
    if not expect.ours:
        plan["jupyter_token"] = f"{_FOREIGN_FOLDER}/jupyter_token"
        plan["code_server_password"] = f"{_FOREIGN_FOLDER}/code-server.yaml"

    def heard(name: str, facts: Facts) -> None:
        silent = name == "status" and not facts.yes("ready")
        hear(name, Facts({**facts.values, "log": _telling(place)}) if silent else facts)

    if error := probe.listen(place, "ide", plan, heard, timeout_s=IDE_PROBE_S):
        hear("status", Facts({"error": error + _why(place)}))


def _telling(place: Place) -> str:
    """Return the last lines of the container's log that speak of trouble, else its last lines."""
    lines = [line.strip() for line in last_words(place.engine, place.container).split("\n")]
    return " / ".join([line for line in lines if _TROUBLE.search(line)][-LAST_LINES:] or lines[-LAST_LINES:])


def _why(place: Place) -> str:
    facts = place.engine.containers.inspect(place.container)
    if facts is None or facts.state == "running":
        return ""
    return f"; the container ended with exit code {facts.exit_code}" + last_words(
        place.engine, place.container
    )


def _rest(place: Place, subject: Subject, identity: str, hear: Hear) -> None:
    """Try what needs no IDE, while the IDEs start."""
    expect = subject.expect
    if place.prober:
        hear("exec", probe.see(place, place.python, probe.SEEN))
        shell = "bash" if "bash" in place.programs else "sh"
        hear("login", probe.see(place, shell, "-lc", f"{place.python} {probe.SEEN}"))
    if expect.torch:
        hear("torch", probe.ask(place, "torch", {}, python=expect.python_path))
    if expect.ours:
        hear("files", probe.ask(place, "files", {}, python=expect.python_path))
        hear("storm", probe.ask(place, "storm", {}))
    hear("command", _command(place, subject, identity))


def _command(place: Place, subject: Subject, identity: str) -> Facts:
    """Run the image with a command of ours, in a container of its own."""
    began = time.monotonic()
    script = _COMMAND.replace("python", place.python, 1)
    words = ("sh", "-c", script, "sh", *ARGUMENTS)
    user = identity if subject.expect.ours else None
    try:
        request = RunRequest(image=subject.image.id, command=words, user=user)
        with running(place.engine, request, files=probe.files()) as container:
            code = _end_of(place.engine, container, COMMAND_S * subject.slower)
            printed = place.engine.inside.logs(container).decode("utf-8", "replace").splitlines()
        read = _read_stdin(place, subject)
    except EngineError as error:
        return Facts({"error": error.what})
    said = [line.removeprefix("word:") for line in printed if line.startswith("word:")]
    seen = probe.marked("\n".join(printed), probe.SEEN_MARK)
    return Facts(
        {
            "code": code,
            "words": "".join(f"{word}\n" for word in said),
            "read": read,
            "seen": dict(seen.values) if seen else {"error": "".join(printed[-1:])[-200:]},
            "seconds": round(time.monotonic() - began, 2),
        }
    )


def _end_of(engine: Engine, container: str, limit_s: float) -> int:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        facts = engine.containers.inspect(container)
        if facts is not None and facts.exit_code is not None:
            return facts.exit_code
        time.sleep(0.05)
    raise EngineError(
        f"the command did not end in {limit_s:.0f} s", fix="try it: docker run IMAGE sh -c 'exit 42'"
    )


def _read_stdin(place: Place, subject: Subject) -> str:
    """Send something to the stdin of a command, through the image's own entrypoint."""
    request = ExecRequest(command=(*subject.image.entrypoint, "cat"), stdin=STDIN.encode())
    request = replace(request, timeout_s=request.timeout_s * subject.slower)
    return place.engine.inside.execute(place.container, request).stdout.decode("utf-8", "replace")


def _stop(place: Place) -> Facts:
    """Stop the container as `docker stop` does, and see how it ends."""
    before = place.engine.containers.inspect(place.container)
    if before is None or before.state != "running":
        return Facts({"error": "it had ended before SIGTERM came" + _why(place)})
    began = time.monotonic()
    grace_s = GRACE_S * place.slower
    place.engine.containers.stop(place.container, grace_s)
    seconds = round(time.monotonic() - began, 2)
    after = place.engine.containers.inspect(place.container)
    code = after.exit_code if after and after.exit_code is not None else -1
    return Facts({"seconds": seconds, "grace_s": grace_s, "code": code, "corrupt": _corrupt(place)})


def _corrupt(place: Place) -> str:
    """Return the first line of the container's log in which glibc found a process's memory corrupt."""
    lines = place.engine.inside.logs(place.container).decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in lines if _CORRUPT.search(line)), "")
