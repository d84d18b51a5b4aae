"""`envkit build`: from a spec to a proven image."""

from __future__ import annotations

import click

from envkit.cli import complete, options


@click.command(
    epilog="Example: envkit build preset:cpu --tag me/cpu:1.0",
    help="""Build the image of SPEC, prove that it works, and tag it.

    SPEC is a file, a folder with an envkit.yaml, or preset:NAME; left out, ./envkit.yaml.
    When nothing changed, nothing is built. When something does not work, nothing is tagged.
    """,
)
@click.argument("spec", default="envkit.yaml", shell_complete=complete.specs)
@click.option("--tag", metavar="NAME:TAG", help="The image's name instead of NAME:dev.")
@click.option("--dry-run", is_flag=True, help="Print the plan that would be carried out, and stop.")
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--no-verify", is_flag=True, help="Do not prove it; the image then carries no verdict.")
@click.option(
    "--cache", default="envkit", metavar="NAME", show_default=True, help="Which shared caches to use."
)
@click.option("--classic", is_flag=True, help="Use the classic builder, even where BuildKit is to be had.")
@options.target
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, progress as JSON lines.")
def command(  # noqa: PLR0913  click hands over every option by name
    spec: str,
    tag: str | None,
    dry_run: bool,
    no_cache: bool,
    no_verify: bool,
    cache: str,
    classic: bool,
    target: str | None,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Build, prove, tag."""
    from envkit import paths
    from envkit.cli import output, plan, progress
    from envkit.cli.site import opened_host
    from envkit.engines.docker import connect
    from envkit.hosts.local import LocalHost
    from envkit.image.build import BuildOptions, build, plan_build
    from envkit.spec.load import load
    from envkit.spec.retarget import for_target

    loaded = for_target(load(spec, paths.presets()), target)
    host = opened_host(host_name) if host_name else LocalHost()
    engine = connect(host, classic=classic)
    how = BuildOptions(tag=tag, no_cache=no_cache, cache=cache, verified=not no_verify)
    if dry_run:
        plan.show(plan_build(loaded, engine, host, how), as_json=as_json)
        return
    with progress.shown(as_json=as_json) as reports:
        built = build(loaded, engine, host, how, reports)
    if as_json:
        output.show_json(built)
        return
    output.show(summary(built))


def summary(built: object) -> str:
    """Return what came of a build in one or two lines."""
    from envkit.cli import output
    from envkit.image import verdict
    from envkit.image.build import Built

    assert isinstance(built, Built)
    proven = verdict.summary(built.verdict) if built.verdict else "not verified"
    if built.unchanged:
        return f"{built.tag} is up to date: nothing changed ({proven})"
    size, time = output.human_bytes(built.size_bytes), output.human_seconds(built.seconds)
    missing = "".join(
        f"\n  left out: {name} ({reason})"
        for name, reason in (built.verdict.missing if built.verdict else ())
    )
    return f"{built.tag} is ready: {size}, {time}, {proven}{missing}"
