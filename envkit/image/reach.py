"""Find out what this machine can reach: facts for a plan, recorded in it."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from envkit import compat
from envkit.plan.network import Network

# Long enough for a slow link's handshake, short enough that a firewall that drops packets costs a plan little.
_TIMEOUT_S = 4.0


def reach(network: Network, build_of_torch: str | None, architecture: str) -> dict[str, bool]:
    """Return whether each place answers: `release`, `gallery`, and `torch` when its build is given."""
    data = compat.table("code_server")
    urls = {
        "release": data["release"].format(version="4.138.0", architecture=architecture),
        "gallery": data["gallery"],
    }
    if build_of_torch:
        urls["torch"] = f"{compat.table('torch')['index']}{build_of_torch}/torch/"
    with ThreadPoolExecutor() as pool:
        return dict(zip(urls, pool.map(lambda url: _answers(url, network), urls.values()), strict=True))


def _answers(url: str, network: Network) -> bool:
    context = ssl.create_default_context(cadata=network.ca_bundle or None)
    proxies = {name.removesuffix("_PROXY").lower(): value for name, value in network.proxies.items()}
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(urllib.request.Request(url, method="HEAD"), timeout=_TIMEOUT_S):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403, 405)  # it is there, and says what it thinks of HEAD
    except (OSError, ValueError):
        return False
