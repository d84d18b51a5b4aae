"""Which distribution a base is, and how that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.plan.bases import BaseKnowledge, know, known_distributions
from envkit.plan.facts import BaseFacts

LOOKED = BaseFacts(
    reference="mine:1",
    image_id="sha256:1",
    distribution="debian:13",
    glibc="2.41",
    system_python=None,
    system_python_candidate="3.13",
    package_manager="apt",
)
BY_NAME = "the image's name says so"
GLIBC = {"debian:12": "2.36", "ubuntu:22.04": "2.35", "ubuntu:24.04": "2.39", "openeuler:24.03": "2.38"}


@pytest.mark.parametrize(
    ("reference", "distribution", "system", "own"),
    [
        ("debian:12", "debian:12", "3.11", None),
        ("debian:12@sha256:" + "0" * 64, "debian:12", "3.11", None),
        ("mirror.example:5000/library/ubuntu:22.04", "ubuntu:22.04", "3.10", None),
        ("nvidia/cuda:12.8.1-cudnn-devel-ubuntu24.04", "ubuntu:24.04", "3.12", None),
        ("nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04", "ubuntu:22.04", "3.10", None),
        (
            "x/ascend/torch-npu:2.12.0-cann9.1.0-910b-ubuntu22.04-py3.12",
            "ubuntu:22.04",
            "3.10",
            "3.12",
        ),
        ("hub.example/ascend/cann:9.1.0-910b-ubuntu22.04-py3.11", "ubuntu:22.04", "3.10", "3.11"),
        ("mirror.example/openeuler:24.03", "openeuler:24.03", "3.11", None),
        ("openeuler/openeuler:24.03-lts-sp2", "openeuler:24.03", "3.11", None),
        ("x/ascend/cann:9.1.0-910b-openeuler24.03-py3.12", "openeuler:24.03", "3.11", "3.12"),
        ("x/ascend/cann:8.5.0-a3-ubuntu22.04-py3.10-devel", "ubuntu:22.04", "3.10", "3.10"),
    ],
)
def test_a_name_tells(reference: str, distribution: str, system: str, own: str | None) -> None:
    assert know(reference, None, None) == BaseKnowledge(
        distribution=distribution,
        system_python=system,
        own_python=own,
        reason=BY_NAME,
        glibc=GLIBC[distribution],
        manager="dnf" if distribution.startswith("openeuler") else "apt",
    )


@pytest.mark.parametrize(
    "reference", ["mine:1", "debian:99", "debian-like:12", "nvidia/cuda:12.8.1-base-ubi9"]
)
def test_a_name_that_tells_nothing_is_not_guessed(reference: str) -> None:
    assert know(reference, None, None) is None


def test_the_spec_s_word_counts_more_than_the_name() -> None:
    assert know("debian:12", "ubuntu:24.04", None) == BaseKnowledge(
        distribution="ubuntu:24.04",
        system_python="3.12",
        own_python=None,
        reason="the spec's `os`",
        glibc="2.39",
    )
    assert know("debian:12", "fedora:40", None) is None


def test_looking_into_the_image_counts_most() -> None:
    assert know("mine:1", "ubuntu:24.04", LOOKED) == BaseKnowledge(
        distribution="debian:13",
        system_python="3.13",
        own_python=None,
        reason="read from the image",
        glibc="2.41",
    )


def test_an_image_without_a_python_that_is_known_is_not_guessed() -> None:
    assert (
        know("mine:1", None, replace(LOOKED, distribution="fedora:40", system_python_candidate=None)) is None
    )


def test_the_data_names_its_distributions() -> None:
    assert known_distributions() == (
        *("debian:12", "debian:13", "ubuntu:22.04", "ubuntu:24.04"),
        "openeuler:24.03",
    )
