"""What a registry's and an engine's words mean."""

from __future__ import annotations

import pytest

from envkit.engines.credentials import Name
from envkit.engines.registry_failures import registry_failure

NAME = Name(registry="registry.example:5000", repository="team/lab", tag="1")

# As Docker 20.10 and Debian's registry (2.8.2) really wrote them, hosts changed.
TEXTS = [
    (
        'Get "https://registry.example:5000/v2/": x509: certificate signed by unknown authority',
        "unknown authority",
    ),
    (
        'Get "https://registry.example:5000/v2/": http: server gave HTTP response to HTTPS client',
        "plain HTTP",
    ),
    ("no basic auth credentials", "401"),
    ("unauthorized: authentication required", "401"),
    ("denied: requested access to the resource is denied", "403"),
    ("received unexpected HTTP status: 429 Too Many Requests", "429"),
    ("toomanyrequests: too many requests", "429"),
    ("name unknown: repository name not known to registry", "404"),
    ("received unexpected HTTP status: 503 Service Unavailable", "5xx"),
    ("received unexpected HTTP status: 500 Internal Server Error", "5xx"),
    ('Patch "http://registry.example:5000/v2/team/lab/blobs/uploads/u": EOF', "reset"),
    ("write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe", "reset"),
    ("read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer", "reset"),
    ('Get "https://registry.example:5000/v2/": net/http: TLS handshake timeout', "slow"),
    (
        'Get "https://registry.example:5000/v2/": dial tcp: lookup registry.example: no such host',
        "unreachable",
    ),
    ("dial tcp 127.0.0.1:1: connect: connection refused", "unreachable"),
    ("blob upload unknown to registry", "413"),
    ("received unexpected HTTP status: 413 Request Entity Too Large", "413"),
    ("something new", "other"),
]


@pytest.mark.parametrize(("text", "kind"), TEXTS)
def test_each_text_has_its_kind_and_a_fix(text: str, kind: str) -> None:
    failure = registry_failure("pushing", NAME, text, user=None)
    assert failure.kind == kind and failure.fix
    assert failure.again is (kind in ("429", "5xx", "reset") or "handshake" in text)


def test_a_push_without_a_login_is_told_from_one_that_is_refused() -> None:
    text = "unauthorized: authentication required"
    nobody, ada = (registry_failure("pushing", NAME, text, user=user) for user in (None, "ada"))
    assert nobody.what == "pushing: it refuses a push without a login: docker's config has none"
    assert ada.what == "pushing: it refuses docker's login for it (ada)"
    assert nobody.fix == "`docker login registry.example:5000`, then run it again"
