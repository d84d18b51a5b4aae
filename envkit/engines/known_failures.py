"""Why builds fail: what the log says, and what to do about it. A table, looked through from the top."""

from __future__ import annotations

import re

# (pattern in the log, fix). The texts are those of apt, dnf, pip, uv, npm, curl, BuildKit and the kernel; a
# test has one of each.
_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "envkit-assert: (.*)",
        "what was planned is not what was installed: the lines above name the package",
    ),
    (
        "there is no CANN in this base",
        "name a CANN image in `base:`, as the presets for ascend do, or install CANN in a step with "
        "`at: before_packages`",
    ),
    (
        "[Nn]o space left on device|ENOSPC|You don't have enough free space",
        "free space on the engine's disk: `docker system df` shows what takes it",
    ),
    (
        "certificate verify failed|Certificate verification failed|UnknownIssuer|SELF_SIGNED_CERT"
        "|unable to get local issuer|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF"
        "|x509: certificate signed by",
        "a proxy here signs with its own CA: add it to this machine's CA bundle, or name the "
        "bundle in SSL_CERT_FILE",
    ),
    (
        "Temporary failure (in name resolution|resolving)|Could not resolve|ENOTFOUND|EAI_AGAIN|dns error"
        "|no such host",
        "a name could not be resolved: look at this machine's DNS, and at HTTPS_PROXY if it needs a proxy",
    ),
    (
        "Release file .* is not valid yet",
        "this machine's clock is behind: set it",
    ),
    (
        "Unable to locate package|has no installation candidate",
        "the distribution has no package of that name: look at `apt:` in the spec",
    ),
    (
        "Unable to find a match: ",
        "the distribution has no package of that name: look at `dnf:` in the spec",
    ),
    (
        "Failed to download metadata for repo",
        "the distribution's packages cannot be reached: look at the proxy here, or name a mirror "
        "of openEuler in ENVKIT_OPENEULER_URL",
    ),
    (
        r"\.deb\s+404\s+Not Found|Hash Sum mismatch",
        "the mirror has moved on: build again with `--no-cache`",
    ),
    (
        "DO NOT MATCH THE HASHES|EINTEGRITY|checksums? did NOT match",
        "what was fetched is not what was pinned: its source, or a proxy on the way, has changed it",
    ),
    (
        "No matching distribution found|ResolutionImpossible|No solution found"
        "|not found in the package registry|E404|ETARGET",
        "no version fits: look at `pip:`, `torch:` and `python:` in the spec, and at this machine's pip "
        "and npm configuration",
    ),
    (
        r"403 Forbidden|401 Unauthorized|\bE401\b|\bE403\b",
        "the package index refuses: look at its credentials in this machine's pip or npm configuration",
    ),
    (
        "pull access denied|manifest unknown|failed to resolve source metadata .*not found",
        "the base image is not there under that name: look at `base:`",
    ),
    (
        "exec format error|no match for platform in manifest",
        "the base image is made for another processor: look at `base:`",
    ),
    (
        "permission denied .*docker.*sock",
        "this user may not talk to the engine: join the group `docker`, or use root",
    ),
    (
        r"error during connect|Cannot connect to the Docker daemon|code = Unavailable .*EOF",
        "the engine went away in the middle: `envkit engine status` looks at it; then build again "
        "(what was done is kept)",
    ),
    (
        "ETIMEDOUT|ECONNRESET|ECONNREFUSED|[Cc]onnection (timed out|refused|reset)|Read timed out"
        "|TLS handshake timeout",
        "the network broke off: build again (what was done is kept); look at HTTPS_PROXY if it needs a proxy",
    ),
    (
        r"\bKilled\b|exit code: 137|out of memory",
        "the builder ran out of memory: give it more, or build less at once",
    ),
    (
        "--mount option requires BuildKit",
        "this builder has no BuildKit: `envkit engine status` says which docker clients were looked at",
    ),
)


def fix_for(lines: tuple[str, ...], earlier: tuple[str, ...] = ()) -> str:
    """Return the fix of the first cause that the last lines of a log show, or else those before them."""
    for text in ("\n".join(lines), "\n".join(earlier)):
        for pattern, fix in _CAUSES:
            if re.search(pattern, text):
                return fix
    return "the lines above say what failed; the full log is in the file named here"
