"""Find out what this machine can reach: facts for a plan, recorded in it."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from envkit import compat
from envkit.errors import HostError
from envkit.hosts.base import Command, Host
from envkit.plan.build_plan import BuildPlan
from envkit.plan.network import Network

# What `_answers` does, for a machine that has Python and no envkit.
_ASK = """
import json, ssl, sys, urllib.error, urllib.request
from concurrent.futures import ThreadPoolExecutor
asked = json.load(sys.stdin)
context = ssl.create_default_context(cadata=asked["ca"] or None)
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler(asked["proxies"]), urllib.request.HTTPSHandler(context=context))
def answers(url):
    try:
        with opener.open(urllib.request.Request(url, method="HEAD"), timeout=asked["s"]):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403, 405)
    except (OSError, ValueError):
        return False
with ThreadPoolExecutor() as pool:
    json.dump(dict(zip(asked["urls"], pool.map(answers, asked["urls"].values()))), sys.stdout)
"""
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


def reach_from(host: Host, urls: Mapping[str, str], network: Network) -> dict[str, bool]:
    """Return whether each place answers on another machine; nothing when that cannot be asked there."""
    if not urls:
        return {}
    asked = {"urls": dict(urls), "proxies": proxies_of(network), "ca": network.ca_bundle, "s": _TIMEOUT_S}
    try:
        done = host.run(Command(words=("python3", "-c", _ASK), stdin=json.dumps(asked).encode()))
        found = json.loads(done.stdout) if done.code == 0 else {}
    except (HostError, ValueError):  # no Python there
        return {}
    return {name: bool(found.get(name)) for name in urls} if found else {}


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
