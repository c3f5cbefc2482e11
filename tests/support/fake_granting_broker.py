"""A broker reduced to what it grants: CONNACK with the test's properties, SUBACK with its QoS."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

_CONNECT, _SUBSCRIBE, _PINGREQ = 0x10, 0x80, 0xC0
_SESSION_EXPIRY, _MAXIMUM_PACKET = 0x11, 0x27


class FakeGrantingBroker:
    """Speaks MQTT 5 as far as connecting and subscribing goes; takes no messages."""

    def __init__(
        self,
        *,
        session_expiry: int | None = None,
        maximum_packet: int | None = None,
        granted_qos: int = 1,
    ) -> None:
        properties = b""
        for code, value in ((_SESSION_EXPIRY, session_expiry), (_MAXIMUM_PACKET, maximum_packet)):
            if value is not None:
                properties += struct.pack("!BI", code, value)
        self._connack = _packet(0x20, b"\0\0" + bytes([len(properties)]) + properties)
        self._granted = granted_qos
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, client.makefile("rb") as stream:
            while head := stream.read(2):
                body = stream.read(head[1])  # the test's packets are short
                if head[0] & 0xF0 == _CONNECT:
                    client.sendall(self._connack)
                elif head[0] & 0xF0 == _SUBSCRIBE:
                    client.sendall(_packet(0x90, body[:2] + b"\0" + bytes([self._granted])))
                elif head[0] == _PINGREQ:
                    client.sendall(b"\xd0\x00")


def _packet(kind: int, body: bytes) -> bytes:
    return bytes([kind, len(body)]) + body
