"""Sizes as a user writes them."""

from __future__ import annotations

import pytest

from envkit.errors import UsageError
from envkit.plan.sizes import mib


@pytest.mark.parametrize(
    ("text", "size"),
    [("512m", 512), ("8g", 8192), ("8G", 8192), ("1.5GiB", 1536), ("2 gb", 2048), ("1t", 1_048_576)],
)
def test_a_size_is_read_as_docker_reads_it(text: str, size: int) -> None:
    assert mib(text, option="--shm") == size


@pytest.mark.parametrize("text", ["", "8", "g", "-1g", "0m", "1e3m", "8x", "9999999g", "8g;"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        mib(text, option="--shm")
