"""A registry that refuses, breaks off, hangs or lies: told apart, and tried again where that can help."""

from __future__ import annotations

import json

import docker
import pytest

from tests.docker_registry import Registry
from tests.faults.saves import unseen
from tests.names import fresh
from tests.real.registry.conftest import SIZE, Desk
from tests.registry_faults import Faults, Rule

pytestmark = pytest.mark.real
SLOW_SIZE = 16_000_000  # of random bytes: a machine's own buffers take in four of them at once (tcp_wmem)


def told(code: str) -> dict[str, object]:
    """Return a registry's error as the distribution's protocol writes it."""
    return {"errors": [{"code": code, "message": code.lower(), "detail": None}]}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, told("UNAUTHORIZED"), "it refuses a push without a login: docker's config has none"),
        (403, told("DENIED"), "nobody without a login may not push to team/lab"),
        (404, told("NAME_UNKNOWN"), "it knows no team/lab"),
        (413, "", "a layer is larger than it takes"),
    ],
)
def test_a_refusal_is_told_apart_and_not_tried_again(
    desk: Desk, faults: Faults, status: int, body: object, said: str
) -> None:
    faults.rules.append(
        Rule(do="answer", method="PUT", path="/manifests/", status=status, body=body, times=99)
    )
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/lab:{fresh('t')}")
    assert (done.returncode, done.stdout) == (5, "") and said in done.stderr
    assert len([line for line in faults.seen if "/manifests/" in line and line.startswith("PUT")]) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_passes_is_tried_again(desk: Desk, faults: Faults, status: int) -> None:
    rule = Rule(do="answer", method="PUT", path="/manifests/", status=status, times=1)
    faults.rules.append(rule)
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/lab:{fresh('t')}")
    assert done.returncode == 0, done.stderr
    assert rule.met == 1 and "trying again in 2 s" in done.stderr and ", 2 tries" in done.stderr


def test_a_reset_near_the_end_is_survived(desk: Desk, faults: Faults, registry: Registry) -> None:
    rule = Rule(do="reset", method="PATCH", path="/blobs/uploads/", size=SIZE * 9 // 10)
    faults.rules.append(rule)
    tag = fresh("t")
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/lab:{tag}")
    assert done.returncode == 0, done.stderr
    status, manifest = registry.manifest("team/lab", tag)
    assert (rule.met, status, json.loads(manifest)["config"]["digest"]) == (1, 200, desk.identity)


@pytest.mark.parametrize("way", ["engine", "skopeo"])
def test_a_link_on_which_nothing_moves_is_given_up(desk: Desk, faults: Faults, way: str) -> None:
    faults.rules.append(Rule(do="hang", method="PATCH", path="/blobs/uploads/", size=100_000, times=99))
    to = f"{faults.address}/team/lab:1"
    done = desk.run("push", desk.image, "--to", to, "--timeout", "4", "--way", way)
    assert (done.returncode, done.stdout) == (5, "")
    assert "nothing has moved for 4 s: the link is too slow, or hangs" in done.stderr


@pytest.mark.parametrize("way", ["engine", "skopeo"])
def test_a_slow_link_is_not_given_up(desk: Desk, faults: Faults, registry: Registry, way: str) -> None:
    image = unseen(docker.from_env(), SLOW_SIZE)
    faults.rules.append(Rule(do="slow", method="PATCH", path="/blobs/uploads/", size=SLOW_SIZE // 80))
    repository = f"team/{image[:-4]}"
    try:
        words = ("--to", f"{faults.address}/{repository}:1", "--timeout", "5", "--way", way)
        done = desk.run("push", image, *words)
        assert done.returncode == 0 and ", 2 tries" not in done.stderr, done.stderr
        assert registry.manifest(repository, "1")[0] == 200
    finally:
        desk.engine.images.untag(image)


FULL = {
    "errors": [{"code": "UNKNOWN", "message": "unknown error", "detail": "write x: no space left on device"}]
}


@pytest.mark.parametrize("status", [500, 507])
def test_a_full_registry_is_told_at_once(desk: Desk, faults: Faults, status: int) -> None:
    faults.rules.append(
        Rule(do="answer", method="PATCH", path="/blobs/uploads/", status=status, body=FULL, times=99)
    )
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/lab:1")
    assert (done.returncode, done.stdout) == (5, "") and "the registry's disk is full" in done.stderr
    sent = [line for line in faults.seen if line.startswith("PATCH")]
    assert len(sent) == 2 and faults.seen[-1].startswith("DELETE"), faults.seen  # the engine's, and ours


def test_a_registry_that_keeps_nothing_is_not_believed(desk: Desk, faults: Faults) -> None:
    faults.rules.append(Rule(do="answer", method="PUT", path="/manifests/", status=201, times=99))
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/lab:{fresh('t')}")
    assert (done.returncode, done.stdout) == (5, "")
    assert "and the registry has nothing of that name" in done.stderr


def test_a_registry_that_shows_another_manifest_is_not_believed(desk: Desk, faults: Faults) -> None:
    faults.rules.append(
        Rule(do="answer", method="GET", path="/manifests/", status=200, body={"a": 1}, times=99)
    )
    done = desk.run("push", desk.image, "--to", f"{faults.address}/team/lab:{fresh('t')}")
    assert (done.returncode, done.stdout) == (5, "") and "somebody else pushed, too" in done.stderr
