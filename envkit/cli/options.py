"""Options and arguments that several commands share, each written once."""

from __future__ import annotations

from collections.abc import Callable

import click

from envkit.cli import complete, elsewhere

host = click.option(
    "--host",
    "host_name",
    metavar="NAME",
    shell_complete=complete.hosts,
    callback=elsewhere.remember,
    is_eager=True,  # TAB asks the host for what follows
    help="Where: a host that `envkit host list` knows.  [default: this machine]",
)
target = click.option(
    "--target",
    metavar="KEY=VALUE,...",
    help="What the image is for instead of the spec's `target`: chip=910b, driver=535.104, machine=arm64.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
show_token = click.option(
    "--show-token", is_flag=True, help="Print the token too: who has it, has the environment."
)
share = click.option("--share", is_flag=True, help="Take cards that others use, too.")
every = click.option("--all", "every", is_flag=True, help="All environments.")
environments = click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=complete.environments)
timeout = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=120.0,
    show_default=True,
    help="How long to wait for the IDEs.",
)
only_print = click.option(
    "--print", "only_print", is_flag=True, help="Print the URL with its token; open no browser."
)
tunnel_port = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="The tunnel's port on this machine.  [default: the environment's own, else a free one]",
)
env_file = click.option(
    "--env-file",
    metavar="FILE",
    help="Secrets, a NAME=VALUE a line as `docker run` reads it (no quotes; NAME alone: your variable).",
)
environments_or_runs = click.argument(
    "names", metavar="[NAME...]", nargs=-1, shell_complete=complete.environments_and_runs
)
environment_or_run = click.argument(
    "name", metavar="[NAME]", required=False, default=None, shell_complete=complete.environments_and_runs
)
run = click.argument("name", metavar="RUN", shell_complete=complete.runs)
environment = click.argument(
    "name", metavar="[NAME]", required=False, default=None, shell_complete=complete.environments
)


def starting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `start` and `restart`."""
    for option in (as_json, show_token, host, env_file, timeout, environment):
        command = option(command)
    return command
