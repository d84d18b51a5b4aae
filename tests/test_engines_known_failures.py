"""Why a build failed, by its log: each row of the tables is tested beside them (test_compat_failures.py)."""

from __future__ import annotations

import pytest

from envkit.engines.known_failures import fix_for

NO_DRIVER = "ImportError: libascend_hal.so: cannot open shared object file: No such file or directory"


def test_a_known_cause_is_told_with_its_fix() -> None:
    said = ("some line", "E: Unable to locate package nosuch")
    assert fix_for(said) == "the distribution has no package of that name: look at `apt:` in the spec"


def test_a_step_that_imports_torch_where_no_driver_is_gets_its_cause_too() -> None:
    assert fix_for(("Traceback (most recent call last):", NO_DRIVER)) == (
        "the host's Ascend driver is not in the container, or LD_LIBRARY_PATH lacks driver/lib64/driver: "
        "mount /usr/local/Ascend/driver/lib64 (`envkit up --device ascend:0` does); in a build step, set "
        "TORCH_DEVICE_BACKEND_AUTOLOAD=0"
    )


def test_what_a_build_s_tools_say_comes_before_what_programs_say() -> None:
    assert fix_for((NO_DRIVER, "npm error code ENOSPC")).startswith("the engine's disk is full: ")


def test_the_last_lines_come_before_those_before_them() -> None:
    full, moved = "no space left on device", "Hash Sum mismatch"
    assert fix_for((moved,), earlier=(full,)).startswith("the mirror has moved on")
    assert fix_for(("nothing known",), earlier=(full,)).startswith("the engine's disk is full")


@pytest.mark.parametrize(
    "text",
    [
        "make: *** [all] Error 2",
        "SyntaxError: invalid syntax",
        "",
        "100 packages skilled",
        "Get:1 git 404 kB",
    ],
)
def test_an_unknown_cause_says_where_to_look(text: str) -> None:
    assert fix_for((text,)) == "the lines above say what failed; the full log is in the file named here"
