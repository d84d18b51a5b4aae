"""What becomes of an adopted image's entrypoint, in decisions, labels and scripts."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.plan import adopted
from envkit.plan.kept import Kept, OwnEntrypoint

ENTRYPOINT = OwnEntrypoint(words=("/e.sh", "a b"), wraps=True, sets=(("PATH", "/t:/bin"), ("TEAM", "vision")))
KEPT = Kept(
    reference="team/train:1.0",
    python=None,
    entrypoint=ENTRYPOINT,
    command=("serve",),
    user="app",
    home="/home/app",
    directory="/app",
    env=(("PATH", "/bin"),),
)


def test_a_spec_s_own_image_has_none_of_it() -> None:
    assert adopted.decisions(None) == () and adopted.labels(None) == {} and not adopted.wraps(None)


def test_what_the_image_was_stays_in_a_label() -> None:
    labels = adopted.labels(KEPT)
    assert labels["org.opencontainers.image.base.name"] == "team/train:1.0"
    assert json.loads(labels["io.envkit.adopted"]) == {
        "from": "team/train:1.0",
        "container": "",
        "entrypoint": ["/e.sh", "a b"],
        "command": ["serve"],
        "user": "app",
        "directory": "/app",
        "python": "",
    }


@pytest.mark.parametrize(
    ("entrypoint", "told"),
    [
        (None, [("entrypoint", "none")]),
        (ENTRYPOINT, [("entrypoint", "/e.sh 'a b'"), ("variables", "PATH, TEAM")]),
        (replace(ENTRYPOINT, wraps=False, sets=()), [("entrypoint", "/e.sh 'a b'")]),
    ],
)
def test_each_kind_of_entrypoint_is_told(
    entrypoint: OwnEntrypoint | None, told: list[tuple[str, str]]
) -> None:
    decisions = adopted.decisions(replace(KEPT, entrypoint=entrypoint))
    assert [(decision.name, decision.value) for decision in decisions] == told


ENTRY = """#!/bin/sh
echo "in $PWD with $HOME ${TEAM-none}"
export PATH=/t:$PATH TEAM=vision
exec "$@"
"""


def start(folder: Path, *words: str, **env: str) -> list[str]:
    """Run the scripts with an entrypoint that adds to PATH and sets TEAM; return what was printed."""
    own = folder / "own"
    own.mkdir()
    kept = replace(
        KEPT,
        entrypoint=OwnEntrypoint(
            words=("./e.sh",), wraps=True, sets=(("PATH", "/t:/usr/bin:/bin"), ("TEAM", "vision"))
        ),
        directory=str(own),
        env=(("PATH", "/usr/bin:/bin"),),
    )
    scripts = {
        "own/e.sh": ENTRY,
        "own/entrypoint": "#!/bin/sh\necho envkit: $1\n",
        "entrypoint.sh": adopted.entrypoint_script(kept, "/opt/venv"),
        "after_entrypoint.sh": adopted.after_script(kept, "/opt/venv"),
    }
    for name, text in scripts.items():
        text = text.replace("/opt/envkit/etc", str(folder)).replace("/opt/envkit/bin", str(own))
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    here = {"PATH": "/opt/venv/bin:/t:/usr/bin:/bin", "HOME": "/work/home", "TEAM": "vision", **env}
    command = ("/bin/sh", folder / "entrypoint.sh", *words)
    done = subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


SAY = ("/bin/sh", "-c", 'echo "$PWD $HOME $TEAM $PATH"')


@pytest.mark.real
def test_the_entrypoint_finds_what_it_found_and_the_command_what_the_image_has(tmp_path: Path) -> None:
    assert start(tmp_path, *SAY) == [
        f"in {tmp_path}/own with /home/app none",
        f"{tmp_path} /work/home vision /opt/venv/bin:/t:/usr/bin:/bin",
    ]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "left", "tidied"),
    [
        ("LD_LIBRARY_PATH", "/a:/b::/a:/c d:/x/devlib:/y/stubs/z:/b*", "/a:/b:/c d:/b*"),
        ("PYTHONPATH", "/a:/b/stubs:/a:", "/a:/b/stubs"),
        ("WORD", "a:a", "a:a"),
        ("HERE", "/a", "/a"),
    ],
)
def test_lists_that_a_maker_s_scripts_set_twice_hold_each_folder_once(
    tmp_path: Path, name: str, left: str, tidied: str
) -> None:
    kept = replace(KEPT, entrypoint=replace(ENTRYPOINT, sets=((name, left),)))
    script = tmp_path / "after.sh"
    script.write_text(adopted.after_script(kept, "/opt/venv", tidied=True))
    words = ("/bin/sh", script, "printenv", name)
    here = {"PATH": "/usr/bin:/bin", "ENVKIT_DIRECTORY": str(tmp_path), name: left}
    done = subprocess.run(words, env=here, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tidied}\n"


@pytest.mark.real
def test_what_whoever_starts_it_sets_reaches_the_entrypoint(tmp_path: Path) -> None:
    assert start(tmp_path, *SAY, TEAM="mine")[0] == f"in {tmp_path}/own with /home/app mine"


@pytest.mark.real
@pytest.mark.parametrize("words", [("ide",), ()])
def test_the_ides_do_not_go_through_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert start(tmp_path, *words) == ["envkit: ide"]


@pytest.mark.real
def test_a_program_called_ide_can_have_words(tmp_path: Path) -> None:
    assert start(tmp_path, "echo", "ide")[1] == "ide"
