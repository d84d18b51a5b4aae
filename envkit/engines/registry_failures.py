"""Why a registry did not take or give something: told apart by what it or the engine says, with a fix."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit.engines.credentials import Name
from envkit.engines.failures import RegistryFailed


@dataclass(frozen=True, kw_only=True)
class _Cause:
    kind: str
    pattern: str
    what: str
    fix: str
    again: bool = False


# Looked through from the top: a certificate's text names a URL, a status hides in a longer one.
_CAUSES = (
    _Cause(
        kind="unknown authority",
        pattern="x509|certificate|CERTIFICATE_VERIFY_FAILED",
        what="its certificate is not trusted",
        fix="put its CA on the engine's machine as /etc/docker/certs.d/{registry}/ca.crt (without a restart)",
    ),
    _Cause(
        kind="plain HTTP",
        pattern="HTTP response to HTTPS client|WRONG_VERSION_NUMBER|record layer failure",
        what="it speaks plain HTTP, which an engine takes from loopback only",
        fix="give it a certificate; or name it in `insecure-registries` of the engine's daemon.json",
    ),
    _Cause(
        kind="429",
        pattern=r"toomanyrequests|too many requests|\b429\b",
        what="it takes no more for now: too many requests",
        fix="wait some minutes and run it again: what has arrived is kept",
        again=True,
    ),
    _Cause(
        kind="413",
        pattern=r"\b413\b|entity too large|blob upload unknown|SIZE_INVALID",
        what="a layer is larger than it takes",
        fix="`envkit commit` splits large layers; ask the registry's owner for its limit",
    ),
    _Cause(
        kind="quota",
        pattern=r"quota|\b507\b|insufficient storage",
        what="it has no room left for you ({text})",
        fix="remove old images in its console, or ask its owner for a larger quota",
    ),
    _Cause(
        kind="403",
        pattern=r"\bdenied\b|forbidden|\b403\b",
        what="{whom} may not push to {repository}",
        fix="ask the owner of that namespace for the right to push, or name one of yours with --to",
    ),
    _Cause(
        kind="401",
        pattern=r"no basic auth|unauthorized|authentication required|\b401\b|incorrect username",
        what="it refuses {login}",
        fix="`docker login {registry}`, then run it again",
    ),
    _Cause(
        kind="404",
        pattern=r"name unknown|repository .*not (found|exist)|\b404\b|NAME_UNKNOWN|not found",
        what="it knows no {repository}",
        fix="make that namespace and repository in its console first, or look at the name",
    ),
    _Cause(
        kind="5xx",
        pattern=r"\b50[0-4]\b|service unavailable|bad gateway|internal server error",
        what="it is out of order ({text})",
        fix="wait some minutes and run it again: what has arrived is kept; ask its owner if it stays: "
        "its disk may be full",
        again=True,
    ),
    _Cause(
        kind="unreachable",
        pattern="no such host|refused|unreachable|misbehaving|proxyconnect|name or service|name resolution",
        what="it cannot be reached ({text})",
        fix="look at its name and port, and at the proxy of the engine's machine",
    ),
    _Cause(
        kind="slow",
        pattern="timeout|timed out|deadline exceeded",
        what="it did not answer in time: the link is slow, or hangs",
        fix="run it again: what has arrived is kept; --timeout waits longer",
        again=True,
    ),
    _Cause(
        kind="reset",
        pattern="reset by peer|EOF|broken pipe|Connection aborted|ended prematurely|Connection broken",
        what="it broke the connection off",
        fix="run it again: what has arrived is kept",
        again=True,
    ),
    _Cause(
        kind="disk",
        pattern="no space left on device",
        what="the engine's disk is full",
        fix="free space: `docker system df` shows what takes it",
    ),
)


def registry_failure(doing: str, name: Name, text: str, *, user: str | None) -> RegistryFailed:
    """Return what a text means; `user` is who docker's config says we are there, None for nobody."""
    words = {
        "registry": name.registry,
        "repository": name.repository,
        "text": text,
        "whom": f"{user or 'this login'}" if user is not None else "nobody without a login",
        "login": f"docker's login for it ({user})"
        if user
        else "a push without a login: docker's config has none",
    }
    for cause in _CAUSES:
        if re.search(cause.pattern, text, re.IGNORECASE):
            what, fix = cause.what.format(**words), cause.fix.format(**words)
            return RegistryFailed(f"{doing}: {what}", fix=fix, kind=cause.kind, again=cause.again)
    return RegistryFailed(f"{doing}: {text}", fix="look at the registry's log", kind="other", again=False)


def stalled(doing: str, silence_s: float) -> RegistryFailed:
    """Return the error of a link on which nothing moves."""
    return RegistryFailed(
        f"{doing}: nothing has moved for {silence_s:.0f} s: the link is too slow, or hangs",
        fix="run it again: what has arrived is kept; --timeout waits longer",
        kind="slow",
        again=False,
    )
