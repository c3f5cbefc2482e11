"""What we rely on at a broker, and what is said when it is not so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from stadtsinn.base.counted import counted
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.notices import Notices

_SHORT_S = 10.0
_SHORT_CONNECTIONS = 4
"""So many connections in a row that the broker ended within `_SHORT_S` are no bad line."""


class Kind(StrEnum):
    """What a broker, or whoever publishes to it, does not guarantee."""

    SESSION_FORGOTTEN = "session_forgotten"
    SHORT_SESSION = "short_session"
    QOS_0_MESSAGES = "qos_0_messages"
    QOS_0_SUBSCRIPTION = "qos_0_subscription"
    CLIENT_ID_TAKEN = "client_id_taken"
    THROWN_OUT = "thrown_out"
    MESSAGE_DROPPED = "message_dropped"


REMEDIES: Mapping[Kind, str] = {
    Kind.SESSION_FORGOTTEN: "what was published in between is lost if its sender does not send it "
    "again; Mosquitto: 'persistence true' and 'persistent_client_expiration' not below "
    "session_days; a new broker or client id has nothing to remember",
    Kind.SHORT_SESSION: "whoever is away longer loses messages: raise the broker's limit for "
    "sessions, or lower session_days so that it says what is so",
    Kind.QOS_0_MESSAGES: "while we are away the broker keeps none of them: publish at QoS 1 "
    "(ChirpStack: qos = 1 in its MQTT integration; The Things Stack: docs/edge.md)",
    Kind.QOS_0_SUBSCRIPTION: "while we are away the broker keeps nothing: allow QoS 1 to this user",
    Kind.CLIENT_ID_TAKEN: "another process uses the same client id, or a copy of this card runs "
    "elsewhere: give each its own",
    Kind.THROWN_OUT: "either another process uses the same client id (a copied card), or the "
    "broker does not take what we send: its log says which",
    Kind.MESSAGE_DROPPED: "the broker ended the connection for it again and again: raise its limit "
    "(Mosquitto: max_packet_size, message_size_limit)",
}


class Guarantees:
    """Compares what one broker does with what we rely on. For the link's network thread.

    `session_expected`: an earlier connection, or an earlier process, left a session behind.
    """

    def __init__(
        self,
        broker: Broker,
        on_notice: Callable[[Kind, int], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.notices = Notices(REMEDIES, lambda kind, _, count: on_notice(kind, count))
        self.session_expected = False
        self._broker = broker
        self._monotonic = monotonic
        self._begun = 0.0
        self._short_connections = 0

    @property
    def thrown_out(self) -> bool:
        """The broker ends one connection after the other."""
        return self._short_connections >= _SHORT_CONNECTIONS

    def connection_begins(self, *, session_present: bool, granted_expiry: int | None) -> bool:
        """Warn where the broker does not keep our session; true where none can be continued."""
        self._begun = self._monotonic()
        asked = self._broker.session_expiry
        if granted_expiry is not None and granted_expiry < asked:
            self.notices.note(
                Kind.SHORT_SESSION,
                f"the broker keeps our session for {granted_expiry} s, asked were {asked} s",
            )
        else:
            self.notices.end(Kind.SHORT_SESSION)
        if self.session_expected and not session_present:
            self.notices.note(Kind.SESSION_FORGOTTEN, "the broker no longer knew our session")
        fresh = not session_present and not self.session_expected
        self.session_expected = True
        return fresh

    def connection_ended(self, *, taken_over: bool) -> None:
        """Mosquitto 2.0.11 ends a connection without a word when its client id is taken over."""
        if taken_over:
            self.notices.note(
                Kind.CLIENT_ID_TAKEN, f"client id {self._broker.client_id} was taken over"
            )
            return
        short = self._monotonic() - self._begun < _SHORT_S
        self._short_connections = self._short_connections + 1 if short else 0
        if self.thrown_out:
            self.notices.note(Kind.THROWN_OUT, "the broker ends our connections within seconds")

    def came_at_qos_0(self, count: int, topic: str) -> None:
        self.notices.note(
            Kind.QOS_0_MESSAGES,
            f"messages come at QoS 0, the latest on {topic[:200]}",
            count=count,
        )

    def granted_only_qos_0(self, topic: str) -> None:
        self.notices.note(Kind.QOS_0_SUBSCRIPTION, f"the broker grants only QoS 0 for {topic}")

    def dropped(self, count: int, size: int) -> None:
        self.notices.note(
            Kind.MESSAGE_DROPPED,
            f"{counted(count, 'message of more than', 'messages of more than')} {size} bytes "
            "were not delivered",
            count=count,
        )
