"""Which host keys are known: plain, hashed, with a port, by pattern, revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from envkit.hosts import known_keys
from envkit.hosts.failures import ChangedKey, UnknownKey
from envkit.hosts.known_keys import host_key, judge, key_name, remember

BLOB = b"\x00\x00\x00\x0bssh-ed25519" + bytes(36)
KEY = base64.b64encode(BLOB).decode()
OTHER = base64.b64encode(BLOB[:-1] + b"\x01").decode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(known_keys, "_SYSTEM", ())
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def write(home: Path, *lines: str) -> None:
    (home / ".ssh" / "known_hosts").write_text("".join(f"{line}\n" for line in lines), "utf-8")


def shown(name: str) -> None:
    judge(host_key(name, "ssh-ed25519", BLOB), host="box")


def hashed(name: str) -> str:
    salt = bytes(range(20))
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    "names",
    ["box", "BOX,10.0.0.1", "other,box", "*", "b?x", hashed("box"), "[box]:22,box"],
)
def test_a_name_is_known_however_it_is_written(home: Path, names: str) -> None:
    write(home, "# a comment", "", f"{names} ssh-ed25519 {KEY} a comment")
    shown("box")


@pytest.mark.parametrize("names", ["boxes", "!box,*", "[box]:2222", hashed("[box]:2222"), "b"])
def test_another_name_is_not_taken_for_it(home: Path, names: str) -> None:
    write(home, f"{names} ssh-ed25519 {KEY}")
    with pytest.raises(UnknownKey):
        shown("box")


def test_a_port_belongs_to_the_name(home: Path) -> None:
    assert (key_name("Box", 22), key_name("Box", 2222)) == ("box", "[box]:2222")
    write(home, f"[box]:2222 ssh-ed25519 {KEY}")
    shown("[box]:2222")


def test_an_unknown_key_is_told_with_its_fingerprint_and_what_to_do() -> None:
    with pytest.raises(UnknownKey) as caught:
        shown("box")
    print_ = "SHA256:" + base64.b64encode(hashlib.sha256(BLOB).digest()).decode().rstrip("=")
    assert caught.value.what == f"the host key of box is not known (ssh-ed25519 {print_})"
    assert caught.value.fix == "compare the fingerprint with the machine's own, then: envkit host trust box"


def test_a_changed_key_stops_hard_with_both_fingerprints(home: Path) -> None:
    write(home, f"box ssh-ed25519 {OTHER}")
    with pytest.raises(ChangedKey) as caught:
        shown("box")
    assert caught.value.what.count("SHA256:") == 2
    assert str(home / ".ssh" / "known_hosts") in caught.value.what
    assert f"ssh-keygen -R 'box' -f {home}/.ssh/known_hosts" in caught.value.fix


def test_a_key_of_another_kind_counts_as_changed(home: Path) -> None:
    write(home, f"box ssh-rsa {OTHER}")
    with pytest.raises(ChangedKey):
        shown("box")


def test_a_revoked_key_is_never_taken(home: Path) -> None:
    write(home, f"box ssh-ed25519 {KEY}", f"@revoked * ssh-ed25519 {KEY}")
    with pytest.raises(ChangedKey, match="marked @revoked"):
        shown("box")


def test_a_certificate_authority_is_said_and_not_taken_for_the_key(home: Path) -> None:
    write(home, f"@cert-authority box ssh-ed25519 {KEY}")
    with pytest.raises(UnknownKey, match="a certificate authority is known for it"):
        shown("box")


def test_what_is_trusted_goes_into_a_file_of_envkit_s_own(home: Path) -> None:
    path = remember(host_key("box", "ssh-ed25519", BLOB))
    assert path == home / ".config" / "envkit" / "known_hosts"
    assert path.stat().st_mode & 0o777 == 0o600
    shown("box")
    assert known_keys.known_kinds("box") == ("ssh-ed25519",)
