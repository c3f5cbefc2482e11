"""The certificate authority: which names it signs, what it keeps, who may read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from edge_names import REFUSED, TAKEN
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.broker.authority import Authority, Refused
from stadtsinn.cloud.broker.files import (
    Listening,
    access_list,
    configuration,
    own_passwords,
    write_broker,
)
from stadtsinn.edge.messages.edge_id import ROLES


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ca", "Stadt Musterstadt")


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Rights must not come from the caller's umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def name_of(certificate: Path) -> str:
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    return str(read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.mark.parametrize("name", TAKEN)
def test_an_edge_gets_a_certificate_of_its_name(authority: Authority, name: str) -> None:
    assert name_of(authority.issue_edge(name).certificate) == name


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_name_is_refused_and_leaves_nothing(authority: Authority, name: str) -> None:
    before = sorted(authority.folder.parent.rglob("*"))
    with pytest.raises(Unusable, match=r"use 1 to 63|parts of the cloud"):
        authority.issue_edge(name)
    assert sorted(authority.folder.parent.rglob("*")) == before


def test_a_certificate_names_the_town_that_the_edge_belongs_to(authority: Authority) -> None:
    made = authority.issue_edge("rathaus", tenant="musterstadt").certificate
    subject = x509.load_pem_x509_certificate(made.read_bytes()).subject
    assert subject.rfc4514_string() == "CN=rathaus,O=musterstadt"
    for name in ("", "Muster Stadt", "a/b", "a\nb"):
        with pytest.raises(Unusable, match="short name"):
            authority.issue_edge("bauhof", tenant=name)


def test_roles_get_theirs_by_their_own_way(authority: Authority) -> None:
    for role in ROLES:
        assert name_of(authority.issue_role(role).certificate) == role
    for name in ("rathaus", "", "admin", "server"):
        with pytest.raises(Unusable, match="no role of that name"):
            authority.issue_role(name)


ENTRIES = {"brokerpasswords", "brokeracl"}


def test_what_is_secret_is_its_owners_alone(authority: Authority) -> None:
    authority.issue_server(["localhost"])
    authority.issue_edge("rathaus")
    authority.issue_role("ingest")
    passwords = own_passwords(authority.folder.parent / "passwords")
    write_broker(authority.folder.parent / "broker", authority, passwords)
    secret = [
        path
        for path in authority.folder.parent.rglob("*")
        if path.suffix in {".key", ".password"} or path.parent.name + path.name in ENTRIES
    ]
    assert len(secret) == 4 + 3 + 3
    for path in secret:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700


def test_a_second_authority_does_not_take_the_place_of_the_first(authority: Authority) -> None:
    with pytest.raises(Refused, match="holds an authority already"):
        Authority.create(authority.folder, "Other")


@pytest.mark.parametrize("name", ["", "x" * 65, "ü" * 33, "a\nb", "a\0b", "\u202eb"])
def test_its_own_name_is_printable(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match="printable"):
        Authority.create(tmp_path / "ca", name)
    assert not (tmp_path / "ca").exists()


def test_without_an_authority_the_way_to_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="stadtsinn ca create"):
        Authority.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no PEM"])
def test_a_broken_authority_is_named(authority: Authority, content: bytes) -> None:
    (authority.folder / "ca.key").write_bytes(content)
    with pytest.raises(Refused, match="cannot be read"):
        Authority.open(authority.folder)


def test_what_was_issued_and_revoked_is_known_to_the_next_process(authority: Authority) -> None:
    authority.issue_edge("a")
    authority.issue_edge("b")
    authority.issue_server(["localhost"])
    assert Authority.open(authority.folder).revoke("a") == 1
    again = Authority.open(authority.folder)
    assert [(one.name, one.revoked) for one in again.issued()] == [("a", True), ("b", False)]
    with pytest.raises(Refused, match="no valid certificate"):
        again.revoke("a")
    assert not (authority.folder / "clients/a").exists()


def test_a_valid_certificate_is_not_lost_by_chance(authority: Authority) -> None:
    first = authority.issue_edge("a").key.read_bytes()
    with pytest.raises(Refused, match="--renew"):
        authority.issue_edge("a")
    assert authority.issue_edge("a", renew=True).key.read_bytes() != first
    assert authority.revoke("a") == 2


@pytest.mark.parametrize("tenant", ["musterstadt", None])
def test_a_renewed_certificate_belongs_to_the_same_town(
    authority: Authority, tenant: str | None
) -> None:
    """Three years later nobody remembers what was said at the first one."""
    authority.issue_edge("bauhof", tenant="nachbarstadt")
    first = authority.issue_edge("rathaus", tenant=tenant)
    before = _subject(first.certificate)
    assert _subject(authority.issue_edge("rathaus", renew=True).certificate) == before
    moved = authority.issue_edge("rathaus", tenant="nachbarstadt", renew=True).certificate
    assert "nachbarstadt" in _subject(moved)


def test_renewing_needs_no_certificate_before(authority: Authority) -> None:
    """It was lost with the folder, or is of before the certificates were kept."""
    assert _subject(authority.issue_edge("rathaus", renew=True).certificate) == "CN=rathaus"


def _subject(certificate: Path) -> str:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).subject.rfc4514_string()


def test_a_lost_list_of_revoked_is_not_begun_anew(authority: Authority) -> None:
    """Otherwise a stolen machine would come in again after the next revocation."""
    authority.issue_edge("a")
    authority.revocations.unlink()
    with pytest.raises(Refused, match="become valid again"):
        authority.revoke("a")


def test_no_certificate_outlives_the_authority(authority: Authority) -> None:
    ca = x509.load_pem_x509_certificate(authority.ca.read_bytes())
    long = authority.issue_edge("a", days=365 * 30).certificate
    made = x509.load_pem_x509_certificate(long.read_bytes())
    assert made.not_valid_after_utc == ca.not_valid_after_utc
    assert made.not_valid_before_utc < datetime.now(UTC) - timedelta(hours=23)


HOSTS = [
    "mqtt.musterstadt.example",
    "localhost",
    "10.0.0.1",
    "2001:db8::1",
    "xn--mller-kva.example",
]


def test_the_broker_has_every_name_that_it_is_reached_by(authority: Authority) -> None:
    made = authority.issue_server(HOSTS).certificate
    read = x509.load_pem_x509_certificate(made.read_bytes())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == HOSTS


@pytest.mark.parametrize(
    "host", ["", "*", "*.example", "müller.example", "a b", "https://x", "x:8883", "-a", "a..b"]
)
def test_what_is_no_host_is_refused(authority: Authority, host: str) -> None:
    with pytest.raises(Unusable, match="neither a host name nor an address"):
        authority.issue_server(["localhost", host])


def test_a_broker_without_a_certificate_is_named(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="stadtsinn ca server"):
        write_broker(tmp_path / "broker", authority, {})


def test_passwords_are_made_once(tmp_path: Path) -> None:
    first = own_passwords(tmp_path / "p")
    (tmp_path / "p" / "ingest.password").write_text("own choice\n")
    second = own_passwords(tmp_path / "p")
    assert second == {**first, "ingest": "own choice"}
    assert len(set(first.values())) == len(first)
    assert all(len(word) >= 43 for word in first.values())


def test_no_placeholder_is_left_and_each_file_is_written(
    authority: Authority, tmp_path: Path
) -> None:
    authority.issue_server(["localhost"])
    written = write_broker(tmp_path / "broker", authority, own_passwords(tmp_path / "p"))
    text = configuration(tmp_path / "broker", Listening())
    assert "$" not in text
    named = {word for word in text.split() if word.startswith(str(tmp_path))}
    assert named == {str(path) for path in written[1:]}
    assert "#" not in [line.split()[-1] for line in access_list().splitlines() if line]


def test_a_folder_that_mosquitto_could_not_read_is_refused() -> None:
    with pytest.raises(Refused, match="no blanks"):
        configuration(Path("/etc/my broker"), Listening())
