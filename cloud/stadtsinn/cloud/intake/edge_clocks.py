"""Edges with a wrong clock: how wrong it is, and the times of their uplinks put right.

The rule is in decision record 0003. What an edge says of the time is compared with this cloud's
clock; nothing is refused for its time that a wrong clock explains, however wrong it was.
"""

from __future__ import annotations

import msgspec

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.intake.claims import plausible
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.messages.delivery import ClaimedBatch
from stadtsinn.edge.network_servers.event_time import EARLIEST

TOLERANCE = 5 * MINUTE
"""Clocks that differ by less are taken as equal."""


class EdgeClock(msgspec.Struct, frozen=True):
    """What is known of an edge's clock when a batch of it arrived.

    `ahead`: µs that it was ahead of ours when the batch was sent, 0 where it was right.
    """

    ahead: int
    arrival: Instant

    @classmethod
    def of(cls, batch: ClaimedBatch, arrival: Instant, *, live: bool) -> EdgeClock:
        """`live`: the broker did not hold the batch, so its way took no time."""
        ahead = batch.sent_at - arrival
        told = batch.sender.clock_ahead if batch.sender is not None else None
        if told is not None and batch.sent_at - told <= arrival + TOLERANCE:
            ahead = told  # measured between a batch and its acknowledgement
        elif ahead <= TOLERANCE and batch.sent_at >= EARLIEST and not live:
            ahead = 0  # it may have waited at the broker: that is no fault of the clock
        return cls(ahead if abs(ahead) > TOLERANCE else 0, arrival)

    def dated(self, uplink: Uplink, position: int, batch: ClaimedBatch) -> Uplink:
        """The uplink with its times as they would be by our clock."""
        return _with_possible_event_time(self._moved(uplink, position, batch), self.arrival)

    def _moved(self, uplink: Uplink, position: int, batch: ClaimedBatch) -> Uplink:
        error = self._error(position, batch)
        possible = _possible(uplink.received_at, self.arrival)
        if uplink.received_at < 0 or (possible and not error):
            return uplink
        received = Instant(uplink.received_at - error)
        if uplink.received_at > batch.sent_at + TOLERANCE and possible:
            return uplink  # the clock was set back after it was received: that time was right
        if not _possible(received, self.arrival):
            return _by_arrival(uplink, self.arrival)
        return _shifted(uplink, error, received, self.arrival)

    def _error(self, position: int, batch: ClaimedBatch) -> int:
        """How far the clock was ahead when this item was received, as far as that is known."""
        sender = batch.sender
        if sender is None:
            return self.ahead
        if position <= sender.opened:
            return 0  # received in an earlier run, maybe by another clock setting
        return self.ahead - sum(step.by for step in sender.clock_steps if step.position >= position)


def dated_alone(uplink: Uplink, arrival: Instant) -> Uplink:
    """The uplink of an item without its batch, which would say more of the clock."""
    if uplink.received_at >= 0 and not _possible(uplink.received_at, arrival):
        uplink = _by_arrival(uplink, arrival)
    return _with_possible_event_time(uplink, arrival)


def _by_arrival(uplink: Uplink, arrival: Instant) -> Uplink:
    """No time of the edge can be: it was at the latest when it arrived."""
    known = uplink.time_source is not TimeSource.ARRIVAL
    if known and _possible(uplink.event_time, arrival):
        return msgspec.structs.replace(uplink, received_at=arrival)
    return msgspec.structs.replace(
        uplink, received_at=arrival, event_time=arrival, time_source=TimeSource.CORRECTED
    )


def _with_possible_event_time(uplink: Uplink, arrival: Instant) -> Uplink:
    """Dated by its reception where its event time cannot be and its reception can."""
    if plausible(uplink.event_time, arrival) or not _possible(uplink.received_at, arrival):
        return uplink
    return msgspec.structs.replace(
        uplink, event_time=uplink.received_at, time_source=TimeSource.CORRECTED
    )


def _shifted(uplink: Uplink, error: int, received: Instant, arrival: Instant) -> Uplink:
    """Event time by the clock that it is from: the edge's wrong one, or another that is right.

    Of the two readings the later one that is not after the reception: it lets the frame be live.
    """
    moved = Instant(uplink.event_time - error)
    candidates = [moved]
    if uplink.time_source is TimeSource.GPS:
        candidates = [uplink.event_time]
    elif uplink.time_source is not TimeSource.ARRIVAL:
        candidates.append(uplink.event_time)
    latest = Instant(min(received, arrival) + TOLERANCE)
    plausible = [one for one in candidates if EARLIEST <= one <= latest]
    event_time = max(plausible, default=received)
    if event_time == uplink.event_time:
        return msgspec.structs.replace(uplink, received_at=received)
    return msgspec.structs.replace(
        uplink, received_at=received, event_time=event_time, time_source=TimeSource.CORRECTED
    )


def _possible(moment: Instant, arrival: Instant) -> bool:
    return EARLIEST <= moment <= arrival + TOLERANCE
