"""`envkit keep`: postpone an environment's idle stop."""

from __future__ import annotations

import click

from envkit.cli import options, output


@click.command("keep", epilog="Example: envkit keep my-env --for 8h")
@options.environment
@click.option(
    "--for", "duration", metavar="TIME", default="8h", show_default=True, help="How long, from now."
)
@click.option("--off", is_flag=True, help="No longer: let it stop as it was asked to.")
@options.host
def command(name: str | None, duration: str, off: bool, host_name: str | None) -> None:
    """Keep an environment that stops when nobody uses it (`up --idle-stop`) for some time, used or not.

    Asked again, the new time counts. NAME may be left out where there is only one.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.idle import keep
    from envkit.plan.durations import about, seconds

    asked = 0.0 if off else seconds(duration, option="--for")
    kept = keep(open_engine(host_name), name, asked)
    output.note(
        f"environment {kept} is kept for {about(asked)}" if asked else f"environment {kept} is not kept"
    )
