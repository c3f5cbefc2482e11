"""The event time of a frame: the rule that selects one of several clocks, some of them wrong.

The rule and its limits are decision record 0003. The same times always give the same result,
except for what `GatewayClocks` has recorded of earlier frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from stadtsinn.decoders.uplink import TimeSource
from stadtsinn.decoders.uplink_bounds import MAX_GATEWAY_ID

FUTURE_TOLERANCE = 5 * MINUTE
"""A time further than this ahead of our own clock is never used."""

LIVE_WINDOW = 30 * SECOND
"""If a gateway's clock is within this of the arrival, the frame was delivered at once."""

MAX_LATENESS = 12 * HOUR
"""A gateway time older than this is not used: a late frame and a clock that is a day behind look
the same, and the second is more common."""

MAX_GPS_LATENESS = 366 * DAY
"""A GNSS time older than this is not used: wrong ones are off by decades (1980, week roll-over)."""

EARLIEST = Instant(1_577_836_800 * SECOND)
"""2020-01-01: no event is older, so an earlier time comes from a clock that was never set."""

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
    """The times of one reception; None where a clock gave none.

    `gateway_time`: the gateway's own clock. `gps_time`: its GNSS receiver, already in UTC.
    `server_time`: the network server's clock when the gateway's message arrived there.
    `gateway_id` is empty where several gateways share one name: their clocks are not recorded.
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
    """Finds out which gateway clocks lag, from the arrival of their frames.

    In a backlog that is delivered after an outage the lag shrinks from frame to frame. A wrong
    clock has a constant lag. So the same lag (±5 s) in three frames over a minute means a
    faulty clock, and one frame delivered at once (within 30 s) clears it. Deterministic; not
    thread-safe.
    """

    def __init__(self, known: dict[str, GatewayClock] | None = None) -> None:
        self._clocks: dict[str, GatewayClock] = dict(known or {})
        self.server_offset: int | None = None
        """Our clock minus the network server's at the latest event, in µs; delays included."""
        self.live_since: Instant | None = None
        """Events that came later than this by our clock were not held back on their way to us."""
        self.server_behind: int = 0
        """How far the network server's clock was behind at the latest live event; 0: it is not."""

    def live(self, received_at: Instant) -> bool:
        """Did an event come at once, so that a late time in it is a wrong one?"""
        return self.live_since is not None and received_at >= self.live_since

    def warnings(self) -> tuple[str, ...]:
        """For health: what is wrong with the network server's clock."""
        if not self.server_behind:
            return ()
        minutes = self.server_behind // MINUTE
        text = (
            f"the network server's clock is {counted(minutes, 'minute', 'minutes')} behind: its "
            "events are dated by their arrival; set the time there ('timedatectl')"
        )
        return (text,)

    def known(self) -> dict[str, GatewayClock]:
        """All clocks, to be stored and passed to the constructor after a restart."""
        return dict(self._clocks)

    def faulty(self, gateway_id: str) -> bool:
        clock = self._clocks.get(gateway_id)
        return clock is not None and clock.faulty

    def observe(self, gateway_id: str, arrival: Instant, lag: int) -> None:
        """Record that a frame arrived `lag` µs after the time that its gateway stated."""
        clock = self._clocks.get(gateway_id)
        if clock is None:
            self._remember(gateway_id, GatewayClock(lag, arrival, arrival))
            return
        if arrival <= clock.seen:  # a resend of an earlier frame
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
    """The time when a gateway received the frame, and which clock it is from.

    `server_time` is the network server's clock for the event as a whole; `received_at` our clock
    when the event reached us, which may be much later (a recording, a spool). Never later than
    `received_at` + 5 min.
    """
    arrival, arrival_source = _arrival(receptions, server_time, received_at)
    if clocks is not None and clocks.live(received_at):
        wrong = arrival if arrival < received_at - FUTURE_TOLERANCE else None
        clocks.server_behind = 0 if wrong is None else received_at - wrong
        if wrong is not None:
            arrival, arrival_source = received_at, TimeSource.ARRIVAL
            receptions = [r for r in receptions if not _same_clock(r.gateway_time, wrong)]
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


def _same_clock(gateway_time: Instant | None, wrong: Instant) -> bool:
    """Does a gateway agree with a wrong clock? Then it is the same one, on the same machine."""
    return gateway_time is not None and abs(gateway_time - wrong) <= LIVE_WINDOW


def _arrival(
    receptions: Sequence[ReceptionTimes], server_time: Instant | None, received_at: Instant
) -> tuple[Instant, TimeSource]:
    """When the frame reached the network server; gateway clocks are compared with this."""
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
    """The latest plausible gateway time, without the delayed ones of clocks known as faulty."""
    best: Instant | None = None
    for reception in receptions:
        moment = reception.gateway_time
        if moment is None or moment < EARLIEST:
            continue
        lag = arrival - moment
        if clocks is not None and 0 < len(reception.gateway_id) <= MAX_GATEWAY_ID:
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
