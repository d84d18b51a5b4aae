"""Each known cause, by the text that the real tool prints."""

from __future__ import annotations

import pytest

from envkit.engines.known_failures import _CAUSES, fix_for

# Texts of apt 2.6, dnf 4.14, pip 24, uv 0.5, npm 10, Node 24, BuildKit, the kernel; and how the fix begins.
TEXTS = (
    (
        "envkit-assert: torch is 2.13.0+cu130, planned was 2.13.0+cpu",
        "what was planned is not what was installed",
    ),
    ("envkit: there is no CANN in this base: no set_env.sh below /usr/local/Ascend", "name a CANN image in"),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "free space"),
    ("npm error code ENOSPC\nnpm error nospc no space left on device, write", "free space"),
    ("failed to register layer: write /usr/lib/x: no space left on device", "free space"),
    (
        "WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
        "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate",
        "a proxy here signs with its own CA",
    ),
    ("  Caused by: invalid peer certificate: UnknownIssuer", "a proxy here signs with its own CA"),
    ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "a proxy here signs with its own CA"),
    ("npm error code UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "a proxy here signs with its own CA"),
    (
        "Certificate verification failed: The certificate is NOT trusted. The certificate issuer is unknown.",
        "a proxy here signs with its own CA",
    ),
    ("Temporary failure resolving 'mirror.example'", "a name could not be resolved"),
    (
        "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
        "a name could not",
    ),
    ("npm error code ENOTFOUND\nnpm error syscall getaddrinfo", "a name could not be resolved"),
    ("npm error code EAI_AGAIN", "a name could not be resolved"),
    ("  Caused by: dns error", "a name could not be resolved"),
    ("curl: (6) Could not resolve host: mirror.example", "a name could not be resolved"),
    (
        "E: Release file for http://mirror/InRelease is not valid yet (invalid for another 3h)",
        "this machine's clock",
    ),
    ("E: Unable to locate package nosuch", "the distribution has no package of that name"),
    ("E: Package 'nosuch' has no installation candidate", "the distribution has no package of that name"),
    ("Error: Unable to find a match: nosuch", "the distribution has no package of that name: look at `dnf:`"),
    (
        "Error: Failed to download metadata for repo 'OS': All mirrors were tried",
        "the distribution's packages cannot be reached",
    ),
    (
        "E: Failed to fetch http://mirror/pool/g/git_1_amd64.deb  404  Not Found [IP: 1.2.3.4 80]",
        "the mirror has moved",
    ),
    ("E: Failed to fetch http://mirror/dists/x/Packages.xz  Hash Sum mismatch", "the mirror has moved"),
    ("ERROR: No matching distribution found for nosuch==99", "no version fits"),
    ("  \u00d7 No solution found when resolving dependencies:", "no version fits"),
    ("  Because nosuch was not found in the package registry and you require nosuch", "no version fits"),
    ("npm error code E404\nnpm error 404 Not Found - GET http://registry/nosuch", "no version fits"),
    ("npm error code ETARGET\nnpm error notarget No matching version found for x@9", "no version fits"),
    ("ERROR: ResolutionImpossible: for help visit", "no version fits"),
    (
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        "what was fetched is not what was",
    ),
    ("npm error code EINTEGRITY", "what was fetched is not what was"),
    ("sha256sum: WARNING: 1 computed checksum did NOT match", "what was fetched is not what was"),
    (
        "ERROR: HTTP error 403 while getting x\n403 Client Error: Forbidden\n403 Forbidden",
        "the package index refuses",
    ),
    ("npm error code E401\nnpm error Incorrect or missing password.", "the package index refuses"),
    ("npm error code ETIMEDOUT", "the network broke off"),
    ("npm error code ECONNRESET", "the network broke off"),
    (
        "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x'): Read timed out.",
        "the network",
    ),
    (
        "Could not connect to 127.0.0.1:3128 (127.0.0.1). - connect (111: Connection refused)",
        "the network broke off",
    ),
    ("/bin/bash: line 1:    12 Killed                  npm ci", "the builder ran out of memory"),
    ("executor failed running [/bin/sh -c x]: exit code: 137", "the builder ran out of memory"),
    (
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "the builder ran out",
    ),
    (
        "pull access denied, repository does not exist or may require authorization",
        "the base image is not there",
    ),
    ("nothing: failed to resolve source metadata for x/y:1: x/y:1: not found", "the base image is not there"),
    ("manifest for x/y:1 not found: manifest unknown: manifest unknown", "the base image is not there"),
    ("exec /bin/sh: exec format error", "the base image is made for another processor"),
    ("no match for platform in manifest: not found", "the base image is made for another processor"),
    ("the --mount option requires BuildKit. Refer to the manual", "this builder has no BuildKit"),
    (
        "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        "this user may not talk to the engine",
    ),
    ('error during connect: Head "http://x/_ping": EOF', "the engine went away"),
    (
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "the engine",
    ),
    (
        "failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
        "the engine",
    ),
)


@pytest.mark.parametrize(("text", "fix"), TEXTS, ids=[text[:40] for text, _ in TEXTS])
def test_a_known_cause_has_its_fix(text: str, fix: str) -> None:
    assert fix_for(("some line", text)).startswith(fix)


def test_every_row_of_the_table_is_reached() -> None:
    reached = {fix_for((text,)) for text, _ in TEXTS}
    assert {fix for _, fix in _CAUSES} == reached


@pytest.mark.parametrize(
    "text",
    [
        "make: *** [all] Error 2",
        "SyntaxError: invalid syntax",
        "",
        "100 packages skilled",
        "Get:1 git 404 kB",
    ],
)
def test_an_unknown_cause_says_where_to_look(text: str) -> None:
    assert fix_for((text,)) == "the lines above say what failed; the full log is in the file named here"
