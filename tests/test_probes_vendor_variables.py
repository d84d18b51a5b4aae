"""What a vendor's scripts set, made tidy; and start files that no longer run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.probes.vendor_variables import (
    disarm,
    disarm_files,
    dockerfile,
    environment_after,
    set_by,
    tidy,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a:/b:/a", "/a:/b"),
        ("/a:", "/a"),
        (":/a::/b", "/a:/b"),
        (":", ""),
        ("/a", "/a"),
        ("http://x:80", "http://x:80"),
        ("a:b:a", "a:b:a"),
    ],
)
def test_a_list_of_paths_loses_what_is_empty_or_comes_twice(value: str, expected: str) -> None:
    assert tidy(value) == expected


def test_only_what_the_scripts_changed_is_kept_and_the_user_s_python_comes_first() -> None:
    before = {"PATH": "/usr/bin", "LANG": "C", "LD_LIBRARY_PATH": "/driver:", "PYTHONPATH": "/x:"}
    after = {
        **before,
        "LD_LIBRARY_PATH": "/cann:/driver:",
        "HOME_PATH": "/cann",
        "PATH": "/cann/bin:/usr/bin",
    }
    assert set_by(before, after) == {
        "HOME_PATH": "/cann",
        "LD_LIBRARY_PATH": "/cann:/driver",
        "PATH": "/opt/venv/bin:/cann/bin:/usr/bin",
        "PYTHONPATH": "/x",
    }
    assert set_by(before, after, "/opt/own")["PATH"] == "/opt/own/bin:/cann/bin:/usr/bin"


def test_stubs_of_a_driver_stay_out_of_the_library_path() -> None:
    after = {"LD_LIBRARY_PATH": "/cann/x86_64-linux/devlib:/cann/lib64:/cuda/lib64/stubs:", "PATH": ""}
    assert set_by({}, after) == {"LD_LIBRARY_PATH": "/cann/lib64", "PATH": "/opt/venv/bin"}


def test_what_no_instruction_can_hold_is_left_out() -> None:
    assert "TWO_LINES" not in set_by({}, {"TWO_LINES": "a\nb", "PATH": "/bin"})


def test_who_builds_by_hand_has_a_dockerfile_of_what_was_found() -> None:
    assert dockerfile({"A": "/a:/b", "B": 'x "y" $z \\'}) == (
        'ARG IMAGE\nFROM ${IMAGE}\nENV A="/a:/b"\nENV B="x \\"y\\" \\$z \\\\"\n'
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("source /x/set_env.sh", ": /x/set_env.sh"),
        ("[ -f /x/set_env.sh ] && . /x/set_env.sh", "[ -f /x/set_env.sh ] && : /x/set_env.sh"),
        ("if true; then\n  source '/x/set_env.sh' --a=1\nfi", "if true; then\n  : '/x/set_env.sh' --a=1\nfi"),
        ("(. /d/bin/setenv.bash)", "(: /d/bin/setenv.bash)"),
        (". /etc/bash.bashrc", ". /etc/bash.bashrc"),
        ("echo resource /x/set_env.sh", "echo resource /x/set_env.sh"),
    ],
)
def test_a_start_file_keeps_its_grammar_and_runs_no_script_of_the_vendor(line: str, expected: str) -> None:
    assert disarm(line) == expected


def test_start_files_are_found_and_others_left_as_they_are(tmp_path: Path) -> None:
    text = "source /x/set_env.sh\n"
    for name in ("etc/profile", "root/.bashrc", "opt/script.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    disarm_files(tmp_path)
    found = {name: (tmp_path / name).read_text() for name in ("etc/profile", "root/.bashrc", "opt/script.sh")}
    assert found == {"etc/profile": f": {text[7:]}", "root/.bashrc": f": {text[7:]}", "opt/script.sh": text}


@pytest.mark.real
def test_a_script_that_talks_does_not_spoil_what_it_sets(tmp_path: Path) -> None:
    script = tmp_path / "set_env.sh"
    script.write_text("echo words; export ODD='a = \"b\"' LIST=/new:$LIST; f() { :; }; export -f f\n")
    found = environment_after(f". {script}")
    assert (found["ODD"], found["LIST"]) == ('a = "b"', "/new:")
    assert [name for name in found if "BASH_FUNC" in name] == []


@pytest.mark.real
def test_a_script_that_gives_up_ends_the_build(tmp_path: Path) -> None:
    script = tmp_path / "set_env.sh"
    script.write_text("exit 3\n")
    with pytest.raises(SystemExit, match="3"):
        environment_after(f". {script}")
