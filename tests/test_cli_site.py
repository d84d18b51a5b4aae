"""Where the commands work: what a path means there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkit.cli.site import absolute
from tests.environments import Door, a_site


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("~", "/home/ada"),
        ("~/x", "/home/ada/x"),
        ("x/y", "/home/ada/x/y"),
        ("/srv/x", "/srv/x"),
        (None, None),
    ],
)
def test_a_path_for_a_host_is_meant_there(path: str | None, there: str | None) -> None:
    site = replace(a_site(Door())[0], user_home="/home/ada")
    assert absolute(path, site) == there


def test_a_path_for_this_machine_is_meant_here() -> None:
    assert absolute("x", a_site(Door())[0]) == str(Path.cwd() / "x")
