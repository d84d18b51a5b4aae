"""Put VS Code extensions into code-server's built-in folder, where every user has them and no mount hides them.

Arguments: the folder with `extensions.json` (`{"gallery": URL, "extensions": [{"id" | "vsix", "version", "optional"}]}`) and
the `.vsix` files; the built-in folder. Writes `/opt/envkit/extensions.json`: what was installed, from where, with its
sha256, and what is missing, with the reason. A gallery's file is checked against the sha256 that the gallery names.
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

RESULT = "/opt/envkit/extensions.json"
TIMEOUT_S = 60


def fetch(url):
    """Return the bytes at a URL."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        return answer.read()


def from_gallery(gallery, wanted):
    """Return an extension's archive and its address, checked against the gallery's sha256."""
    publisher, _, name = wanted["id"].partition(".")
    about = json.loads(fetch("/".join(filter(None, (gallery, publisher, name, wanted.get("version"))))))
    files = about["files"]
    data = fetch(files["download"])
    expected = fetch(files["sha256"]).decode().split()[0]
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ValueError(f"sha256 {found}, the gallery says {expected}")
    return data, files["download"]


def unpack(data, builtin):
    """Unpack a .vsix into the built-in folder; return its package.json."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        about = json.loads(archive.read("extension/package.json"))
        target = os.path.join(builtin, f"{about['publisher']}.{about['name']}-{about['version']}".lower())
        with tempfile.TemporaryDirectory() as scratch:
            archive.extractall(scratch, [n for n in archive.namelist() if n.startswith("extension/")])
            shutil.copytree(os.path.join(scratch, "extension"), target, dirs_exist_ok=True)
    return about


def install(gallery, wanted, folder, builtin):
    """Install one extension; return its row for the result and the ids that it needs."""
    if "vsix" in wanted:
        source = wanted["vsix"]
        with open(os.path.join(folder, source), "rb") as file:
            data = file.read()
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


def main():
    """Install all; a required one that cannot be had ends the build."""
    folder, builtin = sys.argv[1:]
    with open(os.path.join(folder, "extensions.json"), encoding="utf-8") as file:
        plan = json.load(file)
    installed, missing, queue = [], [], list(plan["extensions"])
    present = {name.lower() for name in os.listdir(builtin)}
    while queue:
        wanted = queue.pop(0)
        name = wanted.get("id") or wanted["vsix"]
        if name.lower() in present or name.lower() in {row["id"].lower() for row in installed}:
            continue
        try:
            row, needs = install(plan["gallery"], wanted, folder, builtin)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, urllib.error.URLError) as error:
            reason = f"{type(error).__name__}: {error}"
            if not wanted.get("optional"):
                sys.exit(f"envkit-assert: the extension {name} cannot be had ({reason})")
            missing.append({"id": name, "reason": reason})
            continue
        installed.append(row)
        queue += [{"id": need, "optional": wanted.get("optional", False)} for need in needs if not need.startswith("vscode.")]
    with open(RESULT, "w", encoding="utf-8") as file:
        json.dump({"installed": installed, "missing": missing}, file, indent=1, sort_keys=True)
    print(f"extensions: {len(installed)} installed, {len(missing)} missing {[row['id'] for row in missing] or ''}")


if __name__ == "__main__":
    main()
