"""Which images can be adopted, and the spec that is made of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envkit.errors import PlanError, UsageError
from envkit.image.adopt import Adoption, Place, Source, consider, default_tag, find_image, plan_adoption
from envkit.image.proving import Reports
from envkit.spec.model import Spec
from tests.adoptions import IMAGE, Image
from tests.scripted_host import ScriptedHost

QUIET = Reports(note=lambda text: None, event=lambda event: None, item=lambda item: None)


def found(image: Image, reference: str = IMAGE) -> tuple[Source, Place]:
    place = Place(engine=image.engine(), host=ScriptedHost(), reports=QUIET)
    return find_image(reference, place), place


def considered(image: Image, reference: str = IMAGE) -> Adoption:
    source, place = found(image, reference)
    return consider(source, None, place)


def spec_of(image: Image) -> Spec:
    return considered(image).loaded.spec


def refused(image: Image) -> PlanError:
    with pytest.raises(PlanError) as caught:
        considered(image)
    assert caught.value.what.startswith(f"{IMAGE} cannot be adopted: ")
    return caught.value


def test_its_own_user_python_and_torch_are_the_spec_s() -> None:
    spec = spec_of(Image(python={"version": "3.9", "torch": "2.9.0a0+git12", "closed": {"/root": "g"}}))
    assert (spec.base, spec.os, spec.accelerator, spec.python) == (IMAGE, "debian:12", "cpu", "3.9")
    assert (spec.torch, spec.torch_from) == ("2.9.0a0", "base")
    assert (spec.user.name, spec.user.uid, spec.user.gid) == ("app", 4321, 0)
    assert [(step.run, step.user, step.at) for step in spec.steps] == [
        ("chmod g+x /root", "root", "before_packages")
    ]


@pytest.mark.parametrize(
    ("python", "env", "accelerator"),
    [
        ({"torch": "2.13.0+cu128", "cuda": "12.8"}, {}, "cuda"),
        ({"torch": "2.13.0+cpu", "npu": True}, {}, "ascend"),
        ({"torch": "2.13.0+cpu"}, {"CUDA_VERSION": "12.8"}, "cpu"),
        ({}, {"CUDA_VERSION": "12.8"}, "cuda"),
        ({}, {"ASCEND_TOOLKIT_HOME": "/usr/local/Ascend"}, "ascend"),
        ({}, {}, "cpu"),
    ],
)
def test_its_torch_says_which_cards_it_is_for(
    python: dict[str, Any], env: dict[str, str], accelerator: str
) -> None:
    image = Image(python=python)
    image.facts = replace(image.facts, env=env)
    assert spec_of(image).accelerator == accelerator


def test_root_s_image_gets_a_user_of_its_own() -> None:
    image = Image(own={"uid": "0", "home": "/root", "directory": "/"})
    image.facts = replace(image.facts, user="")
    spec = spec_of(image)
    assert (spec.user.name, spec.user.uid, spec.python) == ("dev", 1000, "3.11")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (
            Image(system={"id": "debian", "version": "9", "glibc": "2.24"}),
            "it has glibc 2.24, and",
        ),
        (Image(system={"id": "alpine", "version": "3", "musl": "musl"}), "its C library is musl"),
        (Image(system={"id": "busybox", "version": "1"}), "it has no glibc"),
        (Image(manager=""), "it has no package manager (apt or dnf)"),
        (
            Image(system={"id": "ubuntu", "version": "20.04", "glibc": "2.31"}),
            "it is ubuntu:20.04, on which the IDEs' own tools do not run",
        ),
        (
            Image(python={"version": "3.6"}),
            "its Python is 3.6, and a notebook's kernel",
        ),
        (Image(python={"version": "3.15"}), "its Python is 3.15, and a notebook's kernel"),
        (Image(python={"implementation": "pypy"}), "its Python is pypy, and envkit's kernel needs CPython"),
        (Image(own={"uid": "0", "old": "2.7"}), "its Python is 2.7, and a notebook's kernel"),
        (
            Image(own={"uid": "0", "python": "broken", "python_version": "3.5"}),
            "its Python is 3.5, and a notebook's kernel",
        ),
        (
            Image(own={"uid": "0", "python": "broken", "python_version": "3.11"}),
            "its Python 3.11 does not say where its packages are",
        ),
        (Image(others={"unreadable": ["/app/x"]}), "only its own user can read /app/x"),
        (Image(python={"interpreter": "/a b"}, others={}), "the path '/a b' of its Python"),
    ],
    ids=lambda value: value.replace(" ", "-")[:30] if isinstance(value, str) else "",
)
def test_what_cannot_be_adopted_is_told_before_any_work(image: Image, why: str) -> None:
    error = refused(image)
    assert why in error.what and error.fix and error.exit_code == 4


def test_an_image_of_envkit_s_is_told_apart() -> None:
    image = Image()
    image.facts = replace(image.facts, labels={"io.envkit.expect": "{}"})
    with pytest.raises(UsageError, match="is envkit's already") as caught:
        considered(image)
    assert "`envkit up team/train:1.0`" in caught.value.fix


def test_an_image_without_a_name_has_to_get_one() -> None:
    image = Image()
    image.facts = replace(image.facts, id="sha256:" + "a" * 64, tags=())
    with pytest.raises(UsageError, match="no name to build on"):
        considered(image, "sha256:" + "a" * 64)


@pytest.mark.parametrize(
    ("name", "tag"),
    [("debian:12", "debian-ide:12"), ("r.example:5000/a/b:1", "b-ide:1"), ("a/b@sha256:12", "b-ide:dev")],
)
def test_the_new_name_follows_the_old_one(name: str, tag: str) -> None:
    assert default_tag(name) == tag


def test_the_plan_keeps_python_and_entrypoint() -> None:
    image = Image(wraps=b"TEAM=vision\0PATH=/t:/bin\0")
    image.facts = replace(image.facts, entrypoint=("/entry.sh",))
    source, place = found(image)
    planned = plan_adoption(source, "mine:1", place)
    plan, text = planned.plan, next(file for file in planned.files if file.name == "Dockerfile").content
    assert isinstance(text, bytes)
    assert (plan.tag, plan.base.reference, plan.python.interpreter) == (
        "mine:1",
        IMAGE,
        "/usr/bin/python3.11",
    )
    assert b'TEAM="vision"' in text and b'PATH="/opt/venv/bin:/t:/bin"' in text
    assert b'"/bin/sh", "/opt/envkit/etc/entrypoint.sh"]' in text
    names = {file.name for file in planned.files}
    assert {"installed/etc/entrypoint.sh", "lists/own-packages.pth"} <= names


def test_an_image_with_its_own_opt_venv_gets_another_beside_it() -> None:
    image = Image(system={"id": "debian", "version": "12", "glibc": "2.36", "venv": "taken"})
    source, place = found(image)
    planned = plan_adoption(source, None, place)
    text = next(file for file in planned.files if file.name == "Dockerfile").content
    assert isinstance(text, bytes) and b" /opt/venv/" not in text and b"/opt/venv-envkit/bin" in text
