"""What is said of a host names it."""

from __future__ import annotations

import importlib

import click
import pytest
from click.testing import CliRunner

from envkit.cli import elsewhere, main


def takes_host(command: click.Command) -> bool:
    inside = command.commands.values() if isinstance(command, click.Group) else ()
    return any(option.name == "host_name" for option in command.params) or any(map(takes_host, inside))


def test_every_command_with_a_host_is_told_with_it() -> None:
    commands = {name: importlib.import_module(module).command for name, (module, _) in main.COMMANDS.items()}
    assert {name for name, command in commands.items() if takes_host(command)} == elsewhere.VERBS


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("`envkit start lab`", "`envkit start lab --host box`"),
        ("`envkit rm x` and `envkit up`", "`envkit rm x --host box` and `envkit up --host box`"),
        ("envkit gc --yes, or --dry-run", "envkit gc --host box --yes, or --dry-run"),
        ("`envkit exec lab -- ls`", "`envkit exec lab --host box -- ls`"),
        ("`envkit cache status`", "`envkit cache status --host box`"),
        ("`envkit host list` tells", "`envkit host list` tells"),
        ("envkit cannot tell", "envkit cannot tell"),
        ("no command at all", "no command at all"),
    ],
)  # fmt: skip
def test_a_command_that_is_told_to_run_has_the_host(text: str, there: str) -> None:
    context = click.Context(click.Command("x"))
    with context:
        assert elsewhere.told(text) == text
        elsewhere.remember(context, click.Option(["--host"]), "box")
        assert elsewhere.told(text) == there


def test_an_error_s_fix_has_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    from envkit.errors import EngineError

    def refuse(name: str | None) -> None:
        raise EngineError("it stands still", fix="`envkit start lab` goes on")

    monkeypatch.setattr("envkit.cli.site.open_site", refuse)
    said = CliRunner().invoke(main.envkit, ["start", "--host", "box", "lab"], prog_name="envkit")
    assert said.stderr.splitlines()[-1] == "  fix: `envkit start lab --host box` goes on"


def test_tab_asks_the_host_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from envkit.errors import EngineError

    asked: list[str | None] = []

    def note(name: str | None) -> None:
        asked.append(name)
        raise EngineError("nothing here", fix="none")

    monkeypatch.setattr("envkit.cli.site.open_engine", note)
    words = {"COMP_WORDS": "envkit start --host box ", "COMP_CWORD": "4", "_ENVKIT_COMPLETE": "bash_complete"}
    CliRunner().invoke(main.envkit, [], prog_name="envkit", env=words)
    assert asked == ["box"]
