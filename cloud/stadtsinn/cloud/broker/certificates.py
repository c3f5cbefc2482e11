"""How the authority's certificates look, and its list of revoked ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stadtsinn.base.sentence import Unusable

_HOST = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_CLOCKS_DIFFER = timedelta(days=1)
"""A Raspberry Pi may start with yesterday's time: certificates are valid from a day ago on."""

# Python 3.13 verifies strictly (RFC 5280): an authority says what it is for, and certificates
# name their issuer's key.
_CERTIFICATES_ONLY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def authority_certificate(
    name: str, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.Certificate:
    subject = _name(name)
    return (
        _builder(subject, subject, key.public_key(), _in(days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CERTIFICATES_ONLY, critical=True)
        .sign(key, hashes.SHA256())
    )


def server_certificate(
    name: str,
    hosts: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: int,
) -> x509.Certificate:
    """Raises ValueError for a host that is neither a name nor an address."""
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    builder = _issued(name, ExtendedKeyUsageOID.SERVER_AUTH, key, issuer, days)
    return builder.add_extension(names, critical=False).sign(issuer_key, hashes.SHA256())


def client_certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: int,
    tenant: str | None = None,
) -> x509.Certificate:
    """The broker knows a client by its common name. `tenant`, the organisation in it, is the
    operator's word whose the client is."""
    builder = _issued(name, ExtendedKeyUsageOID.CLIENT_AUTH, key, issuer, days, tenant)
    return builder.sign(issuer_key, hashes.SHA256())


def revocation_list(
    revoked: Mapping[int, datetime],
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.CertificateRevocationList:
    """Valid as long as the authority: with a list that has ended the broker refuses everybody."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(_in(0) - _CLOCKS_DIFFER)
        .next_update(issuer.not_valid_after_utc)
        .add_extension(_issuer_key(issuer), critical=False)
        .add_extension(x509.CRLNumber(len(revoked)), critical=False)
    )
    for serial, date in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer_key, hashes.SHA256())


def pem(made: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _issued(
    name: str,
    usage: x509.ObjectIdentifier,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    days: int,
    tenant: str | None = None,
) -> x509.CertificateBuilder:
    ends = min(_in(days), issuer.not_valid_after_utc)
    return (
        _builder(_name(name, tenant), issuer.subject, key.public_key(), ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_issuer_key(issuer), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _name(common_name: str, organisation: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _in(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        pass
    if not _HOST.fullmatch(text):
        raise Unusable(
            f"{text!r} is neither a host name nor an address: write it as the edges will reach "
            "the broker, e.g. mqtt.musterstadt.example (umlauts as xn--…)",
            f"{text!r} ist weder Rechnername noch Adresse: so schreiben, wie die Agenten den "
            "Broker erreichen, z. B. mqtt.musterstadt.example (Umlaute als xn--…)",
        )
    return x509.DNSName(text.lower())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_in(0) - _CLOCKS_DIFFER)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
