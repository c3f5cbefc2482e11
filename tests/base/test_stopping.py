"""A link ends when it is stopped, at whatever moment."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from real_parts import PATIENCE_S
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink

_CONNACK = b"\x20\x03\x00\x00\x00"
_DISCONNECT = b"\xe0\x00"
_LONG_S = 60
"""Without an end it would hang for ever."""


class SilentBroker:
    """Accepts a connection, answers nothing more, and hangs up after a DISCONNECT as brokers do."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(_CONNACK)
            received = b""
            while not received.endswith(_DISCONNECT) and (more := connection.recv(4096)):
                received += more


def test_a_link_that_connects_while_it_is_stopped_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen as an agent that ended only when its broker did, minutes later."""
    link = MqttLink(Broker("127.0.0.1", SilentBroker().port, "slow"))
    client = link._client
    connecting, disconnected = threading.Event(), threading.Event()
    reconnect, disconnect = client.reconnect, client.disconnect

    def reconnect_after_the_stop(*given: Any) -> Any:
        connecting.set()
        assert disconnected.wait(PATIENCE_S)
        return reconnect(*given)

    def noted(*given: Any) -> Any:
        result = disconnect(*given)
        disconnected.set()
        return result

    monkeypatch.setattr(client, "reconnect", reconnect_after_the_stop)
    monkeypatch.setattr(client, "disconnect", noted)
    link.publish("a/topic", b"never answered")
    link.start()
    assert connecting.wait(PATIENCE_S)
    stopping = threading.Thread(target=link.stop, daemon=True)
    stopping.start()
    stopping.join(_LONG_S)
    assert not stopping.is_alive()
