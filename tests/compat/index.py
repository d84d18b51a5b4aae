"""Ask this machine's package index for wheels, and read the metadata of one without fetching it whole."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from typing import Any

from packaging.metadata import parse_email
from pip._internal.models.index import PyPI

_JSON = "application/vnd.pypi.simple.v1+json"
_TIMEOUT_S = 120
# A wheel's table of contents and its metadata are near its end: one request reads both.
_END_BYTES = 1 << 20


def address() -> str:
    """Return the index that pip asks on this machine: its setting, else its own default."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.stdout.strip() or PyPI.simple_url


def files(project: str) -> list[dict[str, Any]]:
    """Return a project's files, as the index's JSON gives them (PEP 691)."""
    url = f"{address().rstrip('/')}/{project}/"
    request = urllib.request.Request(url, headers={"Accept": _JSON})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return [{**file, "url": urllib.parse.urljoin(url, file["url"])} for file in told["files"]]


def requirements(url: str, size: int) -> list[str]:
    """Return a wheel's Requires-Dist, reading only its end."""
    with zipfile.ZipFile(_End(url, size)) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return parse_email(wheel.read(name))[0].get("requires_dist", [])


class _End(io.BytesIO):
    """A file of which only the end was fetched: what is read before it is fetched by itself."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size = url, size
        self._start = max(0, size - _END_BYTES)
        super().__init__(self._fetch(self._start, size))
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._size)[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, count: int | None = -1) -> bytes:
        end = self._size if count is None or count < 0 else min(self._size, self._at + count)
        first, self._at = self._at, end
        if first < self._start:
            return self._fetch(first, end)
        super().seek(first - self._start)
        return super().read(end - first)

    def _fetch(self, first: int, end: int) -> bytes:
        if end <= first:
            return b""
        request = urllib.request.Request(self._url, headers={"Range": f"bytes={first}-{end - 1}"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            data: bytes = answer.read()
        if len(data) != end - first:
            raise ValueError(f"{self._url}: the index's server gives no part of a file")
        return data
