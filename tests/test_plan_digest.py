"""The digest that decides "nothing changed"."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from envkit.plan.digest import digest_of, sha256_of
from envkit.plan.facts import ContextFile, Inputs
from envkit.spec.model import Spec

FILE = ContextFile(name="a", content=b"1")


def digest(
    *files: ContextFile, shipped: str = "s", base: str = "b", resolved: tuple[str, ...] = (), **keys: Any
) -> str:
    return digest_of(Spec.model_validate({"name": "x", **keys}), Inputs(files=files), shipped, base, resolved)


def test_it_has_the_form_of_a_digest_and_stays_the_same() -> None:
    assert digest() == digest()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest())


def test_what_is_wanted_and_what_it_is_made_of_count() -> None:
    digests = [
        digest(),
        digest(pip=["numpy"]),
        digest(env={"A": "b"}),
        digest(ide={"jupyterlab": {"settings": {"a": {"b": "1"}}}}),
        digest(steps=[{"run": "true"}]),
        digest(shipped="t"),
        digest(base="c"),
        digest(resolved=("debian:12", "torch==2.13.0+cpu")),
        digest(FILE),
        digest(ContextFile(name="a", content=b"2")),
        digest(ContextFile(name="a", content=b"12")),
        digest(ContextFile(name="b", content=b"1")),
        digest(ContextFile(name="a", content=b"1", mode=0o755)),
    ]
    assert len(set(digests)) == len(digests)


def test_the_order_of_keys_and_packages_of_a_mapping_does_not_count() -> None:
    assert digest(env={"A": "1", "B": "2"}) == digest(env={"B": "2", "A": "1"})
    assert digest(pip=["a", "b"]) != digest(pip=["b", "a"]), "the order of packages is the user's"


def test_a_file_on_disk_counts_by_the_sha256_that_was_taken_when_it_was_read() -> None:
    content = b"a wheel"
    taken = hashlib.sha256(content).hexdigest()
    on_disk = ContextFile(name="a", content=Path("/nowhere"), sha256=taken)
    assert sha256_of(on_disk) == sha256_of(ContextFile(name="a", content=content)) == taken
