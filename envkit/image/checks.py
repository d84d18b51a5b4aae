"""The table of what an image must prove; judging is pure: evidence and expectation in, items out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from envkit.image import checks_doors as doors
from envkit.image import checks_user as user
from envkit.image.evidence import Evidence
from envkit.image.expectation import Expectation
from envkit.image.finding import Finding
from envkit.image.verdict import Item


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing to prove."""

    id: str
    sentence: str
    needs: tuple[str, ...]  # the facts that it is judged by
    judge: Callable[[Evidence, Expectation], Finding]


CHECKS = (
    Check(
        id="jupyter-refuses",
        sentence="JupyterLab serves nothing without its token",
        needs=("status", "jupyter-refuses"),
        judge=doors.jupyter_refuses,
    ),
    Check(
        id="jupyter-opens",
        sentence="JupyterLab opens with its token",
        needs=("status", "jupyter-opens"),
        judge=doors.jupyter_opens,
    ),
    Check(
        id="kernel",
        sentence="a kernel of the user's Python executes a cell",
        needs=("status", "kernel"),
        judge=user.kernel,
    ),
    Check(
        id="terminal",
        sentence="a terminal echoes",
        needs=("status", "terminal"),
        judge=user.terminal,
    ),
    Check(
        id="code-server-refuses",
        sentence="code-server, and whatever else listens, opens to nobody without a login",
        needs=("code-server-refuses", "own-door-refuses", "listeners"),
        judge=doors.code_server_refuses,
    ),
    Check(
        id="workbench",
        sentence="VS Code's page and its files load",
        needs=("status", "workbench", "own-door"),
        judge=doors.workbench,
    ),
    Check(
        id="extension-host",
        sentence="an extension host starts and stays alive",
        needs=("status", "extension-host"),
        judge=doors.extension_host,
    ),
    Check(
        id="extensions",
        sentence="the extensions asked for are there",
        needs=("extensions",),
        judge=doors.extensions,
    ),
    Check(
        id="tensorboard",
        sentence="TensorBoard opens behind the login, and not without",
        needs=("status", "tensorboard"),
        judge=doors.tensorboard,
    ),
    Check(
        id="services",
        sentence="no service dies while it is tried",
        needs=("status", "services", "stop"),
        judge=doors.services,
    ),
    Check(
        id="torch",
        sentence="torch imports and is the planned build",
        needs=("torch",),
        judge=user.torch,
    ),
    Check(
        id="same-environment",
        sentence="terminal, kernel, exec, login shell and run see the same environment",
        needs=("exec", "login", "command", "terminal", "kernel"),
        judge=user.same_environment,
    ),
    Check(
        id="command",
        sentence="a given command runs untouched",
        needs=("command",),
        judge=user.command,
    ),
    Check(
        id="sigterm",
        sentence="SIGTERM stops the services in time",
        needs=("stop",),
        judge=user.sigterm,
    ),
    Check(
        id="zombies",
        sentence="no zombie stays after a storm of orphans",
        needs=("storm",),
        judge=user.zombies,
    ),
    Check(
        id="files",
        sentence="the user can install packages and write at home",
        needs=("files",),
        judge=user.files,
    ),
)


def judge(evidence: Evidence, expect: Expectation) -> tuple[Item, ...]:
    """Judge everything about an image, run as one identity, in the table's order."""
    return tuple(item(check, evidence, expect) for check in CHECKS)


def item(check: Check, evidence: Evidence, expect: Expectation) -> Item:
    """Judge one thing."""
    found = check.judge(evidence, expect)
    return Item(
        id=check.id,
        identity=evidence.identity,
        sentence=check.sentence,
        outcome=found.outcome,
        reason=found.reason,
        seconds=round(found.seconds, 2),
    )
