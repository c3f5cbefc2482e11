"""Certificates in files: how long they are valid, and whether they fit each other.

What is found here in advance otherwise shows as a refused connection, on one day and for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from stadtsinn.base.bounded_files import read_whole
from stadtsinn.base.explaining import why
from stadtsinn.base.instant import DAY, Instant, from_datetime
from stadtsinn.base.mqtt.broker import Tls
from stadtsinn.base.sentence import Sentence, Unusable

if TYPE_CHECKING:  # its import takes memory that a gateway spends only where there is TLS
    from cryptography.x509 import Certificate

SOON_DAYS = 30
"""A certificate that ends within so many days is to be renewed."""

_LONGEST_CHAIN = 8
_NEVER = Instant(0)


class Fault(StrEnum):
    """What is wrong with a certificate."""

    UNREADABLE = "unreadable"
    OTHER_KEY = "other_key"
    NOT_YET = "not_yet"
    ENDED = "ended"
    ENDS_SOON = "ends_soon"
    OTHER_NAME = "other_name"
    OTHER_AUTHORITY = "other_authority"
    NOT_FOR_CLIENTS = "not_for_clients"


@dataclass(frozen=True)
class Finding:
    """A fault of a file. `detail`: the reason or name that belongs to it; `at`: the date."""

    fault: Fault
    path: Path
    detail: Sentence | str = ""
    at: Instant = _NEVER

    @property
    def is_warning(self) -> bool:
        """Everything works as yet."""
        return self.fault is Fault.ENDS_SOON


@dataclass(frozen=True)
class Lifetime:
    """From when to when a certificate is valid. `path` is its file."""

    path: Path
    begins: Instant
    ends: Instant

    def days_left(self, now: Instant) -> float:
        return (self.ends - now) / DAY


_NO_CERTIFICATE = Sentence(
    "it holds no certificate in PEM", "die Datei enthält kein Zertifikat in PEM"
)
_DAMAGED = Sentence("its certificate is damaged", "ihr Zertifikat ist beschädigt")
_NO_KEY = Sentence("it holds no key in PEM", "die Datei enthält keinen Schlüssel in PEM")
_LOCKED = Sentence(
    "its key has a password, which nobody can type here",
    "ihr Schlüssel hat ein Passwort, das hier niemand eingeben kann",
)


class Unreadable(Unusable):
    """A file that holds no certificate, or no key, that we can read."""

    def __init__(self, path: Path, reason: Sentence) -> None:
        super().__init__(
            f"{path} cannot be read: {reason.english}", f"{path} ist nicht lesbar: {reason.german}"
        )
        self.path = path
        self.reason = reason


def lifetimes(tls: Tls) -> list[Lifetime]:
    """Of our certificate, where there is one, and of the authority. Raises Unreadable.

    The authority is the one that issued our certificate; where the file has another ones only, the
    one that is valid longest: a file of public authorities always has some that have ended.
    """
    authorities = _certificates(tls.ca)
    if tls.certificate is None:
        return [_longest(tls.ca, authorities)]
    own, *between = _certificates(tls.certificate)
    issuer = _authority_of(own, between, authorities)
    above = _lifetime(tls.ca, issuer) if issuer else _longest(tls.ca, authorities)
    return [_lifetime(tls.certificate, own), above]


def lifetime_of(path: Path) -> Lifetime:
    """Of the first certificate of a file. Raises Unreadable."""
    return _lifetime(path, _certificates(path)[0])


def examine(tls: Tls, now: Instant, name: str | None = None) -> list[Finding]:
    """What is wrong with the files of a connection. `name`: by which the broker is to know us."""
    try:
        found = [one for life in lifetimes(tls) for one in _aged(life, now)]
        if tls.certificate is not None:
            found += _fitting(tls, tls.certificate, name)
    except Unreadable as error:
        return [Finding(Fault.UNREADABLE, error.path, error.reason)]
    return found


def aged(path: Path, now: Instant) -> list[Finding]:
    """Whether the first certificate of a file is valid now, and for how long."""
    try:
        return list(_aged(lifetime_of(path), now))
    except Unreadable as error:
        return [Finding(Fault.UNREADABLE, error.path, error.reason)]


def _aged(life: Lifetime, now: Instant) -> Iterator[Finding]:
    if now < life.begins:
        yield Finding(Fault.NOT_YET, life.path, at=life.begins)
    elif now >= life.ends:
        yield Finding(Fault.ENDED, life.path, at=life.ends)
    elif life.days_left(now) <= SOON_DAYS:
        yield Finding(Fault.ENDS_SOON, life.path, f"{life.days_left(now):.0f}", life.ends)


def _fitting(tls: Tls, path: Path, name: str | None) -> Iterator[Finding]:
    """Does our certificate fit its key, its authority and its purpose?"""
    own, *between = _certificates(path)
    if tls.key is not None and _public_key(tls.key) != _public_bytes(own):
        yield Finding(Fault.OTHER_KEY, tls.key, str(path))
    if _authority_of(own, between, _certificates(tls.ca)) is None:
        yield Finding(Fault.OTHER_AUTHORITY, path, str(tls.ca))
    if not _is_for_clients(own):
        yield Finding(Fault.NOT_FOR_CLIENTS, path)
    if name is not None and (names := _common_names(own)) != [name]:
        yield Finding(Fault.OTHER_NAME, path, ", ".join(names))


def _authority_of(
    own: Certificate, between: Sequence[Certificate], authorities: Sequence[Certificate]
) -> Certificate | None:
    """The authority at the end of the chain of certificates that stand in one file."""
    for _ in range(_LONGEST_CHAIN):
        for authority in authorities:
            if _issued_by(own, authority):
                return authority
        above = next((one for one in between if one != own and _issued_by(own, one)), None)
        if above is None:
            return None
        own = above
    return None


def _issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _certificates(path: Path) -> list[Certificate]:
    """Those of a file that can be read, the first one in any case."""
    from cryptography.x509 import InvalidVersion, load_pem_x509_certificates

    try:
        found = load_pem_x509_certificates(_content(path))
    except (ValueError, InvalidVersion):
        raise Unreadable(path, _NO_CERTIFICATE) from None
    if not _is_sound(found[0]):
        raise Unreadable(path, _DAMAGED)
    return [one for one in found if _is_sound(one)]


def _is_sound(certificate: Certificate) -> bool:
    """Parts of a certificate are parsed when they are asked for: here all that is asked for."""
    try:
        certificate.public_key()
        _ = certificate.subject, certificate.issuer, certificate.extensions
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except Exception:  # the parser has an exception for each kind of damage
        return False
    return True


def _public_key(path: Path) -> bytes:
    """Of the private key in a file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(_content(path), None)
    except TypeError:
        raise Unreadable(path, _LOCKED) from None
    except (ValueError, UnsupportedAlgorithm):
        raise Unreadable(path, _NO_KEY) from None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public_bytes(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _content(path: Path) -> bytes:
    try:
        return read_whole(path)
    except OSError as error:
        raise Unreadable(path, why(error)) from None


def _is_for_clients(certificate: Certificate) -> bool:
    """One that does not say what it is for may be used for anything."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return True
    any_usage = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage or any_usage in usage


def _common_names(certificate: Certificate) -> list[str]:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [str(one.value) for one in names]


def _longest(path: Path, certificates: Sequence[Certificate]) -> Lifetime:
    return max((_lifetime(path, one) for one in certificates), key=lambda life: life.ends)


def _lifetime(path: Path, certificate: Certificate) -> Lifetime:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Lifetime(path, from_datetime(begins), from_datetime(ends))
