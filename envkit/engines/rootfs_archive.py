"""A root filesystem as a docker archive: so an engine takes it in as an image of any machine.

Its own import knows no machine but its own: Docker 20.10 calls whatever it imports by the machine it runs on,
also when asked for another.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

_PART = 1 << 20


def write(target: Path, rootfs: Path, reference: str, labels: Mapping[str, str], architecture: str) -> None:
    """Write the archive of a one-layer image with that name; the file is as large as the root filesystem."""
    about = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": dict(labels)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(rootfs)}"]},
        "history": [{"created_by": "envkit base"}],
    }
    config = json.dumps(about, sort_keys=True, separators=(",", ":")).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        with rootfs.open("rb") as layer:
            _add(archive, "layer.tar", layer, rootfs.stat().st_size)
        for called, content in ((name, config), ("manifest.json", manifest)):
            _add(archive, called, io.BytesIO(content), len(content))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: io.BufferedReader | io.BytesIO, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    archive.addfile(entry, content)
