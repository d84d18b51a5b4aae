"""Put VS Code extensions into code-server's built-in folder, where every user has them.

Arguments: the folder with the `.vsix` files and `extensions.json`
(`{"gallery": URL, "extensions": [{"id" | "vsix", "version", "optional"}]}`), and the built-in folder.
Writes `/opt/envkit/extensions.json`: what was installed, from where, with its sha256, and what is missing,
with the reason. A gallery's file is checked against the sha256 that the gallery names. A mirror of one's
own, ENVKIT_GALLERY_URL, is asked in the gallery's place; its address stays out of the image.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

RESULT = Path("/opt/envkit/extensions.json")
TIMEOUT_S = 60


def fetch(url: str) -> bytes:
    """Return the bytes at a URL."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        return bytes(answer.read())


def from_gallery(gallery: str, wanted: dict[str, Any]) -> tuple[bytes, str]:
    """Return an extension's archive and its address, checked against the gallery's sha256."""
    publisher, _, name = wanted["id"].partition(".")
    mirror = os.environ.get("ENVKIT_GALLERY_URL", "")
    about = json.loads(
        fetch("/".join(filter(None, (mirror or gallery, publisher, name, wanted.get("version")))))
    )
    files = about["files"]
    data = fetch(files["download"])
    expected = fetch(files["sha256"]).decode().split()[0]
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ValueError(f"sha256 {found}, the gallery says {expected}")
    return data, f"a mirror of {gallery}" if mirror else files["download"]


def unpack(data: bytes, builtin: Path) -> dict[str, Any]:
    """Unpack a .vsix into the built-in folder; return its package.json."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        about: dict[str, Any] = json.loads(archive.read("extension/package.json"))
        target = builtin / f"{about['publisher']}.{about['name']}-{about['version']}".lower()
        if target.parent != builtin:
            raise ValueError(f"{target.name} is no name for a folder")
        with tempfile.TemporaryDirectory() as scratch:
            archive.extractall(scratch, [n for n in archive.namelist() if n.startswith("extension/")])
            shutil.copytree(Path(scratch) / "extension", target, dirs_exist_ok=True)
    return about


def install(
    gallery: str, wanted: dict[str, Any], folder: Path, builtin: Path
) -> tuple[dict[str, str], list[str]]:
    """Install one extension; return its row for the result and the ids that it needs."""
    if "vsix" in wanted:
        source = wanted["vsix"]
        data = (folder / source).read_bytes()
    else:
        data, source = from_gallery(gallery, wanted)
    about = unpack(data, builtin)
    row = {
        "id": f"{about['publisher']}.{about['name']}",
        "version": about["version"],
        "sha256": hashlib.sha256(data).hexdigest(),
        "source": source,
    }
    return row, about.get("extensionDependencies", [])


def why(error: Exception) -> str:
    """Return in words why an extension cannot be had."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the gallery answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"the gallery cannot be reached: {error.reason}"
    return f"{type(error).__name__}: {error}"


def install_all(plan: dict[str, Any], folder: Path, builtin: Path) -> dict[str, list[dict[str, str]]]:
    """Install what is planned and what that needs; a required one that cannot be had ends the build."""
    installed: list[dict[str, str]] = []
    missing: list[dict[str, str]] = []
    queue = list(plan["extensions"])
    done = {path.name.lower() for path in builtin.iterdir()}
    while queue:
        wanted = queue.pop(0)
        name = wanted.get("id") or wanted["vsix"]
        if name.lower() in done or name.lower().startswith("vscode."):
            continue
        done.add(name.lower())
        try:
            row, needs = install(plan["gallery"], wanted, folder, builtin)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, urllib.error.URLError) as error:
            reason = why(error)
            if not wanted.get("optional"):
                sys.exit(f"envkit-assert: the extension {name} cannot be had ({reason})")
            missing.append({"id": name, "reason": reason})
            continue
        installed.append(row)
        queue += [{"id": need, "optional": wanted.get("optional", False)} for need in needs]
    return {"installed": installed, "missing": missing}


def main() -> None:
    """Install, write down what came of it, and say it."""
    folder, builtin = map(Path, sys.argv[1:])
    plan = json.loads((folder / "extensions.json").read_text(encoding="utf-8"))
    result = install_all(plan, folder, builtin)
    RESULT.write_text(json.dumps(result, indent=1, sort_keys=True), encoding="utf-8")
    names = [row["id"] for row in result["missing"]]
    print(f"extensions: {len(result['installed'])} installed, {len(names)} missing {names or ''}")


if __name__ == "__main__":
    main()
