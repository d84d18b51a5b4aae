"""Which places a plan depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from envkit import compat
from envkit.image.reach import places, proxies_of, reach, reach_from
from envkit.plan.facts import BuildFacts, Inputs
from envkit.plan.make import make
from envkit.plan.network import Network
from envkit.spec.model import Spec
from tests.scripted_host import ScriptedHost

DATA = compat.table("code_server")


def asked(mirrors: Mapping[str, str] | None = None, **keys: object) -> dict[str, str]:
    spec = Spec.model_validate({"name": "x", "base": "debian:12", **keys})
    return places(make(spec, BuildFacts(), Inputs(), ""), "arm64", mirrors or {})


def test_a_plan_depends_on_what_it_would_fetch() -> None:
    assert asked(torch="2.13.0", ide={"code_server": {"extensions": ["a.b"]}}) == {
        "release": DATA["release"].format(version="4.138.0", architecture="arm64"),
        "gallery": DATA["gallery"],
        "torch": compat.table("torch")["index"] + "cpu/torch/",
    }


def test_a_machines_own_mirrors_are_asked_in_their_place() -> None:
    mirrors = {"ENVKIT_RELEASES_URL": "http://m/releases", "ENVKIT_GALLERY_URL": "http://m/gallery"}
    assert asked(mirrors, ide={"code_server": {"extensions": ["a.b"]}}) == {
        "release": "http://m/releases/v4.138.0/code-server-4.138.0-linux-arm64.tar.gz",
        "gallery": "http://m/gallery",
    }


def test_what_is_not_wanted_is_not_asked() -> None:
    assert asked(ide={"code_server": "false"}) == {}
    assert asked(ide={"code_server": {"source": "script"}}) == {}
    assert reach({}, Network()) == {}


def test_proxies_are_named_as_urllib_names_them() -> None:
    network = Network(proxies={"HTTPS_PROXY": "http://p", "NO_PROXY": "x"})
    assert proxies_of(network) == {"https": "http://p", "no": "x"}


class There(ScriptedHost):
    """A machine over SSH."""

    def forward(self, address: str) -> Path:
        raise NotImplementedError


def test_another_machine_is_asked_there() -> None:
    host = There({"python3 -c": (0, '{"torch": true}')})
    urls = {"torch": "http://a", "gallery": "http://b"}
    assert reach_from(host, urls, Network()) == {"torch": True, "gallery": False}
    assert json.loads(host.asked[0].stdin)["urls"] == urls
    assert reach_from(host, {}, Network()) == {}


def test_a_machine_that_cannot_ask_counts_as_not_tried() -> None:
    for host in (There(), There({"python3": (1, "no such module")}), There({"python3": (0, "hello")})):
        assert reach_from(host, {"torch": "http://a"}, Network()) == {}
