"""What is said of a host names it: a fix that says `envkit start lab` is of no use without its --host."""

from __future__ import annotations

import re

import click

_META = "envkit.host"
# The commands that take --host (tests/test_cli_elsewhere.py compares them with the commands themselves).
VERBS = frozenset(
    (
        "adopt", "attach", "build", "cache", "commit", "compare", "cp", "devices", "diff", "doctor",
        "exec", "gc", "idle", "images", "inspect", "keep", "logs", "open", "plan", "ps", "pull", "push",
        "restart", "rm", "rmi", "runs", "shell", "smoke", "start", "stop", "tensorboard", "top", "train",
        "up", "verify", "wait",
    )
)  # fmt: skip
_QUOTED = re.compile(r"`envkit (?P<verb>[a-z]+)(?P<rest>[^`]*)`")
_BARE = re.compile(r"\Aenvkit (?P<verb>[a-z]+)(?P<rest>)(?= |\Z)")


def remember(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Note the host that a command is given; a callback of its option."""
    if name is not None:
        context.meta[_META] = name
    return name


def named_host(context: click.Context) -> str | None:
    """Return the host that the command is given; None: this machine."""
    name: str | None = context.meta.get(_META)
    return name


def told(text: str) -> str:
    """Return the text with --host in each command that it tells to run."""
    context = click.get_current_context(silent=True)
    name = named_host(context) if context else None
    if name is None:
        return text

    def with_host(found: re.Match[str]) -> str:
        verb, rest = found["verb"], found["rest"]
        if verb not in VERBS or "--host" in rest:
            return found[0]
        before, dashes, after = rest.partition(" -- ")
        words = f"envkit {verb}{before} --host {name}{dashes}{after}"
        return f"`{words}`" if found[0].startswith("`") else words

    return _QUOTED.sub(with_host, _BARE.sub(with_host, text))
