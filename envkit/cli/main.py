"""The `envkit` command: a table of commands, and the one place where an error becomes an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import sys
from typing import Any

import click

from envkit.cli import elsewhere

# Name → the module that holds the command of that name, and its line in `envkit --help`. A module is
# imported only when its command runs: start-up stays light.
COMMANDS: dict[str, tuple[str, str]] = {
    "presets": ("envkit.cli.presets", "List the presets that come with envkit."),
    "schema": ("envkit.cli.schema", "Print the spec's JSON Schema."),
    "plan": ("envkit.cli.plan", "Print every decision for a spec, with its reason."),
    "render": ("envkit.cli.render", "Print the Dockerfile, or write the build context."),
    "build": ("envkit.cli.build", "Build the image, prove that it works, and tag it."),
    "adopt": ("envkit.cli.adopt", "Put both IDEs onto an image that you have."),
    "verify": ("envkit.cli.verify", "Prove that an image works, item by item."),
    "inspect": ("envkit.cli.inspect", "Print an image's manifest and verdict."),
    "diff": ("envkit.cli.diff", "Compare what two images hold."),
    "commit": ("envkit.cli.commit", "Save an environment as an image, without its secrets."),
    "smoke": ("envkit.cli.smoke", "Measure whether the card, or the CPU, works."),
    "up": ("envkit.cli.up", "Start an environment and print its URLs."),
    "train": ("envkit.cli.train", "Run a training script, on cards or on the CPU."),
    "runs": ("envkit.cli.runs", "List the training runs."),
    "attach": ("envkit.cli.attach", "Follow a training run to its end."),
    "compare": ("envkit.cli.compare", "Compare two training runs."),
    "tensorboard": ("envkit.cli.tensorboard", "Open training runs in TensorBoard."),
    "open": ("envkit.cli.open", "Open an environment in the browser."),
    "ps": ("envkit.cli.ps", "List the environments."),
    "logs": ("envkit.cli.logs", "Print what an environment or a run prints."),
    "exec": ("envkit.cli.exec", "Run a command in an environment."),
    "shell": ("envkit.cli.shell", "Open a shell in an environment."),
    "cp": ("envkit.cli.cp", "Copy files into an environment, or out of it."),
    "top": ("envkit.cli.top", "Print what environments use: CPU, memory, cards."),
    "stop": ("envkit.cli.stop", "Stop environments (nothing is lost) and runs."),
    "start": ("envkit.cli.start", "Start a stopped environment and print its URLs."),
    "restart": ("envkit.cli.restart", "Stop an environment and start it again."),
    "wait": ("envkit.cli.wait", "Wait until an environment runs, or a run ended."),
    "rm": ("envkit.cli.rm", "Remove environments (/work/home stays) and runs."),
    "images": ("envkit.cli.images", "List our images: size, verdict, origin, users."),
    "push": ("envkit.cli.push", "Send an image to a registry, and prove it is there."),
    "pull": ("envkit.cli.pull", "Fetch an image from a registry."),
    "rmi": ("envkit.cli.rmi", "Remove images of ours that nobody uses."),
    "gc": ("envkit.cli.gc", "Remove what a killed envkit left over."),
    "host": ("envkit.cli.host", "Name machines over SSH, for --host."),
    "keep": ("envkit.cli.keep", "Postpone an environment's idle stop."),
    "idle": ("envkit.cli.idle", "Tell whether anybody uses an environment."),
    "cache": ("envkit.cli.cache", "Look at /work/cache, and remove what nobody used."),
    "devices": ("envkit.cli.devices", "Show the cards, and who has which."),
    "doctor": ("envkit.cli.doctor", "Say what is wrong with this machine, or in a log."),
    "engine": ("envkit.cli.engine", "Look at the container engine, or install one."),
}
_OBJECTS_TO_COLLECT = 50_000  # Python's own 700 is met dozens of times while modules are imported
_LOOK = "look at that file's disk and permissions"
_ROOM = "make room there; for files that envkit makes for a while, TMPDIR=/big/disk names another folder"


class Boundary(click.Group):
    """Commands by table; errors become a message with its fix and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command; its attribute `command` is the click command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a mistyped one, name the likely one."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = "".join(f" Did you mean {name!r}?" for name in get_close_matches(args[0], COMMANDS, n=1))
            raise click.UsageError(f"No such command {args[0]!r}.{near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; say what failed and how to fix it."""
        from envkit.errors import EnvkitError, HostError

        try:
            return super().invoke(ctx)
        except EnvkitError as error:
            _fail(elsewhere.told(error.what), elsewhere.told(error.fix))
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            raise  # the reader has gone: click ends quietly
        except OSError as error:
            from envkit.scratch import is_full

            _fail(str(error), _ROOM if is_full(error) else _LOOK)
            ctx.exit(HostError.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)


def _fail(what: str, fix: str) -> None:
    """Say what failed, and what to do."""
    from envkit.cli import output

    columns = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    click.echo(output.failure(what, fix, columns), err=True)


@click.group(cls=Boundary, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="envkit", message="envkit %(version)s")
def envkit() -> None:
    """Build, prove and start images for training and development.

    \b
    A first hour:
      envkit build preset:cpu      build the preset image and prove that it works
      envkit up preset:cpu         start it and print the URLs of both IDEs
      envkit train train.py        run a training script in it
    """


def main() -> None:
    """Run the command line."""
    # What is imported stays: looking for garbage among it takes a tenth of a command's start.
    gc.set_threshold(_OBJECTS_TO_COLLECT)
    if "_ENVKIT_COMPLETE" in os.environ:
        from envkit.cli import complete

        complete.install()
    envkit(prog_name="envkit", args=sys.argv[1:])
