"""The event-time rule (decision record 0003), case by case and on a real server's recordings."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_parts import require_shared
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, parse
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.event_time import (
    EARLIEST,
    FUTURE_TOLERANCE,
    GatewayClocks,
    ReceptionTimes,
    event_time,
    gps_to_instant,
)

read_event = ChirpStack().read
ARRIVAL = parse("2026-06-01T12:00:00+00:00")
RECEIVED = Instant(ARRIVAL + SECOND)


def at(offset: int) -> Instant:
    return Instant(ARRIVAL + offset)


def rx(
    gateway_offset: int | None = None,
    *,
    gateway: str = "a",
    gps_offset: int | None = None,
    gateway_time: Instant | None = None,
) -> ReceptionTimes:
    """A reception that arrived at ARRIVAL, its clocks given relative to that."""
    return ReceptionTimes(
        gateway_id=gateway,
        gateway_time=at(gateway_offset) if gateway_offset is not None else gateway_time,
        gps_time=at(gps_offset) if gps_offset is not None else None,
        server_time=ARRIVAL,
    )


CASES = {
    "live frame": ([rx(-2000)], at(-2000), TimeSource.GATEWAY),
    "late frame, six hours": ([rx(-6 * HOUR)], at(-6 * HOUR), TimeSource.GATEWAY),
    "gateway clock a day behind": ([rx(-DAY)], ARRIVAL, TimeSource.NETWORK_SERVER),
    "gateway clock an hour ahead": ([rx(HOUR)], ARRIVAL, TimeSource.NETWORK_SERVER),
    "gateway clock at 1970": (
        [rx(gateway_time=Instant(12 * SECOND))],
        ARRIVAL,
        TimeSource.NETWORK_SERVER,
    ),
    "gateway clock a second ahead, as clocks are": (
        [rx(SECOND)],
        at(SECOND),
        TimeSource.GATEWAY,
    ),
    "no gateway time": ([rx()], ARRIVAL, TimeSource.NETWORK_SERVER),
    "no reception at all": ([], at(SECOND // 5), TimeSource.NETWORK_SERVER),
    "GPS late by six hours": ([rx(gps_offset=-6 * HOUR)], at(-6 * HOUR), TimeSource.GPS),
    "GPS late by a month": ([rx(gps_offset=-30 * DAY)], at(-30 * DAY), TimeSource.GPS),
    "GPS beats a live-looking gateway clock": (
        [rx(-SECOND, gps_offset=-3000)],
        at(-3000),
        TimeSource.GPS,
    ),
    "GPS at 1980": (
        [rx(-2000, gps_offset=gps_to_instant(5 * SECOND) - ARRIVAL)],
        at(-2000),
        TimeSource.GATEWAY,
    ),
    "GPS after a week roll-over": (
        [rx(-2000, gps_offset=-1024 * 7 * DAY)],
        at(-2000),
        TimeSource.GATEWAY,
    ),
    "GPS an hour ahead": ([rx(-2000, gps_offset=HOUR)], at(-2000), TimeSource.GATEWAY),
    "one good gateway of three": (
        [
            rx(-DAY, gateway="behind"),
            rx(HOUR, gateway="ahead"),
            rx(-1500, gateway="good"),
        ],
        at(-1500),
        TimeSource.GATEWAY,
    ),
    "a live gateway beats another that lags three hours": (
        [rx(-3 * HOUR, gateway="lagging"), rx(-1500, gateway="good")],
        at(-1500),
        TimeSource.GATEWAY,
    ),
    "all gateway clocks wrong": (
        [rx(-DAY, gateway="x"), rx(HOUR, gateway="y")],
        ARRIVAL,
        TimeSource.NETWORK_SERVER,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rule(name: str) -> None:
    receptions, expected, source = CASES[name]
    server_time = at(SECOND // 5)
    assert event_time(receptions, server_time, RECEIVED) == (expected, source)


@pytest.mark.parametrize("name", CASES)
def test_recording_played_months_later_gives_the_same_times(name: str) -> None:
    """Gateway clocks are compared with the server's clock, not ours: a replay changes nothing."""
    receptions, expected, source = CASES[name]
    later = Instant(ARRIVAL + 200 * DAY)
    assert event_time(receptions, at(SECOND // 5), later) == (expected, source)


def test_with_a_server_clock_at_1970_our_own_is_used() -> None:
    reception = ReceptionTimes("a", None, None, Instant(30 * SECOND))
    found = event_time([reception], Instant(30 * SECOND), RECEIVED)
    assert found == (RECEIVED, TimeSource.ARRIVAL)


def test_server_clock_ahead_of_ours_is_not_used() -> None:
    ahead = Instant(RECEIVED + FUTURE_TOLERANCE + 1)
    found = event_time([ReceptionTimes("a", None, None, ahead)], ahead, RECEIVED)
    assert found == (RECEIVED, TimeSource.ARRIVAL)


def test_without_ns_time_the_events_time_is_the_arrival() -> None:
    """Older servers state no nsTime; their `time` is the arrival, unless it is the gateway's."""
    late = ReceptionTimes("a", at(-6 * HOUR), None, None)
    assert event_time([late], ARRIVAL, RECEIVED) == (at(-6 * HOUR), TimeSource.GATEWAY)


_TIMES = st.one_of(
    st.none(),
    st.integers(-(2**50), 2**55),
    st.integers(ARRIVAL - 3 * DAY, ARRIVAL + 3 * DAY),
).map(lambda value: None if value is None else Instant(value))


@given(
    st.lists(st.builds(ReceptionTimes, st.sampled_from("abc"), _TIMES, _TIMES, _TIMES), max_size=4),
    _TIMES,
)
def test_event_time_is_never_in_the_future_nor_before_2020(
    receptions: list[ReceptionTimes], server_time: Instant | None
) -> None:
    moment, _ = event_time(receptions, server_time, RECEIVED, GatewayClocks())
    assert EARLIEST <= moment <= RECEIVED + FUTURE_TOLERANCE + 30 * SECOND


# --- gateway clocks --------------------------------------------------------------------


def frame(clocks: GatewayClocks, arrival: Instant, lag: int) -> tuple[Instant, TimeSource]:
    reception = ReceptionTimes("a", Instant(arrival - lag), None, arrival)
    return event_time([reception], arrival, Instant(arrival + SECOND), clocks)


def test_clock_that_keeps_lagging_is_recognised() -> None:
    """Three hours behind in every frame: with the third, after over a minute, it is faulty."""
    clocks = GatewayClocks()
    sources = [frame(clocks, at(n * 40 * SECOND), 3 * HOUR)[1] for n in range(5)]
    assert sources == [TimeSource.GATEWAY] * 2 + [TimeSource.NETWORK_SERVER] * 3
    assert clocks.faulty("a")


def test_backlog_is_no_clock_fault() -> None:
    """Frames of a backlog arrive a second apart, but were received a minute apart."""
    clocks = GatewayClocks()
    for n in range(100):
        lag = 6 * HOUR - n * 59 * SECOND
        expected = at(n * SECOND - lag)
        assert frame(clocks, at(n * SECOND), lag) == (expected, TimeSource.GATEWAY)
    assert not clocks.faulty("a")


def test_one_late_frame_of_a_good_gateway_is_dated_by_its_clock() -> None:
    clocks = GatewayClocks()
    for n in range(10):
        frame(clocks, at(n * MINUTE), 2000)
    found = frame(clocks, at(11 * MINUTE), 6 * HOUR)
    assert found == (at(11 * MINUTE - 6 * HOUR), TimeSource.GATEWAY)


def test_corrected_clock_is_used_again() -> None:
    clocks = GatewayClocks()
    for n in range(4):
        frame(clocks, at(n * MINUTE), 3 * HOUR)
    frame(clocks, at(5 * MINUTE), 1000)
    assert not clocks.faulty("a")
    assert frame(clocks, at(6 * MINUTE), HOUR)[1] is TimeSource.GATEWAY


def test_a_resent_event_is_not_counted() -> None:
    clocks = GatewayClocks()
    for _ in range(10):
        frame(clocks, ARRIVAL, 3 * HOUR)
    assert not clocks.faulty("a")


def test_faulty_clocks_survive_a_restart() -> None:
    clocks = GatewayClocks()
    for n in range(4):
        frame(clocks, at(n * MINUTE), 3 * HOUR)
    assert GatewayClocks(clocks.known()).faulty("a")


def test_number_of_remembered_gateways_is_limited() -> None:
    clocks = GatewayClocks()
    for n in range(10_000):
        clocks.observe(f"gateway {n}", at(n), 0)
    assert len(clocks.known()) <= 4096


# --- recordings ------------------------------------------------------------------------


@pytest.mark.parametrize("marshaler", ["json", "protobuf"])
def test_recordings_of_a_real_server(marshaler: str) -> None:
    """A frame with a gateway time six hours ago, one with GPS time, and the live ones."""
    lines = require_shared(f"chirpstack-events/events-{marshaler}.jsonl").read_text().splitlines()
    clocks = GatewayClocks()
    seen: dict[str, Uplink] = {}
    for line in map(json.loads, lines):
        payload = (
            base64.b64decode(line["payload_base64"])
            if "payload_base64" in line
            else line["payload"].encode()
        )
        event = read_event(line["topic"], payload, parse("2026-11-22T05:00:00+00:00"), clocks)
        if isinstance(event, Uplink):
            seen[line["step"]] = event
    late = seen["late frame: gw_time 6 h ago, newer counter"]
    gps = seen["late frame: time_since_gps_epoch 6 h ago, newer counter"]
    assert (late.time_source, gps.time_source) == (TimeSource.GATEWAY, TimeSource.GPS)
    for event in (late, gps):
        lateness = parse("2026-11-22T03:58:00+00:00") - event.event_time
        assert abs(lateness - 6 * HOUR) < 3 * MINUTE
    live = [event for step, event in seen.items() if not step.startswith("late frame")]
    start, end = parse("2026-11-22T03:57:00+00:00"), parse("2026-11-22T04:01:00+00:00")
    assert len(live) > 15
    assert all(start < event.event_time < end for event in live)


def test_a_name_without_end_is_no_gateway_whose_clock_is_remembered() -> None:
    clocks = GatewayClocks()
    for name in ("", "x" * 60_000, "0016c001f1000001"):
        event_time([ReceptionTimes(name, RECEIVED, None, RECEIVED)], RECEIVED, RECEIVED, clocks)
    assert list(clocks.known()) == ["0016c001f1000001"]
