"""`envkit train`: run a training script, and say how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from envkit.cli import complete, options, output, train_check, train_nodes
from envkit.cli.resources import Resources, job_resources
from envkit.cli.train_wish import Asked, Train, checked, wish_of

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.run.folder import End
    from envkit.run.follow import Ears
    from envkit.run.follow_nodes import Heard
    from envkit.run.going import Going
    from envkit.run.plan import JobPlan


@click.command(
    "train",
    cls=Train,
    epilog="Example: envkit train train.py --device cuda:0,1 --nproc auto -- --epochs 3",
)
@click.argument("script", metavar="[SCRIPT]", required=False, type=click.Path())
@click.option("-m", "module", metavar="MODULE", help="Run a module, as `python -m` does.")
@click.option(
    "--image",
    metavar="IMAGE|SPEC",
    shell_complete=complete.targets,
    help="Run in a container of its own, of this image.",
)
@click.option(
    "--env",
    "environment",
    metavar="NAME",
    shell_complete=complete.environments,
    help="Run in this environment, with its cards and what was installed there.",
)
@click.option("--home", metavar="DIR", help="The folder behind /work/home.  [default: ~/envkit/home]")
@click.option("--cache", metavar="DIR", help="The folder behind /work/cache.  [default: ~/envkit/cache]")
@click.option("--workdir", metavar="DIR", help="Where it works.  [default: the script's own folder]")
@click.option("--python", metavar="PATH", help="Which Python, inside.  [default: the image's own]")
@job_resources
@options.env_file
@click.option(
    "--nproc",
    metavar="N|auto",
    default="1",
    show_default=True,
    help="How many processes (torchrun); auto: one per card.",
)
@click.option(
    "--name",
    metavar="NAME",
    shell_complete=complete.runs,
    help="The run's name (MODEL_PATH).  [default: script, time, id]",
)
@click.option("--resume", is_flag=True, help="Go on in the folder of the run of that name.")
@click.option(
    "--sync", is_flag=True, help="Copy the project (git's, else the script's folder) into the run first."
)
@click.option("--timeout", metavar="TIME", help="End it after so long, as in 2h.  [default: never]")
@click.option("--retries", metavar="N", type=click.IntRange(0, 100), default=0, help="Begin again so often.")
@click.option(
    "--on",
    "retry_on",
    metavar="WHY,...",
    help="After what to begin again: oom, host-lost, error, killed.  [default: oom,host-lost]",
)
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="How long it may take to save when it is asked to stop.",
)
@click.option(
    "--log-limit",
    metavar="SIZE|none",
    default="128m",
    show_default=True,
    help="How much of what each process prints is kept: its first quarter and its last half, at least.",
)
@click.option(
    "--no-redirect", "redirect", flag_value=False, default=True, help="Leave SummaryWriter() where it writes."
)
@click.option(
    "--nodes",
    metavar="HOST,...",
    help="On several machines: hosts that `envkit host list` knows, or `this`. One that was lost and comes "
    "back waits 15 minutes for whoever follows the run: with --detach, for `envkit attach`.",
)
@click.option(
    "--node-address",
    metavar="ADDRESS",
    help="Where the others reach the first node.  [default: as SSH reaches it]",
)
@click.option(
    "--node-silence",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help="A node that was not heard of for so long is lost, and all end.",
)
@click.option("--detach", is_flag=True, help="Start it, and leave it running.")
@click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing.")
@click.option(
    "--check", is_flag=True, help="Only say what in SCRIPT fails or differs on --device.  [default: ascend]"
)
@options.host
@options.as_json
def command(resources: Resources, **values: Any) -> None:
    """Run a training script: the same command on GPUs, NPUs and CPUs.

    The script is found as you mean it, through links and mounts, and works in its own folder. Its evidence
    (output, event files, how it ended) is in /work/home/task/NAME. Without --image or --env it runs in the
    environment that sees it, else in an image of ./envkit.yaml, else in the preset of your device.

    Ctrl-C asks it to finish; again ends it. A closed terminal leaves it running.

    \b
    envkit train train.py -- --epochs 3
    envkit train -m pkg.train --image preset:cuda --device cuda:0
    envkit train --env lab -- torchrun --nproc-per-node 2 train.py
    """
    from envkit.cli.site import open_site
    from envkit.run.start import start
    from envkit.run.wish import plan_job

    if values.pop("check"):
        train_check.check(values["script"], values["module"], resources.device, as_json=values["as_json"])
        return
    asked = checked(Asked(**values))
    if asked.nodes:
        _on_nodes(asked, resources)
    site = open_site(asked.host_name)
    wish = wish_of(site, asked, resources)
    plan = plan_job(site, wish, _builder(site, asked), output.note)
    if asked.dry_run:
        _show_plan(plan, as_json=asked.as_json)
        return
    for text in plan.notes:
        output.note(f"warning: {text}")
    with _hanging_up_leaves():
        with train_check.warned(asked.script, asked.module, plan.nodes[0].request.accelerator):
            going = start(site, plan, output.note)
        output.note(f"run {going.name}: {going.folder.path}")
        if asked.detach:
            _show_detached(site, going, asked)
            return
        click.get_current_context().exit(_attached(going, asked, lambda ears: _heard(site, going, ears)))


def _on_nodes(asked: Asked, resources: Resources) -> NoReturn:
    with _hanging_up_leaves():
        click.get_current_context().exit(train_nodes.run(asked, resources, _attached))


def _builder(site: Site, asked: Asked) -> Callable[[str], Any]:
    def build(spec: str) -> Any:
        from envkit.cli import progress
        from envkit.environment.target import build_image, find_image

        if asked.dry_run:
            return find_image(site.engine, spec)
        with progress.shown(as_json=asked.as_json) as reports:
            return build_image(site, spec, reports)

    return build


@contextmanager
def _hanging_up_leaves() -> Iterator[None]:
    """Let a closed terminal end us at once, and nothing else: the run goes on."""
    import signal

    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _heard(site: Site, going: Going, ears: Ears) -> Heard:
    from envkit.run.follow import follow_with
    from envkit.run.follow_nodes import Heard
    from envkit.run.settle import settle_if_reached

    end = follow_with(site, going, ears)
    written = settle_if_reached(site, going, output.note)
    return Heard(end=end, stays=((going.name, written),) if written else ())


def _attached(going: Going, asked: Asked, follow: Callable[[Ears], Heard]) -> int:
    """Follow it to its end; return the exit code."""
    import signal
    import sys

    from envkit.run.follow import Ears

    pressed: list[int] = []
    out = sys.stderr.buffer if asked.as_json else sys.stdout.buffer

    def write(part: bytes) -> None:
        out.write(part)
        out.flush()

    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        ears = Ears(write=write, report=output.note, presses=lambda: len(pressed), grace_s=asked.grace)
        heard = follow(ears)
    finally:
        signal.signal(signal.SIGINT, before)
    for name, written in heard.stays:
        output.note(
            f"its container envkit-run-{name} stays: it wrote {output.human_bytes(written)} outside of "
            f"/work; `envkit rm {name}` removes it"
        )
    return _say(going, heard.end, asked, interrupted=bool(pressed))


def _say(going: Going, end: End, asked: Asked, *, interrupted: bool) -> int:
    """Say how it ended; return the exit code."""
    from envkit.cli import run_end
    from envkit.errors import Interrupted

    if asked.as_json:
        output.show_json({"name": going.name, "folder": str(going.folder.path), "end": output.plain(end)})
    run_end.tell(going.name, going.folder.path, end)
    return Interrupted.exit_code if interrupted and end.state == "stopped" else run_end.code(end)


def _show_detached(site: Site, going: Going, asked: Asked) -> None:
    """Say what goes on; the containers of those that went on before, and have ended, go."""
    from envkit.run.tidy import tidy

    if asked.as_json:
        output.show_json({"name": going.name, "folder": str(going.folder.path), "end": None})
    else:
        output.show(going.name)
        output.note(
            f"it goes on by itself: `envkit attach {going.name}` follows it, "
            f"`envkit stop {going.name}` ends it"
        )
    tidy(site)


def _show_plan(plan: JobPlan, *, as_json: bool) -> None:
    from envkit.run.decisions import decisions

    if as_json:
        output.show_json(plan)
        return
    output.show_table((), [(line.what, line.value, line.why) for line in decisions(plan)])
