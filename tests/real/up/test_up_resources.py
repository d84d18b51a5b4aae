"""What an environment may have of its machine, on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.values import DeviceRequest, ExecRequest, RunRequest
from envkit.environment.up import Site, up
from envkit.errors import AcceleratorError, UsageError
from envkit.plan.devices import parse_device
from envkit.plan.mounts import FolderMount
from envkit.plan.run_plan import Caller
from tests.real.up.conftest import IMAGE, Containers, Inside, Request

pytestmark = pytest.mark.real

ADA = Caller(uid=1000, gid=1000, name="ada")
# Both versions of control groups; one of the two files is there.
MEMORY = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || true"
CPU = "cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || true"


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "set").write_text("numbers\n")
    folder.chmod(0o755)
    return folder


def test_a_limit_is_what_the_kernel_holds(site: Site, request_for: Request, inside: Inside) -> None:
    up(site, request_for(cpus=1.5, memory_mib=600, shm_mib=300), silent)
    assert inside("sh", "-c", MEMORY).split() == [str(600 << 20)]
    assert inside("sh", "-c", CPU).split()[0] == "150000"
    assert "300" in inside("df", "-m", "/dev/shm").split()


def test_a_folder_appears_under_its_name(
    site: Site, request_for: Request, inside: Inside, data: Path
) -> None:
    mounts = (FolderMount(name="data", source=str(data), read_only=True),)
    up(site, request_for(ADA, mounts=mounts), silent)
    assert inside("cat", "/work/data/set") == "numbers\n"
    assert "denied" in inside("sh", "-c", "touch /work/data/new 2>&1; echo denied")
    assert [path.name for path in data.iterdir()] == ["set"]


def test_a_writable_folder_is_written_to_as_the_caller(
    site: Site, request_for: Request, inside: Inside, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir(mode=0o777)
    (tmp_path / "out").chmod(0o777)
    up(site, request_for(ADA, mounts=(FolderMount(name="out", source=str(tmp_path / "out")),)), silent)
    inside("touch", "/work/out/new")
    assert (tmp_path / "out" / "new").stat().st_uid == 1000


@pytest.mark.parametrize("lead", ["/", "/etc", "/var/run", "/var/lib/docker", "/var/run/docker.sock"])
def test_a_link_to_the_system_is_no_way_in(
    site: Site, request_for: Request, containers: Containers, tmp_path: Path, lead: str
) -> None:
    (tmp_path / "link").symlink_to(lead)
    mounts = (FolderMount(name="x", source=str(tmp_path / "link")),)
    with pytest.raises(UsageError, match=r"--mount x"):
        up(site, request_for(mounts=mounts), silent)
    assert containers() == ()


def test_other_resources_are_a_difference(site: Site, request_for: Request, data: Path) -> None:
    up(site, request_for(memory_mib=600), silent)
    with pytest.raises(UsageError) as caught:
        up(site, request_for(mounts=(FolderMount(name="data", source=str(data), read_only=True),)), silent)
    assert caught.value.what.splitlines()[1] == f"    mounts: it has none, asked for is data={data}:ro"


def test_a_card_that_the_machine_lacks_is_refused_before_anything_is_made(
    site: Site, request_for: Request, containers: Containers
) -> None:
    with pytest.raises(AcceleratorError) as caught:
        up(site, request_for(device=parse_device("cuda:0")), silent)
    assert caught.value.exit_code == 7
    assert containers() == ()


def test_a_node_of_the_host_gets_in(docker: Engine) -> None:
    made = docker.containers.create(
        RunRequest(image=IMAGE, entrypoint=("sleep",), command=("60",), devices=("/dev/fuse",))
    )
    try:
        docker.containers.start(made)
        done = docker.inside.execute(made, ExecRequest(command=("sh", "-c", "test -c /dev/fuse")))
        assert done.code == 0
    finally:
        docker.containers.remove(made)


def test_cards_without_their_toolkit_are_an_accelerators_failure(docker: Engine) -> None:
    made = None
    asked = RunRequest(image=IMAGE, device_request=DeviceRequest(driver="", ids=("0",)))
    try:
        with pytest.raises(AcceleratorError, match="could not select device driver"):
            made = docker.containers.create(asked)
            docker.containers.start(made)
    finally:
        if made:
            docker.containers.remove(made)
