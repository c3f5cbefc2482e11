"""The cloud's broker as the demo sets it up: an edge is known by its certificate."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import pytest

import real_parts
from stadtsinn.base.mqtt.broker import Broker, Tls
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.edge.messages.delivery import ack_topic, batch_topic
from stadtsinn.simulator.demo.certificates import Authority
from stadtsinn.simulator.demo.mosquitto import Mosquitto, SecureListener
from stadtsinn.simulator.demo.ports import free_port


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


def broker(folder: Path, authority: Authority) -> tuple[Mosquitto, int]:
    port = free_port()
    secure = SecureListener(port, authority.issue_server("broker"))
    plain = real_parts.mosquitto(folder)
    program = plain._program
    return Mosquitto(program, folder, port=plain.port, secure=secure), port


def edge(authority: Authority, name: str, port: int) -> Broker:
    files = authority.issue_client(name)
    tls = Tls(files.ca, files.certificate, files.key)
    return Broker("127.0.0.1", port, client_id=f"edge-{name}", tls=tls)


def test_an_edge_reaches_its_own_topics_only(tmp_path: Path, authority: Authority) -> None:
    """An edge can neither publish on another edge's topics nor receive its answers."""
    running, port = broker(tmp_path / "broker", authority)
    seen: list[Message] = []
    heard: list[Message] = []
    arrived = threading.Event()

    def take(message: Message) -> None:
        seen.append(message)
        if message.payload == b"last":
            arrived.set()

    with running:
        ingest = MqttLink(
            Broker("127.0.0.1", running.port, client_id="ingest"),
            subscriptions=[batch_topic("+")],
            on_message=take,
        )
        mine = MqttLink(
            edge(authority, "mine", port),
            subscriptions=[ack_topic("other"), ack_topic("mine")],
            on_message=heard.append,
        )
        ingest.start()
        mine.start()
        assert ingest.wait_connected(real_parts.PATIENCE_S)
        assert mine.wait_connected(real_parts.PATIENCE_S)
        mine.publish(batch_topic("other"), b"forged")
        mine.publish(batch_topic("mine"), b"last")
        assert arrived.wait(real_parts.PATIENCE_S)
        ingest.publish(ack_topic("other"), b"theirs")
        ingest.publish(ack_topic("mine"), b"ours")
        real_parts.wait_until(lambda: bool(heard), "the own answer arrives")
        mine.stop()
        ingest.stop()
    assert [message.payload for message in seen] == [b"last"]
    assert [message.payload for message in heard] == [b"ours"]


def test_without_a_certificate_nobody_comes_in(tmp_path: Path, authority: Authority) -> None:
    """The secure port refuses a stranger, and one with another authority's certificate."""
    running, port = broker(tmp_path / "broker", authority)
    stranger = Authority(tmp_path / "elsewhere").issue_client("mine")
    with running:
        for context in (
            ssl.create_default_context(cafile=str(tmp_path / "certificates" / "ca.pem")),
            Tls(tmp_path / "certificates" / "ca.pem", stranger.certificate, stranger.key).context(),
        ):
            assert not handshake_and_answer(context, port)


def handshake_and_answer(context: ssl.SSLContext, port: int) -> bool:
    """Does the broker answer an MQTT CONNECT over this TLS?"""
    import socket

    connect = bytes.fromhex("100d00044d5154540402003c000161")
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=real_parts.PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(connect)
            return bool(secure.recv(4))
    except (ssl.SSLError, ConnectionError):
        return False


def test_keys_are_for_their_owner_only(authority: Authority) -> None:
    """A private key is not readable by others."""
    files = authority.issue_client("mine")
    assert files.key.stat().st_mode & 0o077 == 0
