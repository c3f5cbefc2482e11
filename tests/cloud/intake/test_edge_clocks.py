"""The times of an edge with a wrong clock, put right by what is known of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_uplinks import UNDECODED, at, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant
from stadtsinn.base.mqtt.liveness import Liveness
from stadtsinn.cloud.intake.claims import plausible
from stadtsinn.cloud.intake.edge_clocks import TOLERANCE, EdgeClock
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.agent.clock_watch import ClockWatch
from stadtsinn.edge.messages.delivery import (
    Batch,
    ClaimedBatch,
    ClockStep,
    Sender,
    UplinkItem,
    decode_claimed_batch,
    encode,
)
from stadtsinn.edge.network_servers.event_time import EARLIEST

NOW = at(3600)
RIGHT = Sender("run", 0, 0, 0)


def batch(sent_at: int, up: Uplink, sender: Sender | None = RIGHT) -> ClaimedBatch:
    item = UplinkItem(5, up, UNDECODED)
    whole = Batch(
        edge_id="rathaus", stream="s", sent_at=Instant(sent_at), items=(item,), sender=sender
    )
    return decode_claimed_batch(encode(whole))


def made(event: int, received: int, source: TimeSource = TimeSource.NETWORK_SERVER) -> Uplink:
    return msgspec.structs.replace(
        uplink(), event_time=Instant(event), received_at=Instant(received), time_source=source
    )


def dated(up: Uplink, sent_at: int, sender: Sender | None = RIGHT, *, live: bool = False) -> Uplink:
    its = batch(sent_at, up, sender)
    return EdgeClock.of(its, NOW, live=live).dated(up, 5, its)


def test_right_clock_changes_nothing() -> None:
    up = made(NOW - 6 * HOUR, NOW - 5 * HOUR)
    assert dated(up, NOW - MINUTE, live=True) == up


def test_batch_that_may_have_waited_at_the_broker_is_believed() -> None:
    up = made(NOW - 2 * DAY, NOW - 2 * DAY)
    assert dated(up, NOW - 2 * DAY) == up


def test_batch_that_came_at_once_shows_a_clock_that_is_behind() -> None:
    put_right = dated(made(NOW - 2 * DAY - HOUR, NOW - 2 * DAY - MINUTE), NOW - 2 * DAY, live=True)
    assert put_right.received_at == NOW - MINUTE
    assert put_right.event_time == NOW - HOUR
    assert put_right.time_source is TimeSource.CORRECTED


def test_what_the_edge_measured_holds_also_where_the_batch_waited() -> None:
    behind = Sender("run", 0, 0, 0, clock_ahead=-DAY)
    put_right = dated(made(NOW - 3 * DAY, NOW - 3 * DAY), NOW - 3 * DAY + HOUR, behind)
    assert put_right.event_time == NOW - 2 * DAY


def test_clock_that_is_ahead_is_certain_without_any_measurement() -> None:
    put_right = dated(made(NOW + DAY - HOUR, NOW + DAY - HOUR), NOW + DAY, None)
    assert put_right.event_time == NOW - HOUR


def test_times_of_another_right_clock_stay() -> None:
    """The network server is right, the agent a day ahead: the server's time lets it be live."""
    put_right = dated(made(NOW - MINUTE, NOW + DAY - MINUTE), NOW + DAY)
    assert (put_right.event_time, put_right.time_source) == (
        NOW - MINUTE,
        TimeSource.NETWORK_SERVER,
    )
    assert put_right.received_at == NOW - MINUTE


def test_time_of_a_gnss_receiver_is_never_moved() -> None:
    put_right = dated(made(NOW - 2 * HOUR, NOW + DAY, TimeSource.GPS), NOW + DAY)
    assert (put_right.event_time, put_right.time_source) == (NOW - 2 * HOUR, TimeSource.GPS)


def test_clock_that_was_set_in_this_run_dates_what_came_before_exactly() -> None:
    """Received one hour after 1970 began; then the clock was set, and it is right now."""
    error = NOW - 3 * HOUR - HOUR  # at true NOW − 3 h the clock said 1970, 1 h
    set_forward = Sender("run", 0, 0, 0, clock_ahead=0, clock_steps=(ClockStep(5, error),))
    put_right = dated(made(HOUR, HOUR, TimeSource.ARRIVAL), NOW, set_forward)
    assert put_right.event_time == NOW - 3 * HOUR
    assert put_right.time_source is TimeSource.CORRECTED
    before = Sender("run", 0, 0, 0, clock_ahead=0, clock_steps=(ClockStep(4, error),))
    assert dated(made(NOW, NOW), NOW, before) == made(NOW, NOW), "received after the step"


def test_items_of_an_earlier_run_are_not_moved_by_this_runs_error() -> None:
    up = made(NOW - 3 * DAY, NOW - 3 * DAY)
    restarted = Sender("run", 0, 9, 0, clock_ahead=-2 * DAY)
    assert dated(up, NOW - 2 * DAY, restarted) == up


def test_item_received_before_the_clock_was_set_back_keeps_its_time() -> None:
    up = made(NOW - MINUTE, NOW - MINUTE)
    assert dated(up, HOUR, None) == up


@given(
    sent=st.integers(0, 2 * NOW),
    late=st.integers(0, 40 * DAY),
    received=st.integers(0, 2 * NOW),
    ahead=st.none() | st.integers(-2 * NOW, 2 * NOW),
    step=st.integers(-2 * NOW, 2 * NOW),
    source=st.sampled_from([one for one in TimeSource if one is not TimeSource.CORRECTED]),
    live=st.booleans(),
)
def test_whatever_the_clocks_say_the_uplink_can_be_logged(
    sent: int,
    late: int,
    received: int,
    ahead: int | None,
    step: int,
    source: TimeSource,
    live: bool,
) -> None:
    event = max(received - late, EARLIEST) if received >= EARLIEST else received
    sender = Sender("run", 0, 0, 0, clock_ahead=ahead, clock_steps=(ClockStep(9, step),))
    put_right = dated(made(event, received, source), sent, sender, live=live)
    assert plausible(put_right.event_time, NOW)
    assert plausible(put_right.received_at, NOW)
    assert put_right.event_time <= NOW + TOLERANCE


def test_an_event_time_that_cannot_be_gives_way_to_the_reception() -> None:
    """An event in 1980, received now by a right clock: no agent writes that."""
    put_right = dated(made(0, NOW), NOW)
    assert (put_right.event_time, put_right.time_source) == (NOW, TimeSource.CORRECTED)


def test_what_has_no_time_at_all_is_left_to_the_judge() -> None:
    up = made(0, Instant(-1))
    assert dated(up, NOW) == up


def test_agent_notes_how_its_clock_was_set() -> None:
    clock = ManualClock(Instant(HOUR))
    ticks = [0]
    watch = ClockWatch(clock, lambda: ticks[0])
    ticks[0] += 10 * MINUTE
    clock.advance(10 * MINUTE)
    watch.look(7)
    assert watch.steps(0) == ()
    clock.set(NOW)
    watch.look(12)
    (step,) = watch.steps(0)
    assert step == ClockStep(12, NOW - HOUR - 10 * MINUTE)
    assert watch.steps(12) == ()


def test_agent_measures_its_clock_only_by_quick_answers() -> None:
    clock = ManualClock(NOW)
    watch = ClockWatch(clock, None)
    watch.answered(Instant(NOW - HOUR), Instant(NOW - DAY))
    assert watch.ahead is None
    watch.answered(NOW, Instant(NOW - DAY))
    assert watch.ahead == DAY


@pytest.mark.parametrize("fresh", [True, False])
def test_message_is_live_on_a_new_session_or_after_a_while(fresh: bool) -> None:
    clock, time = ManualClock(NOW), [100.0]
    liveness = Liveness(clock, lambda: time[0])
    assert liveness.since is None
    liveness.connected(fresh=fresh)
    assert liveness.since == (NOW if fresh else NOW + 5 * MINUTE)
    liveness.took(3)
    time[0] += 120
    liveness.acknowledged(3)
    assert liveness.since == NOW + 5 * MINUTE, "others waited at the broker meanwhile"


def test_nothing_is_live_where_old_events_are_published() -> None:
    liveness = Liveness(ManualClock(NOW), old_messages=True)
    liveness.connected(fresh=True)
    liveness.took(1)
    assert liveness.since is None


def test_nothing_is_live_by_a_clock_that_runs_fast() -> None:
    """A simulation plays a day in minutes: there a delay of seconds is hours."""
    clock, time = ManualClock(NOW), [100.0]
    liveness = Liveness(clock, lambda: time[0])
    liveness.connected(fresh=True)
    time[0] += 1
    clock.advance(10 * MINUTE)
    liveness.took(1)
    assert liveness.since is None
