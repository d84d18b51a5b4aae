"""What asks the system who it is works under a uid that the image has never heard of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.values import ExecRequest
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.plan.run_plan import Caller, RunOptions
from tests.real.derived import derived
from tests.real.up.conftest import Inside

pytestmark = pytest.mark.real

GRACE = Caller(uid=1234567, gid=1234567, name="grace")
COMPILED = """
import os, torch
from torch._inductor.runtime.cache_dir_utils import cache_dir
torch.manual_seed(0)
x = torch.randn(1000)
compiled = torch.compile(lambda x: (x.sin() * 2 + x).relu())
assert torch.allclose(compiled(x), (x.sin() * 2 + x).relu(), atol=1e-6)
built = [name for _, _, names in os.walk(cache_dir()) for name in names if name.endswith(".so")]
print(cache_dir(), len(built) > 0)
"""


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
    request = ExecRequest(command=("python", "-c", COMPILED), user="1234567:1234567", timeout_s=400)
    done = site.engine.inside.execute(f"envkit-{name}", request)
    assert (done.code, done.stdout.split()) == (0, [b"/work/cache/inductor", b"True"]), done.stderr
    for folder in (Path(opened.home), Path(opened.cache)):
        assert {path.lstat().st_uid for path in [folder, *folder.rglob("*")]} == {GRACE.uid}
