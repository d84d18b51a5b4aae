"""How an engine is set up, from recorded answers of engines of several ages."""

from __future__ import annotations

from envkit.engines.docker_setup import read_setup
from envkit.engines.values import EngineSetup

# As Debian 12's own engine answers (20.10.24), shortened.
INFO = {
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
    "CgroupDriver": "cgroupfs",
    "CgroupVersion": "1",
    "Runtimes": {"io.containerd.runc.v2": {"path": "runc"}, "runc": {"path": "runc"}},
    "SecurityOptions": ["name=seccomp,profile=default"],
    "Plugins": {"Volume": ["local"], "Authorization": None},
    "HttpProxy": "",
    "HttpsProxy": "",
    "Warnings": None,
}
VERSION = {
    "Components": [
        {"Name": "Engine", "Version": "20.10.24+dfsg1"},
        {"Name": "containerd", "Version": "1.6.20~ds1"},
        {"Name": "runc", "Version": "1.1.5+ds1"},
        {"Name": "docker-init", "Version": "0.19.0"},
    ]
}


def test_what_docker_tells_is_read() -> None:
    assert read_setup(INFO, VERSION) == EngineSetup(
        parts={"containerd": "1.6.20~ds1", "runc": "1.1.5+ds1", "docker-init": "0.19.0"},
        storage_driver="overlay2",
        backing={"Backing Filesystem": "extfs", "Supports d_type": "true"},
        cgroup_driver="cgroupfs",
        cgroup_version="1",
        runtimes=("io.containerd.runc.v2", "runc"),
        security=("seccomp",),
    )


def test_a_proxy_a_plugin_and_its_own_warnings_are_seen() -> None:
    more = {
        "HttpsProxy": "http://proxy:3128",
        "Plugins": {"Authorization": ["opa"]},
        "Warnings": ["WARNING: x"],
    }
    setup = read_setup(more, {})
    assert (setup.has_proxy, setup.authorization, setup.warnings) == (True, ("opa",), ("WARNING: x",))


def test_an_engine_that_tells_nothing_has_an_empty_setup() -> None:
    assert read_setup({}, {}) == EngineSetup()
