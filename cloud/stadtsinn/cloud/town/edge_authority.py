"""Certificates as the operator's word: which edge agent belongs to which town.

The operator's authority issues an edge's client certificate with the edge id as common name (CN),
by which the broker knows it, and the town's short name as organisation (O). Whoever shows it proves
only what the authority has signed, so it need not be kept secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stadtsinn.base.bounded_files import read_whole
from stadtsinn.base.explaining import why
from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.problems import Invalid
from stadtsinn.base.sentence import Sentence
from stadtsinn.base.settings.errors import SettingsError

_NO_PEM = Sentence("it holds no certificate in PEM", "die Datei enthält kein Zertifikat in PEM")
_NOT_OURS = Sentence(
    "is not issued by the authority of this installation",
    "stammt nicht von der Zertifikatsstelle dieser Zentrale",
)


@dataclass(frozen=True)
class EdgeAuthority:
    """The authorities whose certificates count; none, where none is configured."""

    authorities: Sequence[x509.Certificate] = ()

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """From a PEM file. Raises SettingsError."""
        if path is None:
            return cls()
        try:
            found = x509.load_pem_x509_certificates(read_whole(path))
        except (OSError, ValueError) as error:
            said = why(error) if isinstance(error, OSError) else _NO_PEM
            raise SettingsError(
                f"[edges] authority: {path} cannot be read: {said.english}",
                f"[edges] authority: {path} ist nicht lesbar: {said.german}",
            ) from None
        if not all(_is_authority(one) for one in found):
            raise SettingsError(
                f"[edges] authority: {path} holds a certificate of no authority",
                f"[edges] authority: {path} enthält ein Zertifikat, das keiner Zertifikatsstelle "
                "gehört",
            )
        return cls(found)

    def prove(self, pem: str, edge_id: str, tenant_id: str, now: Instant) -> None:
        """Raises Invalid, with what is wrong, unless the certificate says that the edge is the
        tenant's."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            issued = any(_issued_by(certificate, one) for one in self.authorities)
            objection = _objection(certificate, edge_id, tenant_id, now)
        except (ValueError, TypeError, x509.InvalidVersion):
            raise Invalid(
                "The certificate cannot be read: send one in PEM.",
                "Das Zertifikat ist nicht lesbar: eines in PEM schicken.",
            ) from None
        if not issued:
            objection = _NOT_OURS
        if objection is not None:
            raise Invalid(
                f"The certificate {objection.english}.", f"Das Zertifikat {objection.german}."
            )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _objection(
    certificate: x509.Certificate, edge_id: str, tenant_id: str, now: Instant
) -> Sentence | None:
    moment = to_datetime(now)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        return Sentence("is not valid now", "gilt jetzt nicht")
    if not _is_for_clients(certificate):
        return Sentence(
            "is not for clients (extended key usage)",
            "ist nicht für Clients (extended key usage)",
        )
    if _names(certificate, NameOID.COMMON_NAME) != [edge_id]:
        return Sentence(f"is not that of '{edge_id}' (CN)", f"ist nicht das von '{edge_id}' (CN)")
    if _names(certificate, NameOID.ORGANIZATION_NAME) != [tenant_id]:
        return Sentence(
            f"does not name your town, '{tenant_id}', as its organisation (O)",
            f"nennt diese Stadt, '{tenant_id}', nicht als Organisation (O)",
        )
    return None


def _is_for_clients(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage.value


def _names(certificate: x509.Certificate, which: x509.ObjectIdentifier) -> list[str | bytes]:
    return [one.value for one in certificate.subject.get_attributes_for_oid(which)]
