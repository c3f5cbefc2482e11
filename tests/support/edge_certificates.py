"""An authority that issues edge agents' certificates of any kind, right and wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api_callers import HOME, NOW
from stadtsinn.base.instant import to_datetime

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


class Authority:
    """Issues certificates of any kind."""

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self._name, self._key, ca=True)

    def issue(
        self,
        common_names: Sequence[str] = ("rathaus-1",),
        organisations: Sequence[str] = (HOME,),
        usage: Sequence[x509.ObjectIdentifier] = CLIENT,
        **options: Any,
    ) -> str:
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, one) for one in common_names]
            + [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organisations]
        )
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(subject, key, usage=usage, **options)
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        ca: bool = False,
        usage: Sequence[x509.ObjectIdentifier] = (),
        begins: datetime | None = None,
        days: int = 30,
    ) -> x509.Certificate:
        first = begins or to_datetime(NOW) - timedelta(days=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(first + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(usage)), critical=False)
        return builder.sign(self._key, hashes.SHA256())
