"""Find out what this machine can reach: facts for a plan, recorded in it."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from envkit import compat
from envkit.plan.build_plan import BuildPlan
from envkit.plan.network import Network

# Long enough for a slow link's handshake, short enough that a firewall that drops packets costs little.
_TIMEOUT_S = 4.0


def places(plan: BuildPlan, architecture: str, mirrors: Mapping[str, str]) -> dict[str, str]:
    """Return what a plan depends on, by name: `release` and `gallery` of code-server, `torch`'s index."""
    found = {}
    data = compat.table("code_server")
    if code_server := plan.tools.code_server:
        if code_server.version:
            release = data["release"].format(version=code_server.version, architecture=architecture)
            found["release"] = release_from(mirrors.get("ENVKIT_RELEASES_URL", ""), release)
        if code_server.extensions:
            found["gallery"] = mirrors.get("ENVKIT_GALLERY_URL", data["gallery"])
    if plan.torch and plan.torch.index:
        found["torch"] = f"{plan.torch.index}/torch/"
    return found


def release_from(mirror: str, url: str) -> str:
    """Return where a release file lies: a mirror has the release page's last two parts, `vX/FILE`."""
    return "/".join((mirror, *url.rsplit("/", 2)[1:])) if mirror else url


def reach(urls: Mapping[str, str], network: Network) -> dict[str, bool]:
    """Return whether each place answers; all are asked at once."""
    if not urls:
        return {}
    with ThreadPoolExecutor(max_workers=len(urls)) as pool:
        return dict(zip(urls, pool.map(lambda url: _answers(url, network), urls.values()), strict=True))


def _answers(url: str, network: Network) -> bool:
    try:
        context = ssl.create_default_context(cadata=network.ca_bundle or None)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies_of(network)), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(urllib.request.Request(url, method="HEAD"), timeout=_TIMEOUT_S):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403, 405)  # it is there, and says what it thinks of HEAD
    except (OSError, ValueError):
        return False


def proxies_of(network: Network) -> dict[str, str]:
    """Return the proxies by scheme, as urllib names them."""
    return {name.removesuffix("_PROXY").lower(): value for name, value in network.proxies.items()}
