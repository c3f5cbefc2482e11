"""Which certificates the town's broker takes, and how it forgets one: a stolen Raspberry Pi.

Public reports of the kind, each tried here: the list of revoked certificates ends and nobody comes
in any more (https://github.com/eclipse-mosquitto/mosquitto/issues/1826); it is read at a reload or
not (.../issues/35, .../issues/524, .../pull/3568); with `crlfile` a reload shuts everybody out
(.../issues/2916); a reload, which logrotate sends every day, ends the connections of clients that
are known by certificate (.../issues/1402).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.mqtt.broker import Broker, Tls
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.base.mqtt.probe import Fault, probe
from stadtsinn.cloud.broker.authority import Authority, Credentials
from stadtsinn.cloud.broker.certificates import client_certificate, key_pem, pem
from stadtsinn.edge.messages.delivery import ack_topic, batch_topic
from stadtsinn.edge.messages.edge_id import INGEST
from town_broker import RawClient, TownBroker, tls_context

pytestmark = pytest.mark.slow


def comes_in(town: TownBroker, context: ssl.SSLContext) -> bool:
    client = RawClient(town.ports.port, "x", tls=context)
    came = client.connect()
    client.__exit__()
    return came


def test_a_certificate_of_the_towns_authority_comes_in(town: TownBroker) -> None:
    assert comes_in(town, tls_context(town.edge("welcome")))


def test_without_a_certificate_nobody_comes_in(town: TownBroker) -> None:
    assert not comes_in(town, ssl.create_default_context(cafile=str(town.authority.ca)))
    plain = RawClient(town.ports.port, "x")
    assert not plain.connect()


def test_without_tls_no_certificate_is_asked_for_but_a_password(town: TownBroker) -> None:
    assert not RawClient(town.ports.local_port, "x", tls=tls_context(town.edge("local"))).connect()


def test_another_authoritys_certificate_is_refused(town: TownBroker, tmp_path: Path) -> None:
    """Whatever it calls itself."""
    for name in ("Other", "Stadt Musterstadt"):
        other = Authority.create(tmp_path / name.replace(" ", "-"), name)
        assert not comes_in(town, tls_context(other.issue_edge("welcome"), town.authority.ca))


def signed(town: TownBroker, name: str, days: int, folder: Path) -> Credentials:
    authority = town.authority
    key = ec.generate_private_key(ec.SECP256R1())
    made = client_certificate(name, key, authority._certificate, authority._key, days)
    files = Credentials(authority.ca, folder / "x.pem", folder / "x.key")
    files.certificate.write_bytes(pem(made))
    files.key.write_bytes(key_pem(key))
    return files


def test_a_certificate_that_has_ended_is_refused(
    town: TownBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AWeekAgo(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=7)

    monkeypatch.setattr("stadtsinn.cloud.broker.certificates.datetime", AWeekAgo)
    files = signed(town, "ended", 3, tmp_path)
    ends = x509.load_pem_x509_certificate(files.certificate.read_bytes()).not_valid_after_utc
    assert ends < datetime.now(UTC)
    assert not comes_in(town, tls_context(files))


def test_the_brokers_own_certificate_is_no_clients(town: TownBroker) -> None:
    assert not comes_in(town, tls_context(town.authority.server))


def test_an_edges_certificate_is_no_brokers(town: TownBroker, tmp_path: Path) -> None:
    """A thief with the certificate of one edge cannot play the broker for others."""
    files = town.edge("fake-broker")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.key)
    mine = town.edge("careful")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        link = MqttLink(
            Broker("localhost", port, "x", tls=Tls(mine.ca, mine.certificate, mine.key))
        )
        link.start()
        connection, _ = listening.accept()
        with connection, pytest.raises((ssl.SSLError, ConnectionError)):
            server.wrap_socket(connection, server_side=True).recv(1)
        wait_until(lambda: bool(link.failure), "the refusal is noticed")
        link.stop()
    assert "certificate verify failed" in link.failure


VERSIONS = {
    "1.1": (ssl.TLSVersion.TLSv1_1, False),
    "1.2": (ssl.TLSVersion.TLSv1_2, True),
    "1.3": (ssl.TLSVersion.TLSv1_3, True),
}


@pytest.mark.parametrize("number", VERSIONS)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_from_1_2_on(town: TownBroker, number: str) -> None:
    version, taken = VERSIONS[number]
    context = tls_context(town.edge("versions"))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    assert comes_in(town, context) is taken


# --- a stolen machine ------------------------------------------------------------------------


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[TownBroker]:
    with TownBroker(tmp_path) as running:
        yield running


def reload(town: TownBroker) -> None:
    """What `systemctl reload mosquitto` and logrotate do; a signal is handled before the next
    connection is."""
    process = town.mosquitto._process
    assert process is not None
    os.kill(process.pid, signal.SIGHUP)


def test_a_revoked_certificate_is_refused_after_the_restart(
    own_town: TownBroker, tmp_path: Path
) -> None:
    """The others come in as before, and nothing that waits is lost."""
    stolen, honest = own_town.edge("stolen"), own_town.edge("honest")
    local = {"account": (INGEST, own_town.passwords[INGEST]), "keep_session": True}
    with RawClient(own_town.ports.local_port, "i", **local) as ingest:  # type: ignore[arg-type]
        ingest.subscribe(batch_topic("+"))
    with RawClient(own_town.ports.port, "h", tls=tls_context(honest)) as edge:
        edge.publish(batch_topic("honest"), b"waits")
    thief = RawClient(own_town.ports.port, "s", tls=tls_context(stolen))
    assert thief.connect()

    context = tls_context(stolen)
    copied = Path(shutil.copytree(stolen.certificate.parent, tmp_path / "stolen"))
    files = Tls(*(copied / name for name in ("ca.pem", "stolen.pem", "stolen.key")))
    assert own_town.authority.revoke("stolen") == 1
    own_town.write()
    own_town.mosquitto.stop()
    assert thief.ended.wait(PATIENCE_S)
    thief.__exit__()
    own_town.mosquitto.start()

    assert not comes_in(own_town, context)
    report = probe(Broker("127.0.0.1", own_town.ports.port, "s", files), "x", timeout=3)
    assert report.fault is Fault.UNREACHABLE
    assert "revoked" in report.detail
    assert comes_in(own_town, tls_context(honest))
    with RawClient(own_town.ports.local_port, "i", **local) as ingest:  # type: ignore[arg-type]
        assert ingest.session_present
        assert ingest.until(b"waits") == [(batch_topic("honest"), b"waits")]


def test_after_a_revocation_the_edge_gets_a_new_certificate(own_town: TownBroker) -> None:
    stolen = tls_context(own_town.edge("rathaus"))
    renewed = tls_context(own_town.edge("rathaus"))
    assert own_town.authority.revoke("rathaus") == 2  # both, whichever the thief has
    own_town.write()
    fresh = tls_context(own_town.authority.issue_edge("rathaus"))
    own_town.mosquitto.stop()
    own_town.mosquitto.start()
    assert [comes_in(own_town, one) for one in (stolen, renewed, fresh)] == [False, False, True]


def test_a_second_revocation_keeps_the_first(own_town: TownBroker) -> None:
    contexts = [tls_context(own_town.edge(name)) for name in ("a", "b", "c")]
    for name in ("a", "b"):
        own_town.authority.revoke(name)
    own_town.write()
    own_town.mosquitto.stop()
    own_town.mosquitto.start()
    assert [comes_in(own_town, one) for one in contexts] == [False, False, True]


def test_a_session_of_tls_does_not_outlive_the_revocation(own_town: TownBroker) -> None:
    """A ticket of an earlier connection is not taken instead of the certificate."""
    files = own_town.edge("stolen")
    context = tls_context(files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", own_town.ports.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as before,
    ):
        session = before.session
    own_town.authority.revoke("stolen")
    own_town.write()
    own_town.mosquitto.stop()
    own_town.mosquitto.start()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        resume(context, own_town.ports.port, session)


def resume(context: ssl.SSLContext, port: int, session: ssl.SSLSession | None) -> None:
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
    ):
        secure.sendall(bytes.fromhex("100d00044d5154540402003c000161"))
        assert secure.recv(1)


def test_a_reload_leaves_everybody_in(own_town: TownBroker) -> None:
    """logrotate sends one every day."""
    files = own_town.edge("steady")
    own_town.edge("stolen")
    own_town.authority.revoke("stolen")
    own_town.write()
    with (
        RawClient(own_town.ports.port, "x", tls=tls_context(files)) as steady,
        RawClient(
            own_town.ports.local_port, "i", account=(INGEST, own_town.passwords[INGEST])
        ) as ingest,
    ):
        steady.subscribe(ack_topic("steady"))
        ingest.subscribe(batch_topic("+"))
        for number in range(3):
            reload(own_town)
            steady.publish(batch_topic("steady"), b"%d" % number)
            assert ingest.until(b"%d" % number)
            ingest.publish(ack_topic("steady"), b"%d" % number)
            assert steady.until(b"%d" % number)
            assert comes_in(own_town, tls_context(own_town.edge(f"new-{number}")))
        assert not steady.ended.is_set()
        assert not ingest.ended.is_set()


def test_the_list_of_revoked_ends_with_the_authority_and_not_before(own_town: TownBroker) -> None:
    revoked = x509.load_pem_x509_crl(own_town.authority.revocations.read_bytes())
    ca = x509.load_pem_x509_certificate(own_town.authority.ca.read_bytes())
    assert revoked.next_update_utc == ca.not_valid_after_utc
