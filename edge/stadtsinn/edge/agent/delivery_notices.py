"""What may endanger the way to the cloud without any error, and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from stadtsinn.edge.messages.delivery import Refused


class Kind(StrEnum):
    OLDER_LIFE = "older_life"
    SECOND_AGENT = "second_agent"
    BROKER_LIMIT = "broker_limit"
    BATCH_REFUSED = "batch_refused"
    CLOCK = "clock_wrong"
    NOT_TAKEN = "not_taken"
    DELIVERS_AGAIN = "delivers_again"


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
    Kind.NOT_TAKEN: "nothing is lost, what waits here is sent again until the cloud takes it",
    Kind.DELIVERS_AGAIN: "nothing to do: they are delivered again, and count once",
}

NOT_TAKEN: Mapping[str, str] = {
    Refused.UNKNOWN_EDGE: "the cloud does not know edge '{}': register it with its town "
    "('stadtsinn registry give-edge', docs/edge.md), or correct edge_id here",
    Refused.UNREADABLE: "the cloud cannot read the batches of edge '{}': is another program "
    "publishing as this edge, or is the agent newer than the cloud?",
    Refused.OTHER_VERSION: "the cloud does not know this version of the protocol (edge '{}'): "
    "update the cloud, or take the agent of its version",
    Refused.TOO_LARGE: "the batches of edge '{}' are too large for the cloud: lower batch_kib and "
    "batch_items in edge.toml",
}
"""What the cloud said, and what helps; the edge id goes in."""
