"""Certificates of any kind in files, right and wrong ones, as edge agents and ingests have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stadtsinn.base.instant import Instant, parse, to_datetime
from stadtsinn.base.mqtt.broker import Tls

NOW = parse("2027-03-01T12:00:00Z")
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True)
class Signer:
    """Somebody who issues certificates."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def signer(
    name: str = "authority", above: Signer | None = None, *, begins: int = -100, days: float = 1000
) -> Signer:
    """An authority, of its own or below another one; `begins` in days from `NOW`."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _builder(_name(name), above.certificate.subject if above else _name(name), key, begins)
    made = made.not_valid_after(_day(begins + days))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Signer(made.sign(above.key if above else key, hashes.SHA256()), key)


def files(
    folder: Path,
    issuer: Signer | None = None,
    *,
    names: Sequence[str] = ("rathaus-1",),
    begins: float = -10,
    days: float = 365,
    usage: Sequence[x509.ObjectIdentifier] = CLIENT,
    trusted: Sequence[Signer] = (),
    between: Sequence[Signer] = (),
) -> Tls:
    """ca.pem, own.pem and own.key of a client; `trusted` are in ca.pem instead of the issuer."""
    issuer = issuer or signer()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in names])
    made = _builder(subject, issuer.certificate.subject, key, begins)
    made = made.not_valid_after(_day(begins + days))
    if usage:
        made = made.add_extension(x509.ExtendedKeyUsage(list(usage)), critical=False)
    own = made.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)
    folder.mkdir(parents=True, exist_ok=True)
    tls = Tls(folder / "ca.pem", folder / "own.pem", folder / "own.key")
    assert tls.certificate is not None
    assert tls.key is not None
    tls.ca.write_bytes(b"".join(one.pem for one in trusted or (issuer,)))
    tls.certificate.write_bytes(own + b"".join(one.pem for one in between))
    write_key(tls.key, key)
    return tls


def write_key(path: Path, key: ec.EllipticCurvePrivateKey | None = None) -> None:
    key = key or ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_day(begins))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _day(days: float) -> datetime:
    return to_datetime(Instant(NOW)) + timedelta(days=days)
