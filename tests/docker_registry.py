"""A registry of the tests' own: Debian's docker-registry, ended by whoever started it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import bcrypt

PROGRAM = "docker-registry"


@dataclass
class Registry:
    """A running registry."""

    folder: Path
    address: str  # HOST:PORT
    process: subprocess.Popen[bytes]
    ca: Path | None = None

    @classmethod
    def start(cls, folder: Path, *, host: str = "127.0.0.1", user: str = "", tls: bool = False) -> Registry:
        """Start one; with `user` it wants `user:password` as a login, with `tls` it has its own authority."""
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as plug:
            plug.bind((host, 0))
            address = f"{host}:{plug.getsockname()[1]}"
        http_part: dict[str, object] = {"addr": address}
        config: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": http_part,
        }
        if user:
            name, _, password = user.partition(":")
            line = name.encode() + b":" + bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)) + b"\n"
            (folder / "htpasswd").write_bytes(line)
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
        if tls:
            make_certificates(folder, host)
            http_part["tls"] = {"certificate": str(folder / "server.crt"), "key": str(folder / "server.key")}
        path = folder / "config.yml"
        path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([PROGRAM, "serve", str(path)], stdout=log, stderr=log)
        made = cls(folder=folder, address=address, process=process, ca=folder / "ca.crt" if tls else None)
        made._wait()
        return made

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.manifest("nobody/nothing", "x")
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise RuntimeError((self.folder / "log").read_text("utf-8", "replace"))

    def manifest(self, repository: str, tag: str, login: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Return what it says of a manifest: status and bytes."""
        accept = (
            "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
        )
        return self.get(f"/v2/{repository}/manifests/{tag}", {"Accept": accept, **(login or {})})

    def get(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return what it answers: status and bytes."""
        connection: http.client.HTTPConnection = http.client.HTTPConnection(self.address, timeout=60)
        if self.ca:
            context = ssl.create_default_context(cafile=str(self.ca))
            connection = http.client.HTTPSConnection(self.address, timeout=60, context=context)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        self.process.kill()
        self.process.wait()


def make_certificates(folder: Path, host: str) -> None:
    """Make an authority and a certificate of it for an address."""
    (folder / "names").write_text(f"subjectAltName=IP:{host}\n", encoding="utf-8")
    ca = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout"]
    for words in (
        [*new, "ca.key", "-x509", "-days", "2", "-subj", "/CN=tests", "-out", "ca.crt"],
        [*new, "server.key", "-subj", f"/CN={host}", "-out", "server.csr"],
        ["openssl", "x509", "-req", "-in", "server.csr", *ca, "-extfile", "names", "-out", "server.crt"],
    ):
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)
