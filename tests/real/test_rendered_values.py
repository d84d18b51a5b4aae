"""What is written arrives unchanged: in an image's variables and labels, and in a build step's shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import docker
import pytest

from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from envkit.plan.network import FOLDER, Network, script
from envkit.render import env_value

pytestmark = pytest.mark.real

NASTY = {
    "A": "\\",
    "B": "a\\",
    "C": '"',
    "D": "' # <<EOF",
    "E": "$HOME ${PATH:-x} $$ \\$A",
    "F": "`id` $(id) {{ x }}",
    "G": "",
    "H": "  a  ",
    "I": "é中😀",
    "J": '{"a": "b\\"c"}',
    "K": "a" * 4096,
    "L": 'x \\"',
    "M": "%s %0a \u00a0",
}


@pytest.mark.parametrize("classic", [False, True])
def test_builders_read_values_as_they_were_written(
    tmp_path: Path, engine: docker.DockerClient, *, classic: bool
) -> None:
    values = " \\\n    ".join(f"{name}={env_value(value)}" for name, value in NASTY.items())
    labels = " \\\n    ".join(f"x.{name.lower()}={env_value(value)}" for name, value in NASTY.items())
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nENV {values}\nLABEL {labels}\n", "utf-8")
    ours = connect(LocalHost(), classic=classic)
    image = ours.builder.build(BuildRequest(context=tmp_path), lambda _event: None)
    try:
        facts = ours.images.inspect(image)
        assert facts is not None
        found = {name: value for name, value in facts.env.items() if name != "PATH"}
        assert found == NASTY
        assert {name: facts.labels.get(f"x.{name.lower()}") for name in NASTY} == NASTY
    finally:
        engine.images.remove(image)


def test_a_build_step_reads_the_network_as_this_machine_has_it(tmp_path: Path) -> None:
    nasty = "ENVKIT-END\nEOF\n'\"'; touch owned; $(touch owned) `touch owned` \\"
    network = Network(
        proxies={"HTTP_PROXY": "http://u:p'$(touch owned)@h:1"},
        ca_bundle=nasty,
        pip={"index-url": "https://u:p@h/'simple", "find-links": "/here https://there/a'b"},
        npmrc=nasty,
        apt=nasty,
    )
    told = script(network).replace(FOLDER, str(tmp_path / "net"))
    (tmp_path / "script").write_text(told, "utf-8")
    words = ("bash", "-euo", "pipefail", "-c", "source ./script; env -0")
    done = subprocess.run(
        words, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    seen = dict(line.partition("=")[::2] for line in done.stdout.decode().split("\0"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "script"]
    assert (tmp_path / "net/ca.crt").read_text() == nasty + "\n" == (tmp_path / "net/npmrc").read_text()
    assert seen["HTTP_PROXY"] == seen["http_proxy"] == "http://u:p'$(touch owned)@h:1"
    assert seen["UV_DEFAULT_INDEX"] == seen["PIP_INDEX_URL"] == "https://u:p@h/'simple"
    assert seen["UV_FIND_LINKS"] == "https://there/a'b"


def test_the_base_s_own_vendors_stay_beside_this_machine_s_mirror(tmp_path: Path) -> None:
    told = script(Network(apt_sources="deb http://mirror.example/debian bookworm main"))
    lists = tmp_path / "etc"
    lists.mkdir()
    for name in ("debian.sources", "ubuntu.sources", "vendor.list"):
        (lists / name).write_text(name)
    told = told.replace(FOLDER, str(tmp_path / "net")).replace("/etc/apt/sources.list.d", str(lists))
    subprocess.run(("bash", "-euo", "pipefail", "-c", told), check=True)
    assert [path.name for path in (tmp_path / "net/sources.list.d").iterdir()] == ["vendor.list"]
    assert (tmp_path / "net/sources.list").read_text() == "deb http://mirror.example/debian bookworm main\n"
