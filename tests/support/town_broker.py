"""The town's own broker as `stadtsinn ca` and `broker write` make it, on a real Mosquitto, and
clients of it that keep no rule."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import real_parts
from real_parts import PATIENCE_S
from stadtsinn.base.mqtt.broker import Broker, Tls
from stadtsinn.cloud.broker.authority import Authority, Credentials
from stadtsinn.cloud.broker.files import Listening, configuration, own_passwords, write_broker
from stadtsinn.edge.messages.edge_id import ROLES
from stadtsinn.simulator.demo.mosquitto import Mosquitto, Program
from stadtsinn.simulator.demo.ports import free_port

DENIED = 0x87


class TownBroker:
    """Authority, files and Mosquitto in one folder."""

    def __init__(self, folder: Path, **ports: Any) -> None:
        self.authority = Authority.create(folder / "ca", "Stadt Musterstadt")
        self.authority.issue_server(["localhost", "127.0.0.1"])
        self.ports = Listening(port=free_port(), local_port=free_port(), **ports)
        self.files = folder / "files"
        self.passwords = own_passwords(folder / "passwords")
        self.write()
        program = Program(real_parts.require("mosquitto"), before=real_parts.dies_with_the_test())
        self.mosquitto = Mosquitto(
            program,
            folder / "broker",
            port=self.ports.local_port,
            configuration=configuration(self.files, self.ports),
        )

    def write(self) -> None:
        write_broker(self.files, self.authority, self.passwords)

    def __enter__(self) -> Self:
        self.mosquitto.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.mosquitto.stop()

    def edge(self, name: str) -> Credentials:
        if name in ROLES:
            return self.authority.issue_role(name, renew=True)
        return self.authority.issue_edge(name, tenant="musterstadt", renew=True)

    def edge_broker(self, name: str, **options: Any) -> Broker:
        """An edge agent's connection, as edge.toml describes it."""
        files = self.edge(name)
        tls = Tls(files.ca, files.certificate, files.key)
        client_id = f"stadtsinn-edge-{name}-cloud"
        return Broker("127.0.0.1", self.ports.port, client_id, tls=tls, **options)

    def local_broker(self, account: str, client_id: str, **options: Any) -> Broker:
        password = self.passwords[account]
        return Broker(
            "127.0.0.1",
            self.ports.local_port,
            client_id,
            username=account,
            password=password,
            **options,
        )


def tls_context(files: Credentials, trusted: Path | None = None) -> ssl.SSLContext:
    return Tls(trusted or files.ca, files.certificate, files.key).context()


class RawClient:
    """A plain MQTT client, of either version, that does as it is told."""

    def __init__(
        self,
        port: int,
        client_id: str,
        *,
        tls: ssl.SSLContext | None = None,
        account: tuple[str, str] | None = None,
        version_5: bool = True,
        will: tuple[str, bytes] | None = None,
        keepalive: int = 30,
        keep_session: bool = False,
    ) -> None:
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.ended = threading.Event()
        self._connected = threading.Event()
        self.session_present = False
        self.connack: Any = None
        self.refusal: str | None = None
        self._answers: dict[tuple[str, int], Any] = {}
        self._changed = threading.Condition()
        self._port, self._keepalive, self._version_5 = port, keepalive, version_5
        self._keep = keep_session
        version = MQTTProtocolVersion.MQTTv5 if version_5 else MQTTProtocolVersion.MQTTv311
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=version,
            clean_session=None if version_5 else not keep_session,
            reconnect_on_failure=False,
        )
        if tls is not None:
            self.paho.tls_set_context(tls)
        if account is not None:
            self.paho.username_pw_set(*account)
        if will is not None:
            self.paho.will_set(*will, qos=1)
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = lambda *_: self.ended.set()
        self.paho.on_message = lambda _c, _u, m: self.received.put((m.topic, bytes(m.payload)))
        self.paho.on_publish = lambda _c, _u, mid, reason, _p: self._answer("pub", mid, reason)
        self.paho.on_subscribe = lambda _c, _u, mid, codes, _p: self._answer("sub", mid, codes)

    def _on_connect(self, _c: Any, _u: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.connack = properties
        self.session_present = bool(flags.session_present)
        if reason.is_failure:
            self.refusal = str(reason)
            self.ended.set()
        self._connected.set()

    def _answer(self, kind: str, mid: int, what: Any) -> None:
        with self._changed:
            self._answers[kind, mid] = what
            self._changed.notify_all()

    def _wait(self, kind: str, mid: int) -> Any:
        there: Callable[[], bool] = lambda: (kind, mid) in self._answers  # noqa: E731
        with self._changed:
            assert self._changed.wait_for(there, PATIENCE_S), f"no answer to {kind}"
        return self._answers[kind, mid]

    def connect(self) -> bool:
        """Whether the broker lets us in. One that it does not is refused by TLS, by MQTT, or by
        the end of the connection."""
        options: dict[str, Any] = {}
        if self._version_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 3600 if self._keep else 0
            options = {"properties": properties, "clean_start": not self._keep}
        try:
            self.paho.connect("127.0.0.1", self._port, keepalive=self._keepalive, **options)
        except (OSError, ssl.SSLError) as error:
            self.refusal = str(error)
            return False
        self.paho.loop_start()
        while not (self._connected.wait(0.05) or self.ended.is_set()):
            pass
        return self._connected.is_set() and self.refusal is None

    def __enter__(self) -> Self:
        assert self.connect(), self.refusal
        return self

    def __exit__(self, *_: object) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def cut(self) -> None:
        """End the connection without a word, as a broken line does."""
        connection = self.paho.socket()
        assert connection is not None
        plain: Any = connection
        socket.socket.shutdown(plain, socket.SHUT_RDWR)
        assert self.ended.wait(PATIENCE_S)
        self.paho.loop_stop()

    def subscribe(self, *topics: str) -> list[int]:
        """The broker's answers."""
        codes = []
        for topic in topics:
            _, mid = self.paho.subscribe(topic, qos=1)
            assert mid is not None
            codes += [code.value for code in self._wait("sub", mid)]
        return codes

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> int:
        """The reason code of the broker's answer; 3.1.1 has none but 0."""
        info = self.paho.publish(topic, payload, qos=1, retain=retain)
        return int(self._wait("pub", info.mid).value)

    def next(self) -> tuple[str, bytes]:
        return self.received.get(timeout=PATIENCE_S)

    def until(self, payload: bytes) -> list[tuple[str, bytes]]:
        """All that came up to and with this payload."""
        came = [self.next()]
        while came[-1][1] != payload:
            came.append(self.next())
        return came
