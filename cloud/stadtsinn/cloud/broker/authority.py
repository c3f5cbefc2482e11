"""The town's certificate authority: certificates for the broker, edge agents and other accounts.

All is in one folder, keys readable by its owner only::

    ca.pem, ca.key           the authority
    revoked.pem              the list of revoked certificates
    issued/SERIAL.pem        every certificate that was issued
    server/                  ca.pem, server.pem, server.key: for the broker
    clients/NAME/            ca.pem, NAME.pem, NAME.key: to be copied to that machine
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stadtsinn.base.bounded_files import LISTS, read_whole
from stadtsinn.base.explaining import explained
from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.base.private_files import private_folder
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.base.whole_files import write_secret
from stadtsinn.cloud.broker.certificates import (
    authority_certificate,
    client_certificate,
    key_pem,
    pem,
    revocation_list,
    server_certificate,
)
from stadtsinn.edge.messages.edge_id import ROLES, checked_edge_id

AUTHORITY_DAYS = 20 * 365
CERTIFICATE_DAYS = 3 * 365

SERVER = "server"
_LONGEST_NAME = 64
"""Bytes in UTF-8, as X.509 has room for."""


class Refused(Explained):
    """The authority does not do it; the text says why and what to do."""


@dataclass(frozen=True)
class Credentials:
    """Files of one party: its certificate, its key and the authority it trusts."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Issued:
    """A certificate of this authority."""

    name: str
    serial: int
    ends: datetime
    revoked: bool


class Authority:
    """The authority in a folder: `create` makes one, `open` takes what is there."""

    def __init__(
        self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.revocations = folder / "revoked.pem"
        self._certificate = certificate
        self._key = key

    @classmethod
    def create(cls, folder: Path, name: str) -> Self:
        """Raises Refused where there is one already: a new one would shut all edges out. Raises
        Unusable for a name that cannot be printed."""
        if not name.isprintable() or not 0 < len(name.encode()) <= _LONGEST_NAME:
            raise Unusable(
                f"the authority's name has 1 to {_LONGEST_NAME} printable characters, "
                "letters beyond a-z count twice",
                f"der Name der Zertifikatsstelle hat 1 bis {_LONGEST_NAME} druckbare Zeichen, "
                "Umlaute zählen doppelt",
            )
        if (folder / "ca.key").exists():
            raise Refused(
                f"{folder} holds an authority already: with a new one no certificate of the old "
                "one would be valid. Remove the folder if that is wanted",
                f"{folder} enthält schon eine Zertifikatsstelle: mit einer neuen gälte kein "
                "Zertifikat der alten mehr. Den Ordner entfernen, wenn das gewollt ist",
            )
        private_folder(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        made = cls(folder, authority_certificate(name, key, AUTHORITY_DAYS), key)
        write_secret(folder / "ca.key", key_pem(key))
        write_secret(made.ca, pem(made._certificate))
        made._write_revocations({})
        return made

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises Refused where there is none, or its files cannot be read."""
        try:
            certificate = x509.load_pem_x509_certificate(read_whole(folder / "ca.pem"))
            key = load_pem_private_key(read_whole(folder / "ca.key"), None)
        except FileNotFoundError as error:
            raise Refused(
                f"{error.filename} is not there: 'stadtsinn ca create' makes it",
                f"{error.filename} gibt es nicht: 'stadtsinn ca create' legt sie an",
            ) from None
        except (OSError, ValueError) as error:
            said = explained(error)
            raise Refused(
                f"the authority in {folder} cannot be read: {said.english}",
                f"die Zertifikatsstelle in {folder} ist nicht lesbar: {said.german}",
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Refused(
                f"{folder}/ca.key is no key that 'stadtsinn ca create' made",
                f"{folder}/ca.key ist kein Schlüssel, den 'stadtsinn ca create' gemacht hat",
            )
        return cls(folder, certificate, key)

    # --- issuing -----------------------------------------------------------------------

    def issue_server(self, hosts: Sequence[str], days: int = CERTIFICATE_DAYS) -> Credentials:
        """For the broker. `hosts`: every name and address that it is reached by. A later one
        takes the place of an earlier one."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = server_certificate(SERVER, hosts, key, self._certificate, self._key, days)
        return self._keep(self.folder / SERVER, SERVER, made, key)

    @property
    def server(self) -> Credentials:
        """What `issue_server` made last. Raises Refused where it never did."""
        files = _files(self.folder / SERVER, SERVER)
        if not files.key.exists():
            raise Refused(
                "the broker has no certificate: 'stadtsinn ca server HOST' makes it",
                "der Broker hat kein Zertifikat: 'stadtsinn ca server RECHNER' stellt es aus",
            )
        return files

    def issue_edge(
        self,
        edge_id: str,
        days: int = CERTIFICATE_DAYS,
        *,
        tenant: str | None = None,
        renew: bool = False,
    ) -> Credentials:
        """For an edge agent, by its id; `tenant` is the short name of the town it belongs to; a
        renewed one belongs to the same without a word.

        Raises Unusable for a name that is none, and Refused for a second valid certificate
        without `renew`.
        """
        if tenant is not None and not re.fullmatch(SHORT_NAME, tenant):
            raise Unusable(
                "a town's short name has a-z, 0-9 and '-': 'stadtsinn tenant list'",
                "der Kurzname einer Stadt hat a-z, 0-9 und '-': 'stadtsinn tenant list'",
            )
        checked_edge_id(edge_id)
        return self._issue_client(edge_id, days, tenant, renew=renew)

    def issue_role(
        self, role: str, days: int = CERTIFICATE_DAYS, *, renew: bool = False
    ) -> Credentials:
        """For an ingest or a network server on another machine."""
        if role not in ROLES:
            raise Unusable(
                f"there is no role of that name; there are {', '.join(ROLES)}",
                f"eine Rolle dieses Namens gibt es nicht; möglich sind {', '.join(ROLES)}",
            )
        return self._issue_client(role, days, None, renew=renew)

    def _issue_client(
        self, name: str, days: int, tenant: str | None, *, renew: bool
    ) -> Credentials:
        if not renew and any(one.name == name for one in self.valid()):
            raise Refused(
                f"'{name}' has a valid certificate: 'stadtsinn ca revoke' if its machine is lost; "
                "--renew gives it another one, and the old one stays valid until it ends",
                f"'{name}' hat ein gültiges Zertifikat: 'stadtsinn ca revoke', wenn sein Rechner "
                "verloren ist; --renew stellt ein weiteres aus, und das alte gilt bis zu seinem "
                "Ablauf",
            )
        if tenant is None and renew:
            tenant = self._tenant_of(name)
        key = ec.generate_private_key(ec.SECP256R1())
        made = client_certificate(name, key, self._certificate, self._key, days, tenant)
        return self._keep(self.folder / "clients" / name, name, made, key)

    def _tenant_of(self, name: str) -> str | None:
        """Whose the latest certificate of this name says that it is."""
        own = [one for one in self._issued() if _is_client(one) and _common_name(one) == name]
        latest = max(own, key=lambda one: one.not_valid_before_utc, default=None)
        said = latest.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME) if latest else []
        return str(said[0].value) if said else None

    def _keep(
        self, folder: Path, name: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> Credentials:
        kept = self.folder / "issued"
        for parent in (kept, folder):
            private_folder(parent)
        write_secret(kept / f"{made.serial_number:x}.pem", pem(made))
        files = _files(folder, name)
        write_secret(files.key, key_pem(key))
        write_secret(files.ca, pem(self._certificate))
        write_secret(files.certificate, pem(made))
        return files

    @property
    def server_certificate(self) -> Issued | None:
        """The broker's present one, by all its names; None where there is none."""
        try:
            path = self.server.certificate
        except Refused:
            return None
        made = x509.load_pem_x509_certificate(read_whole(path))
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = ", ".join(str(one.value) for one in names)
        return Issued(hosts, made.serial_number, made.not_valid_after_utc, revoked=False)

    # --- what was issued, and taking it back --------------------------------------------

    def issued(self) -> list[Issued]:
        """Every certificate of a client, by name, the oldest first."""
        revoked = self._revoked()
        return sorted(
            (
                Issued(
                    _common_name(one),
                    one.serial_number,
                    one.not_valid_after_utc,
                    one.serial_number in revoked,
                )
                for one in self._issued()
                if _is_client(one)
            ),
            key=lambda one: (one.name, one.ends),
        )

    def valid(self) -> Iterator[Issued]:
        now = datetime.now(UTC)
        return (one for one in self.issued() if not one.revoked and one.ends > now)

    def revoke(self, name: str) -> int:
        """Revoke every valid certificate of this name; how many there were.

        The broker refuses them once it has the new list and was started again.
        """
        serials = [one.serial for one in self.valid() if one.name == name]
        if not serials:
            raise Refused(
                f"'{name}' has no valid certificate: 'stadtsinn ca list' shows them",
                f"'{name}' hat kein gültiges Zertifikat: 'stadtsinn ca list' zeigt sie",
            )
        now = datetime.now(UTC)
        self._write_revocations(self._revoked() | dict.fromkeys(serials, now))
        shutil.rmtree(self.folder / "clients" / name, ignore_errors=True)
        return len(serials)

    def _issued(self) -> Iterator[x509.Certificate]:
        for path in (self.folder / "issued").glob("*.pem"):
            yield x509.load_pem_x509_certificate(read_whole(path))

    def _revoked(self) -> dict[int, datetime]:
        try:
            known = x509.load_pem_x509_crl(read_whole(self.revocations, LISTS))
        except (OSError, ValueError) as error:
            said = explained(error)
            raise Refused(
                f"the list cannot be read ({said.english}): take it from the broker's folder or "
                "from a backup, otherwise revoked certificates become valid again",
                f"die Sperrliste ist nicht lesbar ({said.german}): aus dem Ordner des Brokers oder "
                "einer Sicherung holen, sonst werden gesperrte Zertifikate wieder gültig",
            ) from None
        return {one.serial_number: one.revocation_date_utc for one in known}

    def _write_revocations(self, revoked: dict[int, datetime]) -> None:
        made = revocation_list(revoked, self._certificate, self._key)
        write_secret(self.revocations, pem(made))


def _files(folder: Path, name: str) -> Credentials:
    return Credentials(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")


def _common_name(certificate: x509.Certificate) -> str:
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def _is_client(certificate: x509.Certificate) -> bool:
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


__all__ = ["AUTHORITY_DAYS", "CERTIFICATE_DAYS", "Authority", "Credentials", "Issued", "Refused"]
