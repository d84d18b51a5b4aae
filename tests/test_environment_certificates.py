"""The authority and its certificates: what it may vouch for, who can read its key."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509

from envkit.environment.certificates import authority, covers, given, issue
from envkit.errors import HostError, UsageError

NAMES = ("gpu7.lan", "192.0.2.2")


def shake_hands(folder: Path, trusted: Path, certificate: bytes, key: bytes, name: str) -> None:
    """Let a client that trusts the authority alone talk to a server of the certificate, in memory."""
    (folder / "c").write_bytes(certificate)
    (folder / "k").write_bytes(key)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / "c", folder / "k")
    client_side = ssl.create_default_context(cafile=str(trusted))
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(down, up, server_hostname=name)
    server = server_side.wrap_bio(up, down, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert waiting == []


@pytest.mark.parametrize("name", [*NAMES, "a.gpu7.lan", "10.1.2.3", "localhost"])
def test_a_client_that_trusts_the_authority_trusts_its_certificate(tmp_path: Path, name: str) -> None:
    signer = authority(tmp_path / "ca", "gpu7", NAMES)
    pair = issue(signer, (name,), ())
    shake_hands(tmp_path, signer.file, pair.certificate, pair.key, name)


def test_it_can_vouch_for_nobody_else(tmp_path: Path) -> None:
    signer = authority(tmp_path / "ca", "gpu7", NAMES)
    for name in ("bank.example", "8.8.8.8", "xgpu7.lan", "lan"):
        with pytest.raises(UsageError, match=f"it cannot vouch for {name}"):
            issue(signer, (name,), ())
    assert issue(signer, ("gpu7.lan",), ("bank.example", "10.0.0.1")).names == ("gpu7.lan", "10.0.0.1")


def test_a_thief_of_its_key_cannot_pose_as_a_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = authority(tmp_path / "ca", "gpu7", NAMES)
    monkeypatch.setattr("envkit.environment.certificates._permits", lambda certificate, name: True)
    forged = issue(signer, ("bank.example",), ())
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(tmp_path, signer.file, forged.certificate, forged.key, "bank.example")


def test_its_key_is_its_owners_alone_and_is_made_once(tmp_path: Path) -> None:
    first = authority(tmp_path / "ca", "gpu7", NAMES)
    again = authority(tmp_path / "ca", "gpu7", ("other.lan",))
    assert first.fingerprint == again.fingerprint
    assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "ca" / "authority.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "ca").iterdir()) == ["authority.pem", "ca.crt"]
    assert b"PRIVATE" not in first.file.read_bytes()
    assert "PRIVATE" not in repr(first) + repr(issue(first, NAMES, ()))


def test_a_certificate_lasts_no_longer_than_apple_takes(tmp_path: Path) -> None:
    pair = issue(authority(tmp_path / "ca", "gpu7", NAMES), NAMES, ())
    assert timedelta(days=824) < pair.ends - datetime.now(timezone.utc) <= timedelta(days=825)


def test_a_damaged_authority_is_named_and_left(tmp_path: Path) -> None:
    authority(tmp_path / "ca", "gpu7", NAMES)
    (tmp_path / "ca" / "authority.pem").write_text("x")
    with pytest.raises(HostError, match="is damaged"):
        authority(tmp_path / "ca", "gpu7", NAMES)
    assert (tmp_path / "ca" / "authority.pem").read_text() == "x"


def test_a_given_certificate_is_read_with_its_names(tmp_path: Path) -> None:
    pair = issue(authority(tmp_path / "ca", "gpu7", NAMES), NAMES, ())
    certificate, key = tmp_path / "c", tmp_path / "k"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    found = given(str(certificate), str(key))
    assert set(found.names) == set(NAMES)
    assert covers(found, "gpu7.lan") and not covers(found, "gpu8.lan")


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    signer = authority(tmp_path / "ca", "gpu7", NAMES)
    for number in (1, 2):
        pair = issue(signer, NAMES, ())
        (tmp_path / f"c{number}").write_bytes(pair.certificate)
        (tmp_path / f"k{number}").write_bytes(pair.key)
    with pytest.raises(UsageError, match="is not the key of"):
        given(str(tmp_path / "c1"), str(tmp_path / "k2"))
    with pytest.raises(UsageError, match="cannot be read as PEM"):
        given(str(tmp_path / "k1"), str(tmp_path / "c1"))
    with pytest.raises(UsageError, match=r"--tls-key .*No such file"):
        given(str(tmp_path / "c1"), str(tmp_path / "k3"))


def test_the_authority_says_that_it_is_one(tmp_path: Path) -> None:
    extensions = authority(tmp_path / "ca", "gpu7", NAMES).certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert extensions.get_extension_for_class(x509.NameConstraints).critical
