"""The probe where an account has one connection, because the broker takes it for the client id.

Mosquitto does so with `use_username_as_clientid`, as in the file for the town's own broker. The
account cannot write to itself while it is away. But its will can: the message that the broker
publishes for a connection that broke off.
"""

from __future__ import annotations

import socket
import threading

from stadtsinn.base.mqtt.broker import Broker, Will
from stadtsinn.base.mqtt.probe_client import (
    Fault,
    Found,
    PlainClient,
    Seen,
    opened,
    publish,
)

_WILL_DELAY_S = 1
_WAIT_S = 2.5
"""Until a will with that delay is surely out; a broker that is slower has a second chance."""


def try_out_alone(broker: Broker, topic: str, seen: Seen, timeout: float) -> None:
    live = b"live " + seen.mark
    with opened(broker, (topic,), seen, timeout) as only:
        publish(only, topic, {live}, timeout)
        if not only.wait_received({live}, timeout):
            raise Found(Fault.IN_USE) if only.lost else Found(Fault.READ_DENIED, topic)
    if not any(_comes_later(broker, topic, seen, wait, timeout) for wait in _waits(seen, timeout)):
        raise Found(Fault.QUEUE_LOST, "0 of 1 came")


def _waits(seen: Seen, timeout: float) -> tuple[float, ...]:
    """How long to stay away. A will of MQTT 5 is published a while after the connection broke off,
    when the broker knows nobody there any more; one of 3.1.1 at once."""
    return (_WAIT_S, max(_WAIT_S, timeout)) if seen.protocol == "5" else (0.0,)


def _comes_later(broker: Broker, topic: str, seen: Seen, wait: float, timeout: float) -> bool:
    away = b"away %.0f %s" % (wait, seen.mark)
    _break_off(broker, seen, Will(topic, away), timeout)
    threading.Event().wait(wait)
    with opened(broker, (topic,), seen, timeout, returns=True) as again:
        again.require_session()
        came = again.wait_received({away}, timeout)
        if not came and again.lost:
            raise Found(Fault.IN_USE)
        again.require_qos_1(topic)
    return came


def _break_off(broker: Broker, seen: Seen, will: Will, timeout: float) -> None:
    """Connect and break off without a word, so that the broker publishes the will."""
    client = PlainClient(broker, seen, keep=True, will=will, will_delay=_WILL_DELAY_S)
    if not client.connect(timeout):
        raise Found(Fault.UNREACHABLE, "no answer")
    connection = client.paho.socket()
    if isinstance(connection, socket.socket):
        # Of a TLS connection, too: closing it in order would be a goodbye of its own.
        connection.shutdown(socket.SHUT_RDWR)
    client.paho.loop_stop()


def leave_session(broker: Broker, topic: str, seen: Seen, timeout: float) -> None:
    """Take our subscription out of a session that stays; what waits in it is not acknowledged."""
    with PlainClient(broker, seen, keep=True) as client:
        if client.connect(timeout):
            client.unsubscribe(topic, timeout)
