"""The frame of all commands: their help, what is mistyped, a full disk, and the shell's TAB."""

from __future__ import annotations

import errno
import os

import click
import pytest
from click.testing import CliRunner

from envkit.cli import complete
from envkit.cli.main import COMMANDS, envkit
from tests.environments import Door, a_site


def tab(*words: str) -> list[str]:
    """Ask as Bash does: the words as it splits them, the last one not complete."""
    complete.install()
    asked = {"_ENVKIT_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("envkit", *words))}
    env = {**asked, "COMP_CWORD": str(len(words))}
    return CliRunner().invoke(envkit, [], prog_name="envkit", env=env).stdout.split()


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_an_example_and_speaks_in_sentences(name: str) -> None:
    command = envkit.get_command(click.Context(envkit), name)
    assert command is not None
    assert (command.epilog or "").startswith("Example: ")
    assert f"envkit {name}" in (command.epilog or "")
    helps = [option.help or "" for option in command.params if isinstance(option, click.Option)]
    for text in helps:
        sentence = text.partition("  [default:")[0]
        assert sentence[0].isupper() and sentence.endswith(".")
    assert max(map(len, CliRunner().invoke(envkit, [name, "--help"]).stdout.splitlines())) <= 80


def test_a_mistyped_command_is_told_the_likely_one() -> None:
    done = CliRunner().invoke(envkit, ["biuld"])
    assert done.exit_code == 2
    assert "No such command 'biuld'. Did you mean 'build'?" in done.stderr


def test_a_full_disk_is_said_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(value: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("envkit.cli.output.show_json", full)
    done = CliRunner().invoke(envkit, ["schema"])
    assert done.exit_code == 6
    assert done.stderr == (
        "error: [Errno 28] No space left on device\n  fix: make room there; for files that envkit "
        "makes for a while, TMPDIR=/big/disk names another folder\n"
    )


def test_tab_offers_the_presets_although_bash_splits_at_colons() -> None:
    assert "plain,preset:cpu" in tab("build", "pre")
    assert "plain,cuda" in tab("plan", "preset", ":")
    assert tab("render", "preset", ":", "ascend-") == [
        "plain,ascend-310p",
        "plain,ascend-310p-openeuler",
        "plain,ascend-openeuler",
    ]
    assert tab("plan", "mine.y") == ["file,mine.y"]


def test_tab_offers_environments_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _, host = a_site(Door())
    host.answers = {**host.answers, "id": "uid=1000(ada) gid=100(users) groups=100(users)\n"}
    monkeypatch.setattr("envkit.cli.site.open_site", lambda host_name=None: site)
    monkeypatch.setattr("envkit.cli.site.open_engine", lambda host_name=None: site.engine)
    monkeypatch.setattr("envkit.cli.site.looked_at", lambda host_name=None: site)
    assert CliRunner().invoke(envkit, ["up", "lab:dev", "--name", "one"]).exit_code == 0
    assert tab("stop", "o") == tab("rm", "") == ["plain,one"]
