"""What `envkit train` is asked for, from its words to one value."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from envkit.cli.resources import Resources

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.plan.run_plan import RunOptions
    from envkit.run.plan import JobWish
    from envkit.run.wish import Wish

_AFTER = "envkit.after"
_HINT = "what stands after `--` is the script's own: envkit train train.py -- --epochs 3"


class Train(click.Command):
    """Keeps what stands after `--` apart: it is the script's."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show that the script's own arguments come last."""
        return [*super().collect_usage_pieces(ctx), "[-- ARGS]"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Split at the first `--`; a stranger's option gets the hint where it belongs."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.meta[_AFTER] = tuple(args[cut + 1 :])
        try:
            return super().parse_args(ctx, args[:cut])
        except click.NoSuchOption as error:
            raise click.UsageError(f"{error.format_message()}\n{_HINT}", ctx) from error
        except click.UsageError as error:
            if "unexpected extra argument" in error.message:
                raise click.UsageError(f"{error.message}\n{_HINT}", ctx) from error
            raise


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options as they were written."""

    script: str | None
    module: str | None
    image: str | None
    environment: str | None
    home: str | None
    cache: str | None
    workdir: str | None
    python: str | None
    env_file: str | None
    nproc: str
    name: str | None
    resume: bool
    sync: bool
    timeout: str | None
    retries: int
    retry_on: str | None
    grace: float
    log_limit: str
    redirect: bool
    detach: bool
    dry_run: bool
    host_name: str | None
    nodes: str | None = None
    node_address: str | None = None
    node_silence: float
    as_json: bool


def wish_of(site: Site, asked: Asked, resources: Resources) -> Wish:
    """Return what is asked for, with whole paths."""
    from pathlib import Path

    from envkit.environment.machine import caller
    from envkit.hosts.local import LocalHost
    from envkit.run.wish import Wish, refuse_several, whole

    after: tuple[str, ...] = click.get_current_context().meta[_AFTER]
    here = str(Path.cwd())
    cwd = here if asked.sync or site.user_home is None else site.user_home
    command = () if asked.script or asked.module else after
    wish = Wish(
        script=whole(asked.script, cwd) if asked.script else None,
        module=asked.module,
        command=command,
        args=() if command else after,
        cwd=cwd,
        workdir=whole(asked.workdir, cwd) if asked.workdir else None,
        python=asked.python,
        image=asked.image,
        environment=asked.environment,
        is_own=bool(asked.home or asked.cache or asked.env_file) or resources.is_any,
        options=_options(site, asked, resources),
        caller=caller(site.host),
        allow_system_mounts=resources.allow_system_mounts,
        resume=asked.resume,
        sync=asked.sync,
        here=None if site.user_home is None else LocalHost(),
        script_here=whole(asked.script, here) if asked.script else None,
        job=_job(asked, command[0] if command else "", site.host.name),
    )
    refuse_several(wish)
    return wish


def checked(asked: Asked) -> Asked:
    """Return it; UsageError for an option that says nothing without another, or against it."""
    from envkit.errors import UsageError

    if asked.resume and not asked.name:
        raise UsageError("--resume: which run goes on?", fix="--name NAME says it; `envkit runs` lists them")
    if asked.retry_on and not asked.retries:
        raise UsageError(
            "--on says after what to begin again, and nothing says how often",
            fix=f"as in --retries 3 --on {asked.retry_on}",
        )
    if asked.environment and "host-lost" in (asked.retry_on or "").split(","):
        raise UsageError(
            "--on host-lost: a run in an environment is lost with it, and nobody begins it again there",
            fix="--image in place of --env takes a container that the engine starts again",
        )
    return asked


def _options(site: Site, asked: Asked, resources: Resources) -> RunOptions:
    from envkit.cli.site import absolute
    from envkit.environment.secrets import planned
    from envkit.plan.run_plan import RunOptions

    folders = RunOptions(home=absolute(asked.home, site), cache=absolute(asked.cache, site))
    return replace(resources.added_to(folders, site), secrets=planned(asked.env_file))


def _job(asked: Asked, command: str, host: str) -> JobWish:
    import secrets
    from datetime import datetime
    from importlib.metadata import version

    from envkit.plan.durations import seconds
    from envkit.plan.sizes import log_bytes
    from envkit.run import plan

    on = tuple((asked.retry_on or "oom,host-lost").split(",")) if asked.retries or asked.retry_on else ()
    called = asked.script or asked.module or command
    moment = datetime.now().strftime("%Y%m%d-%H%M%S")
    return plan.JobWish(
        words=("envkit", *sys.argv[1:]),
        name=plan.checked_name(asked.name)
        if asked.name
        else plan.default_name(called, moment, secrets.token_hex(2)),
        nproc=plan.processes(asked.nproc),
        redirect=asked.redirect,
        grace_s=asked.grace,
        log_limit=log_bytes(asked.log_limit, option="--log-limit"),
        timeout_s=None if asked.timeout is None else seconds(asked.timeout, option="--timeout"),
        retries=asked.retries,
        retry_on=plan.checked_reasons(on),
        version=version("envkit"),
        host=host,
    )
