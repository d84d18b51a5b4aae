"""What an image says of itself before it is adopted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.errors import PlanError
from envkit.image.own_look import Seen, look_into, open_command
from envkit.plan.kept import Kept, OwnPython
from tests.adoptions import IMAGE, Image


def look(image: Image) -> Seen:
    engine = image.engine()
    found = engine.images.inspect(IMAGE)
    assert found is not None
    seen = look_into(engine, found, IMAGE)
    assert engine.containers.find({}) == ()
    return seen


def test_everything_that_is_kept_is_seen() -> None:
    python = OwnPython(
        version="3.11",
        program="/app/venv/bin/python",
        interpreter="/usr/bin/python3.11",
        folders=("/app/venv/lib/python3.11/site-packages",),
        torch="2.13.0+cpu",
    )
    assert look(Image(python={"torch": "2.13.0+cpu"})) == Seen(
        kept=Kept(
            reference=IMAGE,
            python=python,
            entrypoint=None,
            command=(),
            user="app",
            home="/home/app",
            directory="/app",
            env=(("PATH", "/app/venv/bin:/bin"),),
        ),
        distribution="debian:12",
        glibc="2.36",
        musl=False,
        manager="apt-get",
        uid=4321,
        accounts={"root": 0, "app": 4321},
    )


def test_an_image_without_python_has_none_to_keep() -> None:
    seen = look(Image(own={"uid": "0", "home": "/root", "directory": "/"}))
    assert (seen.kept.python, seen.uid) == (None, 0)


def test_what_others_cannot_pass_is_opened_and_what_they_cannot_read_is_named() -> None:
    seen = look(Image(python={"closed": {"/root": "g", "/home/app": "o"}}, others={"unreadable": ["/x"]}))
    assert (seen.closed, seen.unreadable) == (("g:/root", "o:/home/app"), ("/x",))
    assert [open_command(one) for one in seen.closed] == ["chmod g+x /root", "chmod o+x /home/app"]


def test_a_python_that_does_not_start_for_others_is_unreadable() -> None:
    assert look(Image(others=None)).unreadable == ("/app/venv/bin/python",)


def test_an_image_that_cannot_be_entered_is_told_at_once() -> None:
    engine = FakeEngine()
    with pytest.raises(PlanError, match="cannot be looked into") as caught:
        look_into(engine, replace(Image().facts, id="sha256:gone"), IMAGE)
    assert "/bin/sh" in caught.value.fix
