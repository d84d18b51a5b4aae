"""`envkit render`: the Dockerfile, or the whole build context."""

from __future__ import annotations

from pathlib import Path

import click

from envkit.cli import complete, options


@click.command(
    epilog="Example: envkit render preset:cuda --context /tmp/context",
    help="""Print the Dockerfile of SPEC; with --context, write all that the build needs.

    SPEC is a file, a folder with an envkit.yaml, or preset:NAME; left out, ./envkit.yaml.
    No engine and no network is needed, and the same spec gives the same bytes.
    """,
)
@click.argument("spec", default="envkit.yaml", shell_complete=complete.specs)
@click.option(
    "--context",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the build context to this new folder.",
)
@options.target
@click.option("--classic", is_flag=True, help="Render for the classic builder: no mounts.")
def command(spec: str, folder: Path | None, target: str | None, classic: bool) -> None:
    """Render and print, or write."""
    from envkit import context, paths
    from envkit.accelerators import ACCELERATORS
    from envkit.cli import output
    from envkit.image.inputs import read_inputs
    from envkit.image.planned import Known, plan_spec
    from envkit.image.variables import adding
    from envkit.plan.facts import BuildFacts
    from envkit.plan.network import Network
    from envkit.spec.load import load
    from envkit.spec.retarget import for_target

    loaded = for_target(load(spec, paths.presets()), target)
    facts = BuildFacts(builder="classic" if classic else "buildkit")
    known = Known(facts=facts, network=Network(), inputs=read_inputs(loaded))
    planned = plan_spec(loaded, known, look_outside=False)
    if folder is None:
        output.show(context.dockerfile_of(planned.files).rstrip("\n"))
        return
    context.write_new(planned.files, folder)
    output.show(f"{folder}: {len(planned.files)} files")
    name = planned.plan.name
    output.note(f"build it with: docker build -t {name} {folder}")
    if ACCELERATORS[planned.plan.accelerator].base_has_variables:
        output.note(f"then give it what its base's own scripts set: {adding(name)}")
