"""Certificates for doors beyond loopback: the caller's own, or one by an authority that envkit makes.

The authority is one for each machine. It can vouch only for that machine's names and for private networks
(name constraints, RFC 5280 4.2.1.10): whoever steals its key cannot pose as anybody's bank.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from envkit.errors import HostError, UsageError

# The longest that Apple's systems accept of a certificate whose authority a user added (support HT210176).
_CERTIFICATE_DAYS = 825
# Its renewal must be trusted anew in every browser, which is why it lasts; its constraints bound the damage.
_AUTHORITY_DAYS = 3650
_CLOCK_SKEW = timedelta(hours=1)
# Networks that are nobody's on the internet (RFC 1918, 6598, 3927, 4193, 4291).
_PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A certificate with its chain, and its key, as PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    names: tuple[str, ...]
    ends: datetime


@dataclass(frozen=True, kw_only=True)
class Authority:
    """What signs: its certificate's file is what browsers are told to trust."""

    file: Path
    fingerprint: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


def authority(folder: Path, machine: str, names: tuple[str, ...]) -> Authority:
    """Return a machine's authority; the first to ask makes it, for these names and private networks."""
    kept = folder / "authority.pem"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        _write_once(kept, _new_authority(machine, names))
    text = kept.read_bytes()
    try:
        certificate = x509.load_pem_x509_certificate(text)
        key = serialization.load_pem_private_key(text, password=None)
    except ValueError as error:
        raise HostError(f"{kept} is damaged: {error}", fix=_anew(folder)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.not_valid_after_utc < _now():
        raise HostError(f"{kept} is no longer an authority (it ended, or is not ours)", fix=_anew(folder))
    public = folder / "ca.crt"
    if not public.is_file() or public.read_bytes() != _pem(certificate):
        public.write_bytes(_pem(certificate))
    return Authority(file=public, fingerprint=_fingerprint(certificate), certificate=certificate, key=key)


def issue(signer: Authority, required: Iterable[str], offered: Iterable[str]) -> Pair:
    """Sign a new key for the names; of those only offered, the ones that the authority may vouch for."""
    wanted = list(dict.fromkeys(required))
    for name in wanted:
        if not _permits(signer.certificate, name):
            raise UsageError(
                f"envkit's authority was made for other names: it cannot vouch for {name}",
                fix=f"give a certificate (--tls-cert, --tls-key); or {_anew(signer.file.parent)}",
            )
    names = list(dict.fromkeys([*wanted, *(name for name in offered if _permits(signer.certificate, name))]))
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(_now() + timedelta(days=_CERTIFICATE_DAYS), signer.certificate.not_valid_after_utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"envkit {names[0]}"[:64])])
    certificate = (
        _builder(subject, signer.certificate.subject, key.public_key(), ends)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False
        )
        .sign(signer.key, hashes.SHA256())
    )
    return Pair(certificate=_pem(certificate), key=_key_pem(key), names=tuple(names), ends=ends)


def given(certificate_file: str, key_file: str) -> Pair:
    """Read the caller's own certificate and key; UsageError when they cannot serve."""
    chain, key_text = _read(certificate_file, "--tls-cert"), _read(key_file, "--tls-key")
    try:
        certificate = x509.load_pem_x509_certificate(chain)
        key = serialization.load_pem_private_key(key_text, password=None)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{certificate_file} and {key_file} cannot be read as PEM: {error}",
            fix="give a certificate (with its chain) and its key without a passphrase, both as PEM",
        ) from error
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise UsageError(
            f"{key_file} is not the key of {certificate_file}", fix="give the two that go together"
        )
    if not certificate.not_valid_before_utc - _CLOCK_SKEW <= _now() <= certificate.not_valid_after_utc:
        raise UsageError(f"{certificate_file} is not valid today", fix="renew it")
    return Pair(
        certificate=chain,
        key=_key_pem(key),
        names=_names_of(certificate),
        ends=certificate.not_valid_after_utc,
    )


def covers(pair: Pair, name: str) -> bool:
    """Tell whether the certificate is made out to the name; `*.` stands for one word."""
    return name in pair.names or f"*.{name.partition('.')[2]}" in pair.names


def _new_authority(machine: str, names: tuple[str, ...]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"envkit's own authority on {machine}"[:64])]
    )
    ends = _now() + timedelta(days=_AUTHORITY_DAYS)
    private = [x509.IPAddress(ipaddress.ip_network(network)) for network in _PRIVATE]
    own = [_subtree(name) for name in dict.fromkeys([*names, "localhost"])]
    certificate = (
        _builder(subject, subject, key.public_key(), ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([*own, *private], None), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key) + _pem(certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - _CLOCK_SKEW)
        .not_valid_after(ends)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _permits(certificate: x509.Certificate, name: str) -> bool:
    permitted = certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    for subtree in permitted or ():
        if isinstance(subtree, x509.DNSName):
            if name == subtree.value or name.endswith(f".{subtree.value}"):
                return True
        elif _is_address(name) and ipaddress.ip_address(name) in subtree.value:
            return True
    return False


def _general(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name)


def _subtree(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(name)) if _is_address(name) else x509.DNSName(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress)))


def _write_once(path: Path, content: bytes) -> None:
    """Put the file there whole; of two who make it at once, the first one's stays."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        Path(temporary).unlink()


def _read(path: str, option: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}", fix="give a file that you can read") from error


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: object) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(encoding, form))  # type: ignore[attr-defined]  # every public key has it


def _fingerprint(certificate: x509.Certificate) -> str:
    return ":".join(f"{byte:02X}" for byte in certificate.fingerprint(hashes.SHA256()))


def _anew(folder: Path) -> str:
    return f"move {folder} away: a new one is made, which browsers must be told to trust again"
