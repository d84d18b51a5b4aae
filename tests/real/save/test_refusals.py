"""What a save says of an environment that is not as it should be: keys, waits, what does not work."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from envkit.engines.base import Engine
from envkit.environment.site import Site
from envkit.errors import VerifyError
from envkit.hosts.local import LocalHost
from envkit.image.proving import Reports
from envkit.save.carry import carry
from envkit.save.commit import plan
from envkit.save.look import look
from envkit.save.plan import CommitOptions, CommitRefused, plan_commit
from tests.names import fresh
from tests.real.save.conftest import PYTHON
from tests.real.save.environments import environment, ignore, run_in, save

pytestmark = pytest.mark.real

# A parent waits in state D for a child made with CLONE_VFORK (clone(2)); the numbers are the kernel's.
WAIT = """
import ctypes, platform, signal, time
number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
if ctypes.CDLL(None).syscall(number, 0x4000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    time.sleep(600)
"""


@pytest.fixture
def name() -> str:
    return fresh("refusal")


@pytest.fixture
def tag(ours: Engine, name: str) -> Iterator[str]:
    """A name for the image, which goes with what it names."""
    yield f"envkit-test-{name}:1"
    ours.images.untag(f"envkit-test-{name}:1")


def a_key() -> bytes:
    """Return a private key of nobody."""
    made = ed25519.Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_projects_keys_are_refused_until_the_user_answers_for_them(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    with environment(ours, tiny, name) as container:
        key = f"/opt/project/keys/{name}.pem"
        ours.inside.put(container, {key: a_key()})
        with pytest.raises(CommitRefused, match=f"{key}:1: a private key") as refused:
            save(ours, name, CommitOptions(tag=tag))
        assert refused.value.fix.endswith(f"--allow {key}")
        assert ours.images.inspect(tag) is None
        saved = save(ours, name, CommitOptions(tag=tag, allow=("/opt/project/keys",)))
    assert saved.removed == ()
    with environment(ours, tag, name) as container:
        assert run_in(ours, container, f"grep -c BEGIN {key}") == "1\n"


def test_a_process_in_an_uninterruptible_wait_is_named_and_hinders_nothing(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    with environment(ours, tiny, name) as container:
        ours.inside.put(container, {"/opt/wait.py": WAIT.encode()})
        run_in(ours, container, f"{PYTHON} -I /opt/wait.py >/dev/null 2>&1 &")
        deadline = time.monotonic() + 300
        while not (seen := plan(ours, name, CommitOptions(tag=tag))[0].sight.stuck):
            assert time.monotonic() < deadline, "nothing waits"
        assert f"{PYTHON} -I /opt/wait.py (pid " in seen[0]
        save(ours, name, CommitOptions(tag=tag))
    assert ours.images.inspect(tag)


def test_an_image_that_does_not_work_gets_no_name_and_leaves_nothing(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    made = []

    def broken(who: str, image: str, engine: Engine, reports: Reports) -> str:
        made.append(image)
        raise VerifyError("the image does not work\n    no: jupyter-opens", fix="")

    site = Site(engine=ours, host=LocalHost(), home="/nowhere", cache="/nowhere")
    with environment(ours, tiny, name) as container:
        run_in(ours, container, "echo 1 >/opt/mine")
        options = CommitOptions(tag=tag)
        asked = plan_commit(look(ours, name, search=False), options, None)
        with pytest.raises(VerifyError, match="no: jupyter-opens") as failed:
            carry(site, asked, Reports(note=ignore, event=ignore, item=ignore), broken)
        after = ours.containers.inspect(container)
        assert after is not None
        assert after.state == "running"
    assert failed.value.exit_code == 9
    assert failed.value.fix == f"mend it in the environment, and commit again: `envkit shell {name}`"
    assert [ours.images.inspect(image) for image in (*made, tag)] == [None, None]
