"""The faults: which verb, at which call to the engine, what breaks there, and what must be true afterwards.

`path` says which code of envkit meets the fault: two faults on one path would count once, and a test sees
that there are none. The sentence is what stderr must hold; the state is the environment's container after
the faulty run (`-`: there is none). What the verb wants is there after the next run, without the fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from tests.faults.proxy import Rule

Begin = Literal["nothing", "created", "running", "stopped"]
_ID = "[0-9a-f]{64}"
HELLO = ("GET", "/version")
IMAGE = ("GET", "/images/[^/]+/json")
BY_NAME = ("GET", "/containers/envkit-[^/]+/json")
BY_ID = ("GET", f"/containers/{_ID}/json")
INFO = ("GET", "/info")
LIST = ("GET", "/containers/json")
CREATE = ("POST", "/containers/create")
READ = ("GET", f"/containers/{_ID}/archive")
WRITE = ("PUT", f"/containers/{_ID}/archive")
START = ("POST", f"/containers/{_ID}/start")
EXEC = ("POST", f"/containers/{_ID}/exec")
TALK = ("POST", f"/exec/{_ID}/start")
CODE = ("GET", f"/exec/{_ID}/json")
STOP = ("POST", f"/containers/{_ID}/stop")
REMOVE = ("DELETE", f"/containers/{_ID}")
LOGS = ("GET", f"/containers/{_ID}/logs")

CUT = "it broke the connection off"
LATE = "it did not answer in time"
FULL = {"status": 500, "text": "write /var/lib/docker/x: no space left on device"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One line of the table."""

    verb: str
    call: tuple[str, str]
    do: str
    path: str
    says: str
    state: str
    begin: Begin = "nothing"
    code: int = 5
    more: dict[str, object] = field(default_factory=dict)
    also: Rule | None = None  # a second thing that breaks

    def rule(self) -> Rule:
        """Return the proxy's rule."""
        method, path = self.call
        return Rule(do=self.do, method=method, path=path, **self.more)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """Return the test's name."""
        return f"{self.verb}: {self.path}"


def _of(verb: str, call: tuple[str, str], do: str, path: str, end: tuple[str, str], **more: object) -> Fault:
    """Return a fault; `end` is what is said, and the state that is left."""
    begin = more.pop("begin", "nothing" if verb == "up" else "running")
    return Fault(verb=verb, call=call, do=do, path=path, says=end[0], state=end[1], begin=begin, **more)  # type: ignore[arg-type]


_up, _stop, _rm, _ps, _logs = (partial(_of, verb) for verb in ("up", "stop", "rm", "ps", "logs"))
_ALWAYS = {"always": True}
_UP = (
    _up(HELLO, "cut-before", "hello, link", (CUT, "-")),
    _up(HELLO, "hang-before", "hello, patience", (LATE, "-")),
    _up(HELLO, "fail", "hello, no engine's answer", ("made to fail", "-"), more={"status": 502}),
    _up(HELLO, "cut-reply", "hello, half an answer", (CUT, "-"), more={"size": 100}),
    _up(IMAGE, "fail", "image, refusal", ("looking at the image", "-")),
    _up(IMAGE, "cut-reply", "image, half an answer", (CUT, "-"), more={"size": 100}),
    _up(BY_NAME, "cut-after", "lookup by name, link", ("looking at the container envkit-f-", "-")),
    _up(INFO, "fail", "facts of the engine", ("asking the engine what it is", "-")),
    _up(LIST, "fail", "other environments' ports", ("listing containers", "-")),
    _up(CREATE, "cut-before", "create, not made", (CUT, "-")),
    _up(CREATE, "cut-after", "create, made and found again", ("started", "running"), code=0),
    _up(CREATE, "hang-after", "create, made and found after patience", ("started", "running"), code=0),
    _up(CREATE, "fail", "create, disk full", ("the engine's disk is full", "-"), more=FULL),
    _up(CREATE, "fail", "create, refusal", ("creating a container", "-"), more={"status": 400}),
    _up(
        CREATE,
        "fail",
        "create, image gone",
        ("no such image", "-"),
        more={"status": 404, "text": "No such image: envkit-test-up:dev"},
    ),
    _up(
        CREATE,
        "fail",
        "create, name taken in between",
        ("others took its name, its port or its cards 8 times", "-"),
        more={
            "status": 409,
            "text": "The container name /envkit-x is already in use by container 1",
            **_ALWAYS,
        },
    ),
    _up(
        CREATE,
        "cut-after",
        "create, and the link stays away",
        (CUT, "created"),
        also=Rule(do="fail", method="GET", path="/containers/json", occurrence=2),
    ),
    _up(READ, "cut-reply", "account, reading", ("reading /etc/", "-"), more={"size": 200}),
    _up(WRITE, "fail", "account, writing", ("writing files into the container", "-")),
    _up(WRITE, "cut-after", "account, written and not known", (CUT, "-")),
    _up(START, "fail", "start, refusal", ("starting the container", "-")),
    _up(START, "cut-after", "start, and nobody knows", (CUT, "-")),
    _up(
        START,
        "fail",
        "start, port taken each time",
        ("others took its name, its port or its cards 8 times", "-"),
        more={"status": 500, "text": "port is already allocated", **_ALWAYS},
    ),
    _up(EXEC, "fail", "token, exec refused", ("running cat in the container", "-")),
    _up(TALK, "cut-before", "token, conversation cut", (CUT, "-")),
    _up(
        TALK, "cut-reply", "token, half of it", ("the engine cut the command's output", "-"), more={"size": 4}
    ),
    _up(CODE, "fail", "token, no exit code", ("running cat in the container", "-")),
    _up(START, "fail", "stopped one, start refused", ("starting the container", "exited"), begin="stopped"),
    _up(WRITE, "fail", "half-made one, account again", ("writing files", "created"), begin="created"),
    _up(TALK, "cut-after", "running one, token", (CUT, "running"), begin="running"),
)
_STOP = (
    _stop(HELLO, "cut-before", "hello", (CUT, "running")),
    _stop(BY_NAME, "fail", "lookup", ("looking at the container", "running")),
    _stop(STOP, "cut-before", "not heard", (CUT, "running")),
    _stop(STOP, "cut-after", "done and not known", (CUT, "exited")),
    _stop(STOP, "fail", "refused", ("stopping the container", "running")),
    _stop(
        STOP,
        "fail",
        "gone in between",
        ("is stopped", "running"),
        code=0,
        more={"status": 404, "text": "No such container: x"},
    ),
    _stop(
        STOP, "fail", "stopped already", ("is stopped", "running"), code=0, more={"status": 304, "text": ""}
    ),
)
_RM = (
    _rm(BY_NAME, "cut-after", "lookup", (CUT, "running")),
    _rm(EXEC, "fail", "state unknown, and removed all the same", ("is removed", "-"), code=0),
    _rm(BY_ID, "fail", "size unknown", ("measuring the container", "running")),
    _rm(STOP, "cut-after", "stopped and not known", (CUT, "exited")),
    _rm(STOP, "fail", "stop refused", ("stopping the container", "running")),
    _rm(
        BY_ID,
        "fail",
        "last look before removal",
        ("looking at the container", "exited"),
        more={"occurrence": 2},
    ),
    _rm(REMOVE, "cut-before", "removal not heard", (CUT, "exited")),
    _rm(REMOVE, "cut-after", "removed and not known", (CUT, "-")),
    _rm(REMOVE, "fail", "removal refused", ("removing the container", "exited")),
    _rm(
        REMOVE,
        "fail",
        "somebody else removes it",
        ("is removed", "exited"),
        code=0,
        more={"status": 409, "text": "removal of container x is already in progress"},
    ),
    _rm(
        REMOVE,
        "fail",
        "gone in between",
        ("is removed", "exited"),
        code=0,
        more={"status": 404, "text": "No such container: x"},
    ),
)
_PS = (
    _ps(HELLO, "hang-before", "hello, patience", (LATE, "running")),
    _ps(LIST, "fail", "list refused", ("listing containers", "running")),
    _ps(LIST, "cut-reply", "half a list", (CUT, "running"), more={"size": 20}),
    _ps(BY_ID, "fail", "one that cannot be looked at", ("looking at the container", "running")),
    _ps(BY_ID, "fail", "one that went in between", ("", "running"), code=0, more={"status": 404}),
    _ps(EXEC, "fail", "one that cannot be asked", ("running /opt/envkit", "running"), code=0),
    _ps(
        TALK, "cut-reply", "one that answers by half", ("the engine cut", "running"), code=0, more={"size": 4}
    ),
    _ps(LIST, "drip", "slow and whole", ("running", "running"), code=0, more={"size": 500, "seconds": 0.01}),
)
_LOGS = (
    _logs(BY_NAME, "fail", "lookup", ("looking at the container", "running")),
    _logs(LOGS, "fail", "refused", ("reading the container's log", "running")),
    _logs(LOGS, "cut-before", "link", (CUT, "running")),
    _logs(LOGS, "hang-before", "patience", (LATE, "running")),
    _logs(LOGS, "cut-reply", "half a line", ("the engine cut", "running"), more={"size": 20}),
    _logs(
        LOGS,
        "drip",
        "slow and whole",
        ("hello from uid", "running"),
        code=0,
        more={"size": 3, "seconds": 0.001},
    ),
)
FAULTS = (*_UP, *_STOP, *_RM, *_PS, *_LOGS)
