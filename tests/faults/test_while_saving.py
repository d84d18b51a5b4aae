"""`envkit commit` is killed at thirty points: run again it makes the very same image, and nothing stays.

A point is a request that changes something on the engine, chosen from all that an undisturbed save makes. All
is real but `verify`, which the tiny image cannot pass: its manifest is collected, its last layer built. Each
run begins over what those before it left: ten are killed, one after the other, and the next is not.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.faults.private_engine import PrivateEngine
from tests.faults.processes import Process
from tests.faults.proxy import Do, Rule
from tests.faults.saves import Left, Place, Point, Save, acts, made, points, run_in, until
from tests.names import fresh

pytestmark = pytest.mark.real

FIRST = "mkdir -p /opt/mine; head -c 300000 /dev/urandom >/opt/mine/big; echo 1 >/opt/mine/file"
SECOND = "rm /opt/mine/big /srv/tree/delete; echo 2 >/opt/mine/file; echo more >>/srv/tree/change"
MUST = "^POST .*/(commit|images/load|build|tag)$"
POINTS, ROUNDS = 20, 2
SQUASH_POINTS = 10
PATIENCE_S = "10"  # of an engine whose answer to a commit does not come; all others come sooner


@pytest.fixture(scope="module")
def first(place: Place, tiny: str) -> Iterator[str]:
    """An image that was saved once."""
    name = fresh("first")
    container = made(place.engine, tiny, name)
    run_in(container, FIRST)
    save = Save(place=place, container=container, name=name)
    try:
        save.done()
    finally:
        container.remove(force=True)
    yield save.tag
    save.forget()


@pytest.fixture(scope="module")
def save(place: Place, first: str) -> Iterator[Save]:
    """An environment of it, in which more was done."""
    name = fresh("second")
    container = made(place.engine, first, name)
    run_in(container, SECOND)
    save = Save(place=place, container=container, name=name)
    yield save
    save.forget()
    container.remove(force=True)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What an undisturbed save asks of the engine, and makes."""

    acts: list[tuple[str, str, int]]
    layers: list[str]
    before: Left  # what is there without it


def known(save: Save) -> Known:
    """Save it, and forget that."""
    before = save.place.left()
    save.place.proxy.mend()
    layers = save.done()
    seen = list(save.place.proxy.seen)
    save.forget()
    assert save.place.left() == before
    return Known(acts=acts(seen), layers=layers, before=before)


@pytest.fixture(scope="module")
def plain(save: Save) -> Known:
    """Of a save."""
    return known(save)


@pytest.fixture(scope="module")
def squashed(save: Save) -> Known:
    """Of one that makes one layer of both."""
    return known(replace(save, more=("--squash",)))


def killed_and_saved(save: Save, chosen: list[Point], known: Known) -> None:
    """Kill it at each of the points; then let it end."""
    last = max(at for at, (_, path, _) in enumerate(known.acts) if path.endswith("/tag"))
    for point in chosen:
        save.place.kill(point.rule(), *save.words)
        until(lambda: save.state() == "running", "nothing is paused any more")
        if save.is_tagged():  # nothing but what is for a while was still to go
            assert known.acts.index(point.act) >= last, point
            save.forget()
    assert save.done() == known.layers
    save.forget()
    assert save.place.swept() == known.before


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_save_converges(save: Save, plain: Known, number: int) -> None:
    chosen = points(plain.acts, POINTS, MUST)
    assert len(set(chosen)) == POINTS
    killed_and_saved(save, chosen[number::ROUNDS], plain)


def test_a_killed_squash_converges(save: Save, squashed: Known) -> None:
    """What it has in common with a save was killed there: these are the steps between copy and new image."""
    loads = [at for at, (_, path, _) in enumerate(squashed.acts) if path.endswith("/load")]
    assert len(loads) == 2
    chosen = points(squashed.acts[loads[0] - 2 : loads[1] + 1], SQUASH_POINTS, MUST)
    killed_and_saved(replace(save, more=("--squash",)), chosen, squashed)


@pytest.mark.parametrize(
    ("do", "path"), [("hang-after", "/commit"), ("cut-after", "/commit"), ("cut-after", "/images/load")]
)
def test_a_lost_answer_makes_no_second_image(save: Save, plain: Known, do: Do, path: str) -> None:
    place = save.place
    place.proxy.mend()
    place.proxy.break_at(Rule(do=do, method="POST", path=path))
    code, said = place.begin(*save.words, ENVKIT_ENGINE_TIMEOUT=PATIENCE_S).wait()
    assert (code, place.proxy.seen.count(f"POST {path}")) == (0, 1), said
    place.proxy.mend()
    save.forget()
    assert place.left() == plain.before


@pytest.mark.parametrize("last", ["/exec/.*/start", "/build"])
def test_ctrl_c_in_the_proof_leaves_nothing(save: Save, plain: Known, last: str) -> None:
    """Its last look into a container is at the new image, its only build is that one's last layer."""
    place = save.place
    place.proxy.mend()
    method, path, number = [one for one in plain.acts if re.fullmatch(last, one[1])][-1]
    rule = place.proxy.break_at(Rule(do="block-before", method=method, path=path, occurrence=number))
    process = place.begin(*save.words)
    until(rule.reached.is_set, f"{rule}: {place.proxy.seen}")
    os.kill(process.pid, signal.SIGINT)
    code, said = process.wait()
    assert (code, save.state(), save.is_tagged()) == (130, "running", False), said
    assert place.left() == plain.before


def copied_to_the_middle(save: Save) -> Process:
    """Begin a save until the engine copies; one that was over before it was seen is begun again."""
    for _ in range(20):
        process = save.place.begin(*save.words)
        until(lambda: save.state() == "paused" or save.is_tagged(), "it is copied")
        if save.state() == "paused":
            return process
        process.wait()
        save.forget()
    raise AssertionError("it was never seen paused")


def test_an_engine_killed_while_it_copies(place: Place, private: PrivateEngine, first: str) -> None:
    """The last of all: what runs on the engine ends with it."""
    name = fresh("third")
    container = made(place.engine, first, name)
    run_in(container, "head -c 30000000 /dev/urandom >/opt/mine/more")
    save, before = Save(place=place, container=container, name=name), place.left()
    process = copied_to_the_middle(save)
    private.end(signal.SIGKILL)
    private.start().close()
    code, said = process.wait()
    assert code == 5, said
    assert (save.state(), save.is_tagged()) == ("exited", False)
    container.start()
    save.done()
    listed = place.engine.containers.run(
        save.tag, ["-c", "%s", "/opt/mine/more"], entrypoint="stat", remove=True
    )
    assert listed == b"30000000\n"
    save.forget()
    assert place.swept() == before
    container.remove(force=True)
