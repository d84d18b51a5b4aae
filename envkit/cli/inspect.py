"""`envkit inspect`: print an image's manifest and verdict."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.image.manifest import Manifest
    from envkit.image.verdict import Verdict

_STEP_INDENT = 13  # columns that a step's size takes


@click.command("inspect", epilog="Example: envkit inspect cpu:dev --packages")
@click.argument("image", metavar="IMAGE", shell_complete=complete.images)
@click.option("--packages", is_flag=True, help="Name every package.")
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(image: str, packages: bool, host_name: str | None, as_json: bool) -> None:
    """Print what IMAGE holds and what it has proven.

    An image of envkit carries its manifest and verdict; of somebody else's the manifest is taken now.
    """
    from envkit.cli.site import open_engine
    from envkit.image.inventory import find, manifest_of, verdict_of

    engine = open_engine(host_name)
    image_id = find(engine, image).id
    manifest = manifest_of(engine, image)
    verdict = verdict_of(engine, image)
    if as_json:
        proven = {**output.plain(verdict), "passed": verdict.passed} if verdict else None
        output.show_json({"id": image_id, "manifest": manifest, "verdict": proven})
        return
    output.show(image)
    _show_head(image_id, manifest)
    _show_packages(manifest, every=packages)
    _show_steps(manifest)
    _show_verdict(image, verdict)


def _show_head(image_id: str, manifest: Manifest) -> None:
    base = f"{manifest.base} ({manifest.base_digest[:19]})" if manifest.base else ""
    system = (
        manifest.os,
        manifest.architecture,
        f"glibc {manifest.glibc}" if manifest.glibc else "",
        f"/opt/envkit runs from glibc {manifest.glibc_floor}" if manifest.glibc_floor else "",
    )
    # A verified image gets a thin last layer, and with it an id of its own.
    taken = f", listed and proven as {manifest.image[:19]}" if manifest.image != image_id else ""
    rows = (
        ("id", image_id[:19] + taken),
        ("base", base),
        ("system", ", ".join(filter(None, system))),
        ("size", output.human_bytes(manifest.size_bytes)),
        ("tools", ", ".join(f"{name} {version}" for name, version in sorted(manifest.tools.items()))),
    )
    output.show_table((), [(f"  {name}", text) for name, text in rows if text])


def _show_packages(manifest: Manifest, *, every: bool) -> None:
    groups = (
        ("rpm", "rpm", manifest.rpm) if manifest.rpm else ("apt", "apt", manifest.apt),
        ("pip", "pip, the user's Python", manifest.pip),
        ("tools", "pip, the IDE tools", manifest.tools_pip),
        ("npm", "npm, code-server", manifest.npm),
        ("extensions", "VS Code extensions", manifest.extensions),
        ("env", "variables", manifest.env),
    )
    output.show("packages")
    if not (manifest.apt or manifest.rpm or manifest.pip or manifest.glibc):
        output.show("  unknown: the image has no Python to look with")
        return
    output.show_table((), [(f"  {words}", str(len(found))) for _, words, found in groups])
    for name, reason in sorted(manifest.missing_extensions.items()):
        output.show(f"  missing, as allowed: {name} ({reason})")
    for name, _, found in groups if every else ():
        output.show(name)
        output.show_table(
            (), [(f"  {package}", version) for package, version in sorted(found.items())] or [("  none",)]
        )


def _show_steps(manifest: Manifest) -> None:
    output.show("steps, by size")
    biggest = sorted(manifest.steps, key=lambda step: -step.size_bytes)[:8]
    rows = [(f"  {output.human_bytes(step.size_bytes):>9}", _short(step.what)) for step in biggest]
    output.show_table((), rows or [("  unknown",)])


def _short(what: str) -> str:
    words = " ".join(what.split()) or "the base's own"
    room = max(shutil.get_terminal_size().columns, 80) - _STEP_INDENT
    return words if len(words) <= room else words[: room - 1] + "…"


def _show_verdict(image: str, verdict: Verdict | None) -> None:
    from envkit.cli.verify import line
    from envkit.image.verdict import summary

    if verdict is None:
        output.show(f"verdict\n  none: `envkit verify {image}` gives one")
        return
    output.show(f"verdict\n  {summary(verdict)}")
    for item in verdict.items:
        if item.outcome != "passed":
            output.show(line(item))
