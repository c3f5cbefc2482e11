"""What may endanger the way to the cloud without any error, and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    OLDER_LIFE = "older_life"
    SECOND_AGENT = "second_agent"
    BROKER_LIMIT = "broker_limit"
    BATCH_REFUSED = "batch_refused"
    CLOCK = "clock_wrong"


REMEDIES: Mapping[Kind, str] = {
    Kind.OLDER_LIFE: "all that waited is delivered as a new stream; look whether a copy of this "
    "card is running elsewhere",
    Kind.SECOND_AGENT: "a copied card? Stop one, or give it an edge id, a certificate and a spool "
    "of its own",
    Kind.BROKER_LIMIT: "delivery goes on in smaller batches; raise the limit at the cloud's broker "
    "(Mosquitto: max_packet_size, message_size_limit)",
    Kind.BATCH_REFUSED: "look at the reason in the broker's log: access list, quota?",
    Kind.CLOCK: "the cloud dates our uplinks by its own clock; set the time here ('timedatectl'), "
    "and see that a time server is reached",
}
