"""This machine's own mirror of openEuler: an address that the build of a base of it can use."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from envkit import compat

# What of dnf.conf tells how to reach the network (dnf.conf(5)); the rest is the machine's own affair.
_KEYS = ("proxy", "proxy_username", "proxy_password", "retries", "timeout", "ip_resolve")
# Mirrors keep the archive's names: https://mirror.example/openeuler/openEuler-24.03-LTS-SP1/OS/$basearch/.
_ADDRESS = re.compile(
    r"(https?://[\w.:@%+~/-]+?)/+openEuler-[0-9]{2}\.[0-9]{2}[\w.-]*/(?:OS|everything|update)/.*"
)


def own_settings(text: str) -> dict[str, str]:
    """Return what a dnf.conf says of the network."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}  # dnf itself says what is wrong with it
    main = parser["main"] if parser.has_section("main") else {}
    return {name: main[name].strip() for name in _KEYS if main.get(name, "").strip()}


def own_mirror(distribution: str, files: Mapping[str, str]) -> str:
    """Return where this machine has its packages from, "" when a base would ask the same place by itself.

    `files` are the texts of the machine's `.repo` files by name.
    """
    row = compat.table("distributions")["rows"].get(distribution)
    if row is None or row["manager"] != "dnf":
        return ""
    usual = {urlsplit(row["mirror"]).hostname, *row["hosts"]}
    for name in sorted(files):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(files[name])
        except configparser.Error:
            continue
        for section in parser.sections():
            repository = parser[section]
            found = _ADDRESS.fullmatch(repository.get("baseurl", "").split("\n")[0].strip())
            switched_on = repository.get("enabled", "1") != "0" and repository.get("gpgcheck", "1") != "0"
            if found and switched_on and urlsplit(found[1]).hostname not in usual:
                return found[1]
    return ""
