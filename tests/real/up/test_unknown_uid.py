"""What asks the system who it is works under a uid that the image has never heard of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.plan.run_plan import Caller, RunOptions
from envkit.smoke.run import smoke
from envkit.smoke.target import Wish
from tests.real.derived import derived
from tests.real.up.conftest import Inside

pytestmark = pytest.mark.real

GRACE = Caller(uid=1234567, gid=1234567, name="grace")


@pytest.fixture(scope="module")
def with_compiler(image: str) -> Iterator[str]:
    """The image under test, with a compiler and ssh's client."""
    with derived(Path(__file__).parent / "compiler", image) as made:
        yield made


def test_ssh_git_and_torchs_compiler_work(site: Site, name: str, with_compiler: str, inside: Inside) -> None:
    image = find_image(site.engine, with_compiler)
    opened = up(site, UpRequest(image=image, options=RunOptions(name=name), caller=GRACE), lambda line: None)
    assert inside("whoami").strip() == "grace"
    asked = inside("ssh", "-G", "somewhere").splitlines()  # without an account ssh ends at once
    assert "user grace" in asked
    inside("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/work/home/.ssh-key")
    inside("git", "init", "-q", "/work/home/repo")
    inside("git", "-C", "/work/home/repo", "-c", "user.email=g@h", "commit", "-q", "--allow-empty", "-m", "x")
    assert inside("git", "-C", "/work/home/repo", "log", "--format=%an").strip() == "grace"
    report = smoke(site, Wish(target=name, only=("compile",)), lambda result: None)
    assert [(one.id, one.outcome) for one in report.results] == [
        ("import", "passed"),
        ("device", "passed"),
        ("compile", "passed"),
    ], report
    assert list(Path(opened.cache, "inductor").rglob("*.so")), "it was compiled, and where caches belong"
    for folder in (Path(opened.home), Path(opened.cache)):
        assert {path.lstat().st_uid for path in [folder, *folder.rglob("*")]} == {GRACE.uid}
