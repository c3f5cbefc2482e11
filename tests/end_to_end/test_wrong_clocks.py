"""Wrong clocks at the edge: uplinks are dated right, or by arrival, and nothing is refused.

Public reports of the kind: a Raspberry Pi starts in 1970, at the time of its last shutdown or weeks
behind, and NTP corrects it later or never (https://github.com/raspberrypi/linux/issues/1751,
https://github.com/guysoft/OctoPi/issues/606, https://github.com/opalenzuela/opendomo/issues/29,
https://github.com/stratopi-org/stratopi/issues/1); gateways that boot in 2012
(https://github.com/brocaar/chirpstack-network-server/issues/519), half an hour ahead by GNSS
(https://github.com/chirpstack/chirpstack/issues/732).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_and_cloud import AgentsAndCloud, send, with_cloud
from by_night import others_by_night
from fake_chirpstack import reception
from fake_uplinks import at
from real_parts import wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from stadtsinn.decoders.uplink import TimeSource

pytestmark = pytest.mark.slow

NOW = at(3600)
"""Where the cloud's clock stands."""
CLOSE = MINUTE


@pytest.fixture
def town(tmp_path: Path) -> Iterator[AgentsAndCloud]:
    with with_cloud(tmp_path) as made:
        yield made


def close(moment: Instant, expected: int) -> bool:
    return abs(moment - expected) <= CLOSE


@pytest.mark.parametrize(
    "ahead", others_by_night([-2 * DAY, -3 * HOUR, -NOW, 2 * DAY, 30 * MINUTE], [-2 * DAY, -NOW])
)
def test_machine_whose_clock_is_wrong_as_a_whole(town: AgentsAndCloud, ahead: int) -> None:
    """Network server, gateway and agent share one wrong clock; the line is up."""
    clock = ManualClock(Instant(NOW + ahead))
    agent, local = town.agent("a", clock)
    agent.start()
    send(local, range(3), clock.now())
    town.wait_for(range(3))
    for f_cnt, uplink in town.uplinks().items():
        assert close(uplink.event_time, NOW + f_cnt * 10 * SECOND), f_cnt
        assert uplink.time_source is TimeSource.CORRECTED
        assert close(uplink.received_at, NOW)
    assert "clock of edge rathaus" in town.warnings()
    wait_until(lambda: "the cloud's" in agent.warnings("delivery"), "the edge says so")


def test_network_server_elsewhere_is_right_while_the_agents_clock_is_behind(
    town: AgentsAndCloud,
) -> None:
    agent, local = town.agent("a", ManualClock(Instant(NOW - 2 * DAY)))
    agent.start()
    send(local, range(3), NOW)
    town.wait_for(range(3))
    assert all(close(one.event_time, NOW) for one in town.uplinks().values())
    agent.stop()


@pytest.mark.parametrize(
    "stamp", others_by_night([NOW - 2 * DAY, NOW - 3 * HOUR, 0, NOW + HOUR], [0, NOW + HOUR])
)
def test_network_server_that_stamps_before_its_clock_was_set(
    town: AgentsAndCloud, stamp: int
) -> None:
    """The agent's clock is right, and the event came at once: it is dated by its arrival."""
    agent, local = town.agent("a")
    agent.start()
    send(local, range(3), Instant(stamp))
    town.wait_for(range(3))
    for uplink in town.uplinks().values():
        assert close(uplink.event_time, NOW)
        assert uplink.time_source is TimeSource.ARRIVAL
    if NOW - 12 * HOUR < stamp < NOW:
        assert "behind" in agent.warnings("clock")


def test_late_frame_of_a_gateway_with_a_right_clock_keeps_its_time(town: AgentsAndCloud) -> None:
    agent, local = town.agent("a")
    agent.start()
    late = [reception(Instant(NOW - 6 * HOUR), NOW)]
    send(local, range(1), NOW, rxInfo=late)
    town.wait_for(range(1))
    uplink = town.uplinks()[0]
    assert (uplink.event_time, uplink.time_source) == (NOW - 6 * HOUR, TimeSource.GATEWAY)


def test_backlog_of_a_right_clock_keeps_its_times(town: AgentsAndCloud) -> None:
    """Two days without a line: late is not wrong."""
    clock = ManualClock(Instant(NOW - 2 * DAY))
    agent, local = town.agent("a", clock)
    town.broker.stop()
    agent.start(wait_for=("local_broker",))
    send(local, range(30), clock.now())
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 30, "spooled")
    clock.set(NOW)
    town.broker.start()
    town.wait_for(range(30))
    for f_cnt, uplink in town.uplinks().items():
        assert uplink.event_time == NOW - 2 * DAY + f_cnt * 10 * SECOND
    assert town.warnings() == ""


def test_uplinks_of_1970_whose_clock_was_set_before_they_were_delivered(
    town: AgentsAndCloud,
) -> None:
    """Received in an earlier run: nobody knows when. They are dated by their arrival."""
    clock = ManualClock(Instant(HOUR))
    agent, local = town.agent("a", clock)
    town.broker.stop()
    agent.start(wait_for=("local_broker",))
    send(local, range(5), clock.now())
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 5, "spooled")
    agent.stop()
    clock.set(NOW)
    town.broker.start()
    agent.start()
    town.wait_for(range(5))
    for uplink in town.uplinks().values():
        assert close(uplink.event_time, NOW)
        assert uplink.time_source is TimeSource.CORRECTED
