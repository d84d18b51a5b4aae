"""What using both IDEs leaves behind, made by the real tools: nothing of it is in the image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.save.layers import reading
from envkit.save.plan import CommitOptions
from tests.names import fresh
from tests.real.save.conftest import PYTHON
from tests.real.save.environments import environment, run_in, save, with_index

pytestmark = pytest.mark.real

USE = Path(__file__).with_name("use.py")
USER = "1000:0"
MARK = "Wn7dK2sVx9Qb4TzR6mLc"  # of nobody
# Each in a terminal: without one they keep no history. pip's own cache, not that of the machine's folder.
TOOLS = f"""
unset PIP_CACHE_DIR XDG_CACHE_HOME
cd /work/home
printf 'mark = "{MARK}"\\nexit()\\n' | script -qec python /dev/null >&2
printf 'echo {MARK}\\nexit\\n' | script -qec 'bash -i' /dev/null >&2
git config --global credential.helper store
printf 'protocol=https\\nhost=git.example\\nusername=ada\\npassword={MARK}\\n' | git credential approve
git config --global url.https://ada:{MARK}@git.example/.insteadOf https://git.example/
git config --global user.name Ada
pip install idna==3.4 >&2
echo kept >/opt/venv/kept
"""
# Where each of them keeps what it remembers; those in SAID have the mark in them.
SAID = (
    ".bash_history", ".git-credentials", ".gitconfig", ".ipython/profile_default/history.sqlite",
    ".jupyter/lab/workspaces", ".python_history",
)  # fmt: skip
LEFT = (
    *(one for one in SAID if one != ".gitconfig"), ".cache/pip", ".local/share/jupyter/nbsignatures.db",
    ".local/share/code-server/coder.json", ".local/share/code-server/coder-logs",
)  # fmt: skip


@pytest.fixture
def tag(ours: Engine) -> Iterator[str]:
    """A name for the image, which goes with what it names."""
    made = f"envkit-test-{fresh('used')}:1"
    yield made
    ours.images.untag(made)


def left(engine: Engine, container: str) -> list[str]:
    """Return which of them hold a file."""
    look = f'for one in {" ".join(LEFT)}; do [ -z "$(find $one -type f 2>/dev/null)" ] || echo $one; done'
    return run_in(engine, container, f"cd /work/home; {look}").split()


def marked(engine: Engine, container: str) -> str:
    """Return the files in which the mark is, wherever something was written."""
    return run_in(engine, container, f"grep -rl {MARK} /work /root /home /etc /opt/venv /tmp /var || true")


def test_nothing_that_a_used_ide_left_behind_is_in_the_image(ours: Engine, image: str, tag: str) -> None:
    name = fresh("used")
    with environment(ours, image, name, user=USER) as container:
        ours.inside.put(container, {"/tmp/use.py": USE.read_bytes()})
        run_in(ours, container, f"{PYTHON} /tmp/use.py {name} {MARK}", user=USER)
        run_in(ours, container, f"{with_index(ours, container)}{TOOLS}", user=USER)
        assert left(ours, container) == list(LEFT)
        there = marked(ours, container)
        assert [one for one in SAID if f"/work/home/{one}" not in there] == []
        save(ours, name, CommitOptions(tag=tag, scrub=True))
    with reading(ours, tag) as container:
        assert left(ours, container) == []
        assert marked(ours, container) == ""
        stays = run_in(ours, container, "cat /opt/venv/kept /work/home/.gitconfig; ls /work/home")
    for one in ("kept\n", "name = Ada", "mine.ipynb"):
        assert one in stays
