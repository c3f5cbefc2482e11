"""Certificates are judged before they refuse a connection."""

from __future__ import annotations

from base64 import b64encode
from math import isnan
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID
from prometheus_client import CollectorRegistry, Gauge

from certificate_files import CLIENT, NOW, files, signer, write_key
from stadtsinn.base.certificate_watch import CertificateWatch
from stadtsinn.base.certificates import Fault, examine
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.mqtt.broker import Tls

SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


def faults(tls: Tls, name: str | None = "rathaus-1") -> list[Fault]:
    return [one.fault for one in examine(tls, NOW, name)]


def test_what_fits_is_not_objected_to(tmp_path: Path) -> None:
    assert faults(files(tmp_path)) == []
    assert faults(files(tmp_path / "a", usage=())) == []  # for whatever purpose
    assert faults(files(tmp_path / "b", names=["somebody"]), None) == []


@pytest.mark.parametrize(
    ("begins", "days", "expected"),
    [
        (1, 365, [Fault.NOT_YET]),
        (-400, 365, [Fault.ENDED]),
        (-365, 365, [Fault.ENDED]),  # ends now
        (-360, 361, [Fault.ENDS_SOON]),
        (-335, 365, [Fault.ENDS_SOON]),  # in 30 days
        (-334, 365, []),
    ],
)
def test_dates(begins: float, days: float, expected: list[Fault], tmp_path: Path) -> None:
    assert faults(files(tmp_path, begins=begins, days=days)) == expected


def test_the_authority_ends_as_well(tmp_path: Path) -> None:
    assert faults(files(tmp_path, signer(days=90))) == [Fault.ENDED]
    assert faults(files(tmp_path, signer(days=110))) == [Fault.ENDS_SOON]


def test_a_file_of_public_authorities_always_has_some_that_have_ended(tmp_path: Path) -> None:
    ours, ended = signer("ours"), signer("ended", days=1)
    tls = files(tmp_path, ours, trusted=[ended, ours])
    assert faults(tls) == []
    assert faults(Tls(tls.ca)) == []
    tls.ca.write_bytes(ended.pem)
    assert faults(Tls(tls.ca)) == [Fault.ENDED]


def test_another_authority(tmp_path: Path) -> None:
    """Also one of the same name: the one before it was made anew."""
    tls = files(tmp_path, signer("town"), trusted=[signer("town")])
    assert faults(tls) == [Fault.OTHER_AUTHORITY]


def test_a_chain_may_have_authorities_between(tmp_path: Path) -> None:
    root = signer("root")
    between = signer("between", root)
    lower = signer("lower", between)
    assert faults(files(tmp_path, lower, trusted=[root], between=[lower, between])) == []
    assert faults(files(tmp_path, lower, trusted=[root], between=[between])) == [
        Fault.OTHER_AUTHORITY
    ]


def test_another_key_purpose_or_name(tmp_path: Path) -> None:
    tls = files(tmp_path, names=["rathaus-2"], usage=SERVER)
    assert tls.key is not None
    write_key(tls.key)
    found = examine(tls, NOW, "rathaus-1")
    assert [one.fault for one in found] == [
        Fault.OTHER_KEY,
        Fault.NOT_FOR_CLIENTS,
        Fault.OTHER_NAME,
    ]
    assert found[0].path == tls.key
    assert found[2].detail == "rathaus-2"
    assert faults(files(tmp_path / "two", names=["rathaus-1", "x"])) == [Fault.OTHER_NAME]
    assert faults(files(tmp_path / "both", usage=(*CLIENT, *SERVER))) == []


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for spoilt in ("ca", "certificate", "key"):
        tls = files(tmp_path / spoilt)
        path = getattr(tls, spoilt)
        path.write_text("no PEM")
        (found,) = examine(tls, NOW)
        assert (found.fault, found.path) == (Fault.UNREADABLE, path)
        path.unlink()
        (found,) = examine(tls, NOW)
        assert (found.fault, found.path) == (Fault.UNREADABLE, path)


def test_whatever_a_file_holds_is_judged(tmp_path: Path) -> None:
    """One byte of a certificate is another one: it is named, and nothing is raised."""
    tls = files(tmp_path)
    assert tls.certificate is not None
    good = load_pem_x509_certificate(tls.certificate.read_bytes()).public_bytes(Encoding.DER)
    watched = Watched(tls)
    found = set()
    for place in range(0, len(good), 3):
        bad = bytearray(good)
        bad[place] ^= 1 + place % 255
        pem = b64encode(bytes(bad)).decode()
        tls.certificate.write_text(
            f"-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n"
        )
        found |= {one.fault for one in examine(tls, NOW, "rathaus-1")}
        watched.seconds += 60
        watched.watch.check()
    assert {Fault.UNREADABLE, Fault.OTHER_AUTHORITY, Fault.OTHER_NAME} <= found
    tls.certificate.write_bytes(good)  # no PEM
    assert faults(tls) == [Fault.UNREADABLE]


def test_a_key_with_a_password_is_named(tmp_path: Path) -> None:
    tls = files(tmp_path)
    assert tls.key is not None
    key = load_pem_private_key(tls.key.read_bytes(), None)
    closed = BestAvailableEncryption(b"secret")
    tls.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, closed))
    (found,) = examine(tls, NOW)
    assert "password" in str(found.detail)


# --- while a process runs ----------------------------------------------------------------


class Watched:
    def __init__(self, *used: Tls, peer: Instant | None = None, files: tuple[Path, ...] = ()):
        self.clock = ManualClock(NOW)
        self.seconds = 0.0
        self.registry = CollectorRegistry()
        gauge = Gauge("days_left", "…", ["certificate"], registry=self.registry)
        self.watch = CertificateWatch(
            used,
            self.clock,
            gauge,
            files=files,
            peers={"the broker's": lambda: peer},
            monotonic=lambda: self.seconds,
        )

    def days(self, name: object) -> float:
        found = self.registry.get_sample_value("days_left", {"certificate": str(name)})
        assert found is not None
        return found


def test_days_left_are_a_metric_and_a_warning_until_the_end(tmp_path: Path) -> None:
    tls = files(tmp_path, days=50)  # 40 from now
    watched = Watched(tls)
    assert watched.days(tls.certificate) == pytest.approx(40)
    assert watched.days(tls.ca) == pytest.approx(900)
    assert isnan(watched.days("the broker's"))
    check = watched.watch.check()
    assert (check.ok, check.warnings) == (True, ())
    assert "40 days" in check.detail
    watched.clock.advance(15 * DAY)
    check = watched.watch.check()
    assert check.ok
    assert "own.pem ends in 25 days" in check.warnings[0]
    watched.clock.advance(25 * DAY)
    check = watched.watch.check()
    assert not check.ok
    assert "own.pem ended" in check.detail


def test_a_renewed_file_is_seen_without_a_restart(tmp_path: Path) -> None:
    watched = Watched(files(tmp_path, days=5))
    assert not watched.watch.check().ok
    tls = files(tmp_path, days=365)
    watched.seconds += 59
    assert not watched.watch.check().ok
    watched.seconds += 1
    assert watched.watch.check().ok
    assert tls.certificate is not None
    tls.certificate.unlink()
    watched.seconds += 60
    check = watched.watch.check()
    assert check.ok  # the connection stands
    assert "own.pem" in check.warnings[0]


def test_the_certificate_that_the_broker_shows_counts(tmp_path: Path) -> None:
    tls = files(tmp_path)
    watched = Watched(tls, peer=Instant(NOW + 3 * DAY), files=(tls.ca,))
    assert watched.days("the broker's") == pytest.approx(3)
    assert watched.watch.first_end() == NOW + 3 * DAY
    assert "the broker's ends in 3 days" in watched.watch.check().warnings[0]
