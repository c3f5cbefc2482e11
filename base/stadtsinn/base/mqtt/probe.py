"""Proves that a broker keeps messages for a client that is away, by doing it once.

Subscribe with a session, leave, publish, come back, receive. That finds what no setting tells from
outside: brokers without persistent sessions, access lists, and Mosquitto 2.0.12 to 2.0.22 with
``per_listener_settings true``, which keeps the session and loses its messages.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, replace

from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.probe_alone import leave_session, try_out_alone
from stadtsinn.base.mqtt.probe_client import Fault, Found, Seen, forget, opened, publish

_MESSAGES = 3


@dataclass(frozen=True)
class Report:
    """What a broker did. `maximum_packet`: the most bytes of one packet, None where it does not
    say. `warnings` as on a health page."""

    fault: Fault | None
    detail: str = ""
    protocol: str = ""
    maximum_packet: int | None = None
    warnings: tuple[str, ...] = ()


def probe(broker: Broker, topic: str, *, timeout: float = 15.0) -> Report:
    """Try a broker out with client ids of the probe's own; nothing of it is left behind.

    `topic` must be one that the account may write and read. Raises ValueError for TLS files.
    """
    mark = secrets.token_hex(4)
    reader = replace(broker, client_id=f"{broker.client_id}-check-{mark}-r")
    writer = replace(broker, client_id=f"{broker.client_id}-check-{mark}-w")
    seen = Seen(mark.encode())
    fault, detail = None, ""
    with ExitStack() as cleaning:
        cleaning.callback(_clean_up, reader, writer, topic, seen, timeout)
        try:
            _try_out(reader, writer, topic, seen, timeout)
        except Found as found:
            fault, detail = found.fault, found.detail
    return Report(
        fault,
        detail,
        seen.protocol,
        seen.connected.maximum_packet if seen.connected else None,
        seen.warnings,
    )


def _try_out(reader: Broker, writer: Broker, topic: str, seen: Seen, timeout: float) -> None:
    live = {b"live " + seen.mark}
    with opened(reader, (topic,), seen, timeout) as first:
        seen.look_at(first, topic)
        # Nobody had these client ids before. Where a session is there, the broker uses another id:
        # the account's, so that our two connections would end each other.
        seen.others_session = not first.fresh
        seen.alone = seen.others_session
        if not seen.alone:
            with opened(writer, (), seen, timeout) as second:
                seen.alone = not second.fresh
                if not seen.alone:
                    publish(second, topic, live, timeout)
                    if not first.wait_received(live, timeout):
                        raise Found(Fault.READ_DENIED, topic)
    if seen.alone:
        try_out_alone(reader, topic, seen, timeout)
        return
    away = {b"away %d %s" % (number, seen.mark) for number in range(_MESSAGES)}
    with opened(writer, (), seen, timeout) as second:
        publish(second, topic, away, timeout)
    with opened(reader, (topic,), seen, timeout, returns=True) as again:
        again.require_session()
        if not again.wait_received(away, timeout):
            raise Found(Fault.QUEUE_LOST, f"{len(away & again.received)} of {_MESSAGES} came")
        again.require_qos_1(topic)


def _clean_up(reader: Broker, writer: Broker, topic: str, seen: Seen, timeout: float) -> None:
    if not seen.protocol:
        return
    if seen.others_session:
        leave_session(reader, topic, seen, timeout)
        return
    for one in (reader, writer):
        forget(one, seen, timeout)


__all__ = ["Fault", "Report", "probe"]
