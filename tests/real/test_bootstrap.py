"""A base made from packages, for real: what is in it, and what an interruption leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import ExecRequest, RunRequest
from envkit.hosts.local import LocalHost
from envkit.image.base import describe_base
from envkit.image.bootstrap import Wanted, bootstrap

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not Path("/usr/share/keyrings/debian-archive-keyring.gpg").is_file(), reason="needs Debian's keys"
    ),
]

NAME = f"envkit-test-bootstrap:{os.getpid()}"
# What must not be in it: this machine's apt settings, lists, files left over.
REST = "cat /etc/apt/apt.conf.d/* /etc/apt/sources.list; find /tmp /var/lib/apt/lists /var/cache/apt -type f"


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The engine, without the test's image before and after."""
    engine = connect(LocalHost())
    yield engine
    engine.images.untag(NAME)


def make(engine: Engine, report: Callable[[str], None]) -> None:
    bootstrap(Wanted(name="debian:12", reference=NAME), engine, LocalHost(), report)


def test_an_interrupted_one_leaves_no_tag_and_no_files(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def interrupt(line: str) -> None:
        if "extracting" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(engine, interrupt)
    assert engine.images.inspect(NAME) is None
    assert list(tmp_path.glob("envkit-*")) == []


def test_it_is_a_whole_debian_and_nothing_of_this_machine(engine: Engine) -> None:
    lines: list[str] = []
    make(engine, lines.append)
    assert lines[-1] == "  creating tarball"
    facts = describe_base(engine, NAME)
    assert (facts.distribution, facts.glibc, facts.package_manager) == ("debian:12", "2.36", "apt")
    image = engine.images.inspect(NAME)
    assert image is not None and image.layers == 1
    assert image.labels["io.envkit.distribution"] == "debian:12"
    with running(engine, RunRequest(image=NAME, command=("sleep", "60"), network="none")) as container:
        rest = engine.inside.execute(container, ExecRequest(command=("sh", "-c", REST))).stdout.decode()
    assert "bookworm-security main" in rest
    for word in ("Proxy", "Check-Valid-Until", "/tmp/", "_Packages", ".deb\n"):
        assert word not in rest
