"""`envkit up`: start an environment and print its URLs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output
from envkit.cli.doors import Doors, doors
from envkit.cli.resources import Resources, resources

if TYPE_CHECKING:
    from envkit.environment.ready import Opened
    from envkit.environment.site import Site
    from envkit.environment.up import UpRequest
    from envkit.plan.run_plan import RunImage, RunPlan


@click.command("up", epilog="Example: envkit up preset:cpu --name demo --home ~/demo")
@click.argument("target", metavar="[SPEC|IMAGE]", required=False, shell_complete=complete.targets)
@click.option(
    "--name",
    metavar="NAME",
    shell_complete=complete.environments,
    help="The environment's name, instead of the spec's or image's.",
)
@click.option("--home", metavar="DIR", help="The folder behind /work/home.  [default: ~/envkit/home]")
@click.option("--cache", metavar="DIR", help="The folder behind /work/cache.  [default: ~/envkit/cache]")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="The port on 127.0.0.1.  [default: a free one, then kept]",
)
@resources
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=120.0,
    show_default=True,
    help="How long to wait for the IDEs.",
)
@doors
@options.host
@click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing.")
@options.show_token
@options.as_json
def command(  # noqa: PLR0913  click hands over every option by name
    target: str | None,
    name: str | None,
    home: str | None,
    cache: str | None,
    port: int | None,
    timeout: float,
    host_name: str | None,
    dry_run: bool,
    show_token: bool,
    as_json: bool,
    resources: Resources,
    doors: Doors,
) -> None:
    """Start an environment from a spec or an image, wait until its IDEs answer, and print their URLs.

    Asked again, it finds the environment and prints the URLs again. Its token is shown only when asked for:
    who has it, has the environment. Without SPEC or IMAGE: ./envkit.yaml.
    """
    from envkit.cli.site import absolute, open_site
    from envkit.environment.machine import caller
    from envkit.environment.up import UpRequest, plan_up, up
    from envkit.plan.run_plan import RunOptions

    site = open_site(host_name)
    asked = RunOptions(name=name, home=absolute(home, site), cache=absolute(cache, site), port=port)
    spec, image = _meant(site, target, build=not dry_run)
    request = UpRequest(
        image=image,
        options=doors.added_to(resources.added_to(asked, site)),
        caller=caller(site.host),
        timeout_s=timeout,
        allow_system_mounts=resources.allow_system_mounts,
        retention_s=resources.retention_s,
    )
    if dry_run:
        _show_plan(plan_up(site, request), as_json=as_json)
        return
    opened = up(site, _built(site, spec, request, as_json=as_json) if spec else request, output.note)
    show_opened(opened, with_token=show_token, as_json=as_json, host_name=host_name)


def _meant(site: Site, target: str | None, *, build: bool) -> tuple[str | None, RunImage]:
    """Return the spec that is to be built, and the image as far as it is known."""
    from envkit.environment.target import find_image, foretold, is_spec, named

    meant = named(target)
    return (meant, foretold(meant)) if build and is_spec(meant) else (None, find_image(site.engine, meant))


def _built(site: Site, spec: str, request: UpRequest, *, as_json: bool) -> UpRequest:
    """Refuse what no image changes; then return the request with the image, built where it was not."""
    from envkit.cli import progress
    from envkit.environment.target import build_image
    from envkit.environment.up import refuse_early

    refuse_early(site, request)
    with progress.shown(as_json=as_json) as reports:
        return replace(request, image=build_image(site, spec, reports))


def _show_plan(plan: RunPlan, *, as_json: bool) -> None:
    from envkit.plan.run_decisions import decisions

    if as_json:
        output.show_json(plan)
        return
    output.show_table((), [(line.what, line.value, line.why) for line in decisions(plan)])


def show_opened(opened: Opened, *, with_token: bool, as_json: bool, host_name: str | None = None) -> None:
    """Print where an environment is; its token and password only when they were asked for."""
    from envkit.environment.ready import without_secrets

    shown = opened if with_token else without_secrets(opened)
    if as_json:
        output.show_json(shown)
        return
    urls = shown.urls
    rows = [("JupyterLab", urls.jupyterlab), ("VS Code", urls.vscode), ("TensorBoard", urls.tensorboard)]
    if urls.own_door:
        rows += [("VS Code, own door", urls.own_door), ("  its password", shown.own_door_password)]
    rows += [("/work/home", shown.home)]
    output.show(f"environment {shown.name} is running{f' on {host_name}' if host_name else ''}")
    output.show_table((), [(f"  {what}", value) for what, value in rows if value])
    if shown.origin.startswith("https:"):
        _show_exposure(shown)
    if host_name and not shown.origin.startswith("https:"):
        output.note(f"to reach it from here: envkit open {shown.name} --host {host_name}")
    elif not with_token:
        output.note(f"to log in: `envkit open {shown.name}`, or the same command with --show-token")


def _show_exposure(opened: Opened) -> None:
    """Say what it means to be reachable, and what a browser needs."""
    output.note(
        "exposed: whoever reaches that port meets the login; Docker's ports pass by ufw and firewalld"
    )
    if opened.authority:
        output.note(
            "browsers must trust envkit's authority once (it vouches for this machine and private networks)"
            f"\n  file     {opened.authority.file}\n  SHA-256  {opened.authority.fingerprint}"
        )
