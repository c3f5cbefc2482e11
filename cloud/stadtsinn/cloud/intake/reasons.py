"""Why something was not taken into the log: every reason that there is.

Senders say reasons too, in words of their own; no such word gets here. Reasons are labels of
metrics, each has its part of the quarantine, and people filter by them.
"""

from __future__ import annotations

from enum import StrEnum

from stadtsinn.edge.network_servers.format import UnreadableEvent


class Reason(StrEnum):
    """One word for counters and quarantine."""

    # An event of a network server that cannot be read (`UnreadableEvent`).
    UNKNOWN_TOPIC = "unknown_topic"
    TOO_LARGE = "too_large"
    MALFORMED_JSON = "malformed_json"
    MALFORMED_PROTOBUF = "malformed_protobuf"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    BAD_DEV_EUI = "bad_dev_eui"
    BAD_DEV_ADDR = "bad_dev_addr"
    WRONG_BASE64 = "wrong_base64"
    OVERSIZED_PAYLOAD = "oversized_payload"
    ENCRYPTED_PAYLOAD = "encrypted_payload"
    UNKNOWN_FORMAT = "unknown_format"

    # What an edge says about an item that it forwards unread.
    DAMAGED_IN_SPOOL = "damaged_in_spool"
    SET_ASIDE_BY_EDGE = "set_aside_by_edge"
    UNREADABLE_AT_EDGE = "unreadable_at_edge"
    """Another word than ours."""

    # A batch of an edge.
    MALFORMED_BATCH = "malformed_batch"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_EDGE = "unknown_edge"

    # A readable uplink.
    UNREGISTERED_DEVICE = "unregistered_device"
    WRONG_TENANT = "wrong_tenant"
    IMPLAUSIBLE_TIME = "implausible_time"
    REFUSED_BY_DATABASE = "refused_by_database"

    INTERNAL_ERROR = "internal_error"
    """A fault of ours."""


HEALABLE = frozenset(
    {
        Reason.UNREGISTERED_DEVICE,
        Reason.WRONG_TENANT,
        Reason.IMPLAUSIBLE_TIME,
        Reason.UNKNOWN_EDGE,
        Reason.UNKNOWN_FORMAT,
        Reason.REFUSED_BY_DATABASE,
        Reason.INTERNAL_ERROR,
    }
)
"""They go away when the registry, a clock or this cloud is corrected."""

NOT_THEIRS = frozenset({Reason.UNREGISTERED_DEVICE, Reason.WRONG_TENANT})
"""A device is not one of the sender's town: nobody has it, or another town. The sender must not be
able to tell which, so both are one for it (decision 21)."""

_OF_EVENTS = frozenset(UnreadableEvent.REASONS)
_OF_EDGES = _OF_EVENTS | {Reason.DAMAGED_IN_SPOOL, Reason.SET_ASIDE_BY_EDGE}


def of_event(word: str) -> Reason:
    """The reason of an event that a format refuses."""
    return Reason(word) if word in _OF_EVENTS else Reason.INTERNAL_ERROR


def of_edge(word: str) -> Reason:
    """The reason of an item that an edge could not read: its word where that is one for it."""
    return Reason(word) if word in _OF_EDGES else Reason.UNREADABLE_AT_EDGE


def of_row(word: str) -> Reason:
    """The reason in a row of the quarantine, maybe of a later version."""
    try:
        return Reason(word)
    except ValueError:
        return Reason.UNREADABLE_AT_EDGE
