"""How results are printed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from envkit.cli.output import failure, human_bytes, human_seconds, note, show, show_json, show_table


@dataclasses.dataclass(frozen=True)
class Inner:
    where: Path
    more: Mapping[str, tuple[int, ...]]


def test_results_go_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show("result")
    note("hint")
    assert capsys.readouterr() == ("result\n", "hint\n")


def test_columns_are_as_wide_as_they_need_and_lines_end_without_blanks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_table(("NAME", "N"), [("a", 1), ("longer", None)])
    assert capsys.readouterr().out == "NAME    N\na       1\nlonger  None\n"


def test_a_table_of_nothing_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_table((), [])
    assert capsys.readouterr().out == ""


def test_an_error_fits_a_terminal_and_is_one_line_each_in_a_log() -> None:
    what, fix = (
        "short\n    quoted of a log: " + "x " * 40,
        "look at `a command` and then at another-long-word",
    )
    assert failure(what, fix, None) == f"error: {what}\n  fix: {fix}"
    assert failure(what, fix, 40).splitlines() == [
        "error: short",
        "    quoted of a log: " + "x " * 40,
        "  fix: look at `a command` and then at",
        "       another-long-word",
    ]


def test_json_holds_values_of_ours_as_plain_data(capsys: pytest.CaptureFixture[str]) -> None:
    show_json([Inner(Path("/a"), MappingProxyType({"b": (1, 2)})), None, True])
    assert json.loads(capsys.readouterr().out) == [{"where": "/a", "more": {"b": [1, 2]}}, None, True]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_700_000_000, "1.7 GB"), (3e15, "3000.0 TB")],
)
def test_sizes_read_as_docker_prints_them(size: float, text: str) -> None:
    assert human_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (59.7, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text
