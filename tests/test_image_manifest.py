"""A manifest survives its label; comparing two names what differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.image.diff import Change, Difference, compare
from envkit.image.manifest import Manifest, Step, from_json, from_label, to_label

MANIFEST = Manifest(
    image="sha256:abc",
    base="debian:12",
    base_digest="sha256:def",
    os="Debian GNU/Linux 12 (bookworm)",
    architecture="amd64",
    glibc="2.36",
    glibc_floor="2.28",
    size_bytes=1_000_000,
    apt={"git": "1:2.39"},
    rpm={"less": "643-1.oe2403"},
    pip={"torch": "2.13.0+cpu", "numpy": "2.3.1"},
    tools_pip={"jupyterlab": "4.6.6"},
    npm={"code-server": "4.138.0"},
    extensions={"envkit.hello": "1.0.0"},
    missing_extensions={"ms-python.python": "no gallery"},
    tools={"node": "24.19.0"},
    env={"PATH": "/usr/bin"},
    steps=(Step(what="RUN true", size_bytes=7),),
)


def test_a_manifest_survives_its_label() -> None:
    assert from_label(to_label(MANIFEST)) == MANIFEST


def test_a_long_manifest_survives_its_label() -> None:
    long = replace(MANIFEST, apt={f"package-{n}": str(n) for n in range(2000)})
    assert from_label(to_label(long)) == long


def test_something_else_is_no_manifest() -> None:
    for text in ("[]", "{}", "nothing"):
        with pytest.raises(ValueError, match=r"."):
            from_json(text)


def test_equal_manifests_do_not_differ() -> None:
    assert compare(MANIFEST, MANIFEST).changes == ()


def test_what_was_added_removed_and_changed_is_named_in_order() -> None:
    after = replace(
        MANIFEST,
        image="sha256:fff",
        size_bytes=1_500_000,
        pip={"torch": "2.14.0+cpu", "pandas": "3.0"},
        env={"PATH": "/usr/bin", "A": "1"},
        os="Ubuntu 24.04",
    )
    assert compare(MANIFEST, after) == Difference(
        before="sha256:abc",
        after="sha256:fff",
        size_before=1_000_000,
        size_after=1_500_000,
        changes=(
            Change(group="image", name="os", before="Debian GNU/Linux 12 (bookworm)", after="Ubuntu 24.04"),
            Change(group="pip", name="numpy", before="2.3.1", after=None),
            Change(group="pip", name="pandas", before=None, after="3.0"),
            Change(group="pip", name="torch", before="2.13.0+cpu", after="2.14.0+cpu"),
            Change(group="env", name="A", before=None, after="1"),
        ),
    )
