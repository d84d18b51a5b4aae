"""What a registry answers, and whom the engine trusts."""

from __future__ import annotations

import hashlib
import json

import pytest

from envkit.engines.registry import is_insecure, read
from envkit.engines.trust import Trust, trust_of
from envkit.engines.values import Published

# As Debian 12's own engine answers (20.10.24), with one registry named as insecure.
INFO = {
    "RegistryConfig": {
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {
            "main": {"Name": "main", "Secure": True},
            "old.example:5000": {"Name": "old.example:5000", "Secure": False},
        },
    },
    "HttpsProxy": "http://proxy.example:3128",
    "NoProxy": "localhost",
}


def test_whom_the_engine_trusts_is_read() -> None:
    assert trust_of(INFO) == Trust(
        insecure=("127.0.0.0/8", "old.example:5000"),
        proxies={"https": "http://proxy.example:3128"},
        no_proxy="localhost",
    )


@pytest.mark.parametrize(
    ("registry", "insecure"),
    [
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("localhost:5000", True),
        ("old.example:5000", True),
        ("10.0.0.1:5000", False),
        ("[::1]:5000", False),
    ],
)
def test_only_what_the_engine_calls_insecure_may_be(registry: str, insecure: bool) -> None:
    assert is_insecure(registry, trust_of(INFO)) is insecure


def test_a_manifest_has_the_digest_of_its_bytes() -> None:
    body = json.dumps(
        {"config": {"digest": "sha256:c"}, "layers": [{"digest": "sha256:l", "size": 7}]}
    ).encode()
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    assert read(body) == Published(digest=digest, config="sha256:c", layers=(("sha256:l", 7),))


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"layers": [{}]}'])
def test_what_is_no_manifest_has_a_digest_too(body: bytes) -> None:
    assert read(body) == Published(digest="sha256:" + hashlib.sha256(body).hexdigest())
