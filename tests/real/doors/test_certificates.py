"""Doors beyond loopback with a certificate of one's own, and on a host over SSH."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from envkit.cli.site import site_of
from envkit.environment.certificates import Pair, authority, issue
from envkit.environment.ready import Opened
from envkit.environment.target import find_image
from envkit.environment.up import UpRequest, up
from envkit.hosts.ssh import SshHost
from envkit.plan.exposure import exposure
from envkit.plan.run_plan import Caller, RunOptions
from tests.names import fresh
from tests.real.conftest import Envkit
from tests.real.doors.conftest import brought_up
from tests.real.hosts.conftest import home, reach, serve
from tests.sshd import Sshd

pytestmark = pytest.mark.real
__all__ = ["home", "reach", "serve"]

NAME = "box.example"


@dataclass(frozen=True, kw_only=True)
class Company:
    """Somebody's own authority, and the files that it gave."""

    file: Path
    certificate: Path
    key: Path
    renew: Callable[[], Pair]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """An authority that envkit knows nothing of, with a certificate for one name."""
    signer = authority(tmp_path / "company", "company", (NAME,))
    certificate, key = tmp_path / "given.crt", tmp_path / "given.key"

    def renew() -> Pair:
        pair = issue(signer, (NAME,), ())
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        return pair

    renew()
    return Company(file=signer.file, certificate=certificate, key=key, renew=renew)


def shown(port: int, trusted: Path, name: str) -> bytes:
    """Shake hands as somebody who trusts one authority alone; return the certificate that was shown."""
    context = ssl.create_default_context(cafile=str(trusted))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=name) as spoken,
    ):
        return ssl.DER_cert_to_PEM_cert(spoken.getpeercert(binary_form=True) or b"").encode()


def ask(port: int, trusted: Path, name: str, path: str, **headers: str) -> int:
    """Ask through TLS as a browser at that name does; return the status."""

    class Named(http.client.HTTPSConnection):
        def connect(self) -> None:
            plain = socket.create_connection(("127.0.0.1", port), timeout=60)
            self.sock = ssl.create_default_context(cafile=str(trusted)).wrap_socket(
                plain, server_hostname=name
            )

    with contextlib.closing(Named(name, port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def test_a_certificate_of_ones_own_is_shown_and_renewed(
    envkit: Envkit, image: str, company: Company, tmp_path: Path
) -> None:
    words = ("--expose", "--tls-cert", str(company.certificate), "--tls-key", str(company.key))
    with brought_up(envkit, image, tmp_path, fresh("given"), *words) as opened:
        assert opened.urls["jupyterlab"].startswith(f"https://{NAME}:{opened.port}/")
        assert shown(opened.port, company.file, NAME) == company.certificate.read_bytes()
        assert ask(opened.port, company.file, NAME, f"{opened.base}/lab", **opened.known) == 200
        assert ask(opened.port, company.file, NAME, f"{opened.base}/api/status") == 403
        before, renewed = company.certificate.read_bytes(), company.renew()
        envkit("restart", opened.name, "--timeout", "500")
        assert before != renewed.certificate == shown(opened.port, company.file, NAME)


@pytest.fixture
def box(serve: Callable[..., Sshd], reach: Callable[..., SshHost]) -> SshHost:
    """A host over SSH."""
    return reach(serve())


@pytest.fixture
def exposed(box: SshHost, image: str, tmp_path: Path) -> Iterator[Opened]:
    """An environment on the host, at every address of it."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    site = replace(site_of(box), home=str(tmp_path / "home"), cache=str(tmp_path / "cache"))
    name = fresh("far")
    options = RunOptions(name=name, exposure=exposure("0.0.0.0", (NAME,), None, None))
    caller = Caller(uid=os.getuid(), gid=os.getgid(), name="tester")
    request = UpRequest(image=find_image(site.engine, image), options=options, caller=caller, timeout_s=500)
    yield up(site, request, lambda line: None)
    for facts in site.engine.containers.find({"io.envkit.environment": name}):
        site.engine.containers.remove(facts.id)


def test_on_a_host_envkit_s_authority_for_that_host_signs(exposed: Opened, tmp_path: Path) -> None:
    assert exposed.authority
    trusted = Path(exposed.authority.file)
    assert trusted.is_relative_to(tmp_path / "user")  # on the client, where the browser is
    assert exposed.urls.jupyterlab.startswith(f"https://{NAME}:{exposed.port}/")
    known = {"Authorization": f"token {exposed.token}"}
    assert ask(exposed.port, trusted, NAME, f"/env/{exposed.name}/lab", **known) == 200
    assert ask(exposed.port, trusted, NAME, f"/env/{exposed.name}/vscode/") == 302
