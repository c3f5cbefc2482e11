"""When was a frame received? The rule that picks one clock out of several, some of them wrong.

The rule and its limits are decision record 0003. It is pure: the same times give the same
answer, unless `GatewayClocks` has learned that a gateway's clock lags.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from stadtsinn.decoders.uplink import TimeSource

FUTURE_TOLERANCE = 5 * MINUTE
"""Nothing later than this after our own clock is ever believed."""

LIVE_WINDOW = 30 * SECOND
"""A gateway clock this near the arrival shows a frame that was delivered at once."""

MAX_LATENESS = 12 * HOUR
"""Beyond this a gateway's clock alone is not believed: a late frame and a clock that is a day
behind look the same, and the second is more common."""

MAX_GPS_LATENESS = 366 * DAY
"""GNSS time fails by decades (1980, week roll-over), not by days."""

EARLIEST = Instant(1_577_836_800 * SECOND)
"""2020-01-01: older than any event that is read, so a clock before it was never set."""

_LAG_SAME = 5 * SECOND
_LAG_PROVEN_AFTER = 60 * SECOND
_LAG_PROVEN_FRAMES = 3
_GATEWAYS_REMEMBERED = 4096

_GPS_EPOCH = 315_964_800 * SECOND
_LEAP_SECONDS = 18 * SECOND  # GPS is ahead of UTC by this since 2017-01-01


def gps_to_instant(micros_since_gps_epoch: int) -> Instant:
    """UTC of a time since 1980-01-06 in microseconds; exact since 2017, the last leap second."""
    return Instant(_GPS_EPOCH + micros_since_gps_epoch - _LEAP_SECONDS)


class ReceptionTimes(msgspec.Struct, frozen=True):
    """What the clocks of one reception say; None where one said nothing.

    `gateway_time`: the gateway's own clock. `gps_time`: its GNSS receiver, already in UTC.
    `server_time`: the network server's clock when the gateway's message arrived there.
    `gateway_id` is empty where several gateways go by one name: their clocks are not learned.
    """

    gateway_id: str
    gateway_time: Instant | None = None
    gps_time: Instant | None = None
    server_time: Instant | None = None


class GatewayClock(msgspec.Struct):
    """What is known of one gateway's clock. `lag` = arrival − gateway time, in µs."""

    lag: int
    since: Instant
    """Arrival of the first frame with this lag."""
    seen: Instant
    """Arrival of the latest frame."""
    frames: int = 1
    faulty: bool = False


class GatewayClocks:
    """Learns which gateway clocks lag, from the arrival of their frames.

    A backlog that is delivered after an outage catches up: its lag shrinks from frame to
    frame. A wrong clock keeps its lag. So the same lag (±5 s) in three frames over a minute
    proves a fault, and one frame delivered at once (within 30 s) clears it. Deterministic;
    for one thread.
    """

    def __init__(self, known: dict[str, GatewayClock] | None = None) -> None:
        self._clocks: dict[str, GatewayClock] = dict(known or {})
        self.server_offset: int | None = None
        """Our clock minus the network server's at the latest event, in µs; delays included."""

    def known(self) -> dict[str, GatewayClock]:
        """Everything learned, to be stored and given to the constructor after a restart."""
        return dict(self._clocks)

    def faulty(self, gateway_id: str) -> bool:
        clock = self._clocks.get(gateway_id)
        return clock is not None and clock.faulty

    def observe(self, gateway_id: str, arrival: Instant, lag: int) -> None:
        """Take note that a frame arrived `lag` µs after the moment its gateway stated."""
        clock = self._clocks.get(gateway_id)
        if clock is None:
            self._remember(gateway_id, GatewayClock(lag, arrival, arrival))
            return
        if arrival <= clock.seen:  # a resend of what we saw already
            return
        clock.seen = arrival
        if abs(lag) <= LIVE_WINDOW:
            clock.lag, clock.since, clock.frames, clock.faulty = lag, arrival, 1, False
        elif abs(lag - clock.lag) <= _LAG_SAME:
            clock.lag = lag
            clock.frames += 1
            if clock.frames >= _LAG_PROVEN_FRAMES and arrival - clock.since >= _LAG_PROVEN_AFTER:
                clock.faulty = True
        else:
            clock.lag, clock.since, clock.frames = lag, arrival, 1

    def _remember(self, gateway_id: str, clock: GatewayClock) -> None:
        if len(self._clocks) >= _GATEWAYS_REMEMBERED:
            del self._clocks[next(iter(self._clocks))]
        self._clocks[gateway_id] = clock


def event_time(
    receptions: Sequence[ReceptionTimes],
    server_time: Instant | None,
    received_at: Instant,
    clocks: GatewayClocks | None = None,
) -> tuple[Instant, TimeSource]:
    """The moment the frame was received by radio, and whose clock said so.

    `server_time` is the network server's clock for the event as a whole; `received_at` our clock
    when the event reached us, which may be much later (a recording, a spool). Never later than
    `received_at` + 5 min.
    """
    arrival, arrival_source = _arrival(receptions, server_time, received_at)
    if clocks is not None and arrival_source is TimeSource.NETWORK_SERVER:
        clocks.server_offset = received_at - arrival
    gps = _latest(
        r.gps_time
        for r in receptions
        if r.gps_time is not None
        and arrival - MAX_GPS_LATENESS <= r.gps_time <= arrival + LIVE_WINDOW
    )
    by_clock = _gateway_time(receptions, arrival, clocks)
    if gps is not None and gps >= EARLIEST:
        return gps, TimeSource.GPS
    if by_clock is not None:
        return by_clock, TimeSource.GATEWAY
    return arrival, arrival_source


def _arrival(
    receptions: Sequence[ReceptionTimes], server_time: Instant | None, received_at: Instant
) -> tuple[Instant, TimeSource]:
    """When the frame reached the network server: the yardstick for the gateways' clocks."""
    latest = received_at + FUTURE_TOLERANCE
    stated = [r.server_time for r in receptions if r.server_time is not None]
    plausible = [moment for moment in stated if EARLIEST <= moment <= latest]
    if plausible:
        return min(plausible), TimeSource.NETWORK_SERVER
    if server_time is not None and EARLIEST <= server_time <= latest:
        return server_time, TimeSource.NETWORK_SERVER
    return received_at, TimeSource.ARRIVAL


def _gateway_time(
    receptions: Sequence[ReceptionTimes], arrival: Instant, clocks: GatewayClocks | None
) -> Instant | None:
    """The gateway time nearest before the arrival that no known fault speaks against."""
    best: Instant | None = None
    for reception in receptions:
        moment = reception.gateway_time
        if moment is None or moment < EARLIEST:
            continue
        lag = arrival - moment
        if clocks is not None and reception.gateway_id:
            clocks.observe(reception.gateway_id, arrival, lag)
        if not -LIVE_WINDOW <= lag <= MAX_LATENESS:
            continue
        if lag > LIVE_WINDOW and clocks is not None and clocks.faulty(reception.gateway_id):
            continue
        if best is None or moment > best:
            best = moment
    return best


def _latest(moments: Iterable[Instant]) -> Instant | None:
    return max(moments, default=None)
