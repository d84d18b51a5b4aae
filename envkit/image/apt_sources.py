"""This machine's own mirror of its distribution: lines that the build of a base of the same one can use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from envkit import compat

# What a distribution itself publishes. An entry with another suite or component is somebody else's, and so is
# one that names another keyring; the build would refuse what its own keyring has not signed in any case.
_POCKETS = ("", "-updates", "-security", "-backports", "-proposed-updates")
_COMPONENTS = {
    "debian": frozenset({"main", "contrib", "non-free", "non-free-firmware"}),
    "ubuntu": frozenset({"main", "restricted", "universe", "multiverse"}),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One source of packages."""

    uri: str
    suite: str
    components: tuple[str, ...]
    keyring: str = ""  # "": whatever apt trusts


def own_mirror(distribution: str, files: Mapping[str, str]) -> str:
    """Return lines of a sources.list, "" when a base would ask the same places by itself.

    `files` are the texts of the machine's sources by name; one ending in `.sources` is in deb822 form.
    """
    row = compat.table("distributions")["rows"].get(distribution)
    name = distribution.partition(":")[0]
    if row is None or name not in _COMPONENTS:
        return ""
    entries = [entry for entry in entries_of(files) if _is_own(entry, name, row["codename"])]
    usual = {urlsplit(row["mirror"]).hostname, *row["hosts"]}
    whole = any(entry.suite == row["codename"] and "main" in entry.components for entry in entries)
    if not whole or all(urlsplit(entry.uri).hostname in usual for entry in entries):
        return ""
    # In every image of theirs, whatever its /etc/apt trusts beside it.
    keyring = f"/usr/share/keyrings/{name}-archive-keyring.gpg"
    lines = (f"deb [signed-by={keyring}] {e.uri} {e.suite} {' '.join(e.components)}" for e in entries)
    return "\n".join(dict.fromkeys(lines))


def entries_of(files: Mapping[str, str]) -> Iterator[Entry]:
    """Yield every source of binary packages that is switched on, in the order of its files."""
    for name, text in files.items():
        yield from _deb822(text) if name.endswith(".sources") else _one_line(text)


def _one_line(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        found = re.fullmatch(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+?)\s*(?:#.*)?", line.strip())
        if found is None:
            continue
        options = dict(option.partition("=")[::2] for option in (found[1] or "").split())
        if options.get("trusted", "no") == "no":
            keyring = options.get("signed-by", "")
            yield Entry(uri=found[2], suite=found[3], components=tuple(found[4].split()), keyring=keyring)


def _deb822(text: str) -> Iterator[Entry]:
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", plain):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        if fields.get("trusted", "no").lower() != "no":
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Entry(
                    uri=uri,
                    suite=suite,
                    components=tuple(fields.get("components", "").split()),
                    keyring=fields.get("signed-by", ""),
                )


def _fields(stanza: str) -> dict[str, str]:
    """Return a stanza's fields, their names in lower case; a line that begins with a blank goes on."""
    joined = re.sub(r"\n[ \t]+", " ", stanza)
    pairs = (line.partition(":") for line in joined.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _is_own(entry: Entry, name: str, codename: str) -> bool:
    """Tell whether an entry is the distribution's own, or a mirror of it."""
    own_keyring = re.fullmatch(rf"/usr/share/keyrings/{name}-archive-keyring\.(gpg|pgp)", entry.keyring)
    # Without a keyring of its own, the folder tells: mirrors keep the archive's names.
    archive = re.search(rf"/{name}(-security|-ports)?/?$", urlsplit(entry.uri).path)
    return (
        re.fullmatch(r"https?://[\w.:@%+~/-]+", entry.uri) is not None
        and entry.suite in {codename + pocket for pocket in _POCKETS}
        and bool(entry.components)
        and _COMPONENTS[name].issuperset(entry.components)
        and (own_keyring is not None or (not entry.keyring and archive is not None))
    )
