"""Limits: never more than there is, never less than asked."""

from __future__ import annotations

import pytest

from envkit.errors import UsageError
from envkit.plan import limits


def test_nothing_asked_is_no_limit() -> None:
    assert (limits.cpus(None, 8), limits.memory_mib(None, 8000)) == (None, None)


def test_what_the_machine_has_may_be_asked_for() -> None:
    assert (limits.cpus(8, 8), limits.memory_mib(8000, 8000)) == (8, 8000)


def test_more_cpus_than_there_are_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--cpus asks for 8\.5, the machine has 8"):
        limits.cpus(8.5, 8)


def test_a_machine_that_does_not_tell_its_cpus_leaves_it_to_the_engine() -> None:
    assert limits.cpus(64, 0) == 64


def test_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(UsageError, match="--memory asks for 9000 MiB, the machine has 8000 MiB"):
        limits.memory_mib(9000, 8000)


def test_too_little_memory_for_the_ides_is_refused() -> None:
    with pytest.raises(UsageError, match="--memory 100m is too little"):
        limits.memory_mib(100, 8000)


def test_shared_memory_counts_against_the_limit() -> None:
    assert limits.shm_mib(None, 4096, limited=True) == 2048
    with pytest.raises(UsageError, match="--shm asks for 5000 MiB, --memory allows 4096 MiB"):
        limits.shm_mib(5000, 4096, limited=True)


def test_an_ulimit_reads_back() -> None:
    assert [limits.parse_ulimit(str(one)) for one in limits.TRAINING] == list(limits.TRAINING)
