"""Why builds fail: what the log says, and what to do about it. A table, looked through from the top."""

from __future__ import annotations

import re

# (pattern in the log, fix). The texts are those of apt, pip, uv, npm, BuildKit and the kernel.
_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "envkit-assert: (.*)",
        "what was planned is not what was installed: the lines above name the package",
    ),
    (
        "no space left on device",
        "free space on the engine's disk: `docker system df` shows what takes it",
    ),
    (
        "certificate verify failed|UnknownIssuer|SELF_SIGNED_CERT|unable to get local issuer",
        "a proxy here signs with its own CA: add it to this machine's CA bundle, or name the "
        "bundle in SSL_CERT_FILE",
    ),
    (
        "Temporary failure (in name resolution|resolving)|Could not resolve|ENOTFOUND|EAI_AGAIN|dns error",
        "a name could not be resolved: look at this machine's DNS, and at HTTPS_PROXY if it needs a proxy",
    ),
    (
        "Release file .* is not valid yet",
        "this machine's clock is behind: set it",
    ),
    (
        r"Unable to locate package (\S+)",
        "the distribution has no package of that name: look at `apt:` in the spec",
    ),
    (
        "404 +Not Found .*deb",
        "the mirror has moved on: build again with `--no-cache`",
    ),
    (
        "No matching distribution found|No solution found|was not found in the package registry",
        "no version fits: look at `pip:`, `torch:` and `python:` in the spec, and at this "
        "machine's pip configuration",
    ),
    (
        "403 Forbidden|401 Unauthorized|E401|E403",
        "the package index refuses: look at its credentials in this machine's pip or npm configuration",
    ),
    (
        "ETIMEDOUT|ECONNRESET|ECONNREFUSED|[Cc]onnection (timed out|refused|reset)",
        "the network broke off: build again (what was done is kept); look at HTTPS_PROXY if it needs a proxy",
    ),
    (
        r"\bKilled\b|exit code: 137|out of memory|JavaScript heap",
        "the builder ran out of memory: give it more, or build less at once",
    ),
    (
        "pull access denied|manifest unknown|not found: manifest",
        "the base image is not there under that name: look at `base:`",
    ),
    (
        "permission denied .*docker.*sock",
        "this user may not talk to the engine: join the group `docker`, or use root",
    ),
)


def fix_for(lines: tuple[str, ...]) -> str:
    """Return the fix of the first cause that the last lines of a log show."""
    text = "\n".join(lines)
    for pattern, fix in _CAUSES:
        if re.search(pattern, text):
            return fix
    return "the lines above say what failed; the full log is in the file named here"
