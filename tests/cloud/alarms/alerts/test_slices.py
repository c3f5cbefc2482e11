"""Many rules × many uplinks are judged a few at a time, each time in a transaction of its own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from fake_alert_town import AlertTown, minute, uplink
from stadtsinn.cloud.alarms.alerts import slices as module
from stadtsinn.cloud.alarms.alerts.tables import rule_states
from stadtsinn.cloud.log.cursors.repository import ensure_cursor, move_cursor, read_part
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.decoders.reading import Reading
from stadtsinn.rules import machine

AT_ONCE = 4


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was judged since it was last cleared."""
    calls: list[Any] = []
    sample = machine.sample

    def noting(*given: Any) -> Any:
        calls.append(given)
        return sample(*given)

    monkeypatch.setattr(machine, "sample", noting)
    monkeypatch.setattr(module, "JUDGED_AT_ONCE", AT_ONCE)
    return calls


def soil(number: int) -> LoggedUplink:
    return uplink(number, number, Reading("soil_moisture", 3))


def slices(town: AlertTown, uplinks: list[LoggedUplink], judged: list[Any]) -> list[int]:
    """How many values each transaction judged, as the loop calls the follower."""
    sizes = []
    position = 0
    with town.database.write() as connection:
        ensure_cursor(connection, "alerts", minute(0))
    while uplinks:
        judged.clear()
        with town.database.write() as connection:
            done = town.follower.apply(connection, uplinks)
            if done:
                new = uplinks[done - 1].position
                move_cursor(connection, "alerts", position, new, minute(0), keep_part=True)
                position = new
        sizes.append(len(judged))
        assert len(sizes) < 50
        uplinks = uplinks[done:]
    return sizes


def test_uplinks_of_one_batch_are_judged_a_few_at_a_time(
    town: AlertTown, judged: list[Any]
) -> None:
    town.station_rule()
    town.station_rule(slug="zweite")
    assert slices(town, [soil(number) for number in range(1, 6)], judged) == [4, 4, 2]


def test_many_rules_on_one_device_are_judged_in_parts_each_once(
    town: AlertTown, judged: list[Any]
) -> None:
    for number in range(11):
        town.station_rule(slug=f"regel-{number}")
    town.now(2)
    assert slices(town, [soil(1), soil(2)], judged) == [4, 4, 4, 4, 4, 2]
    with town.database.read() as connection:
        assert read_part(connection, "alerts") == 0
        last = connection.execute(select(rule_states.c.last_event)).scalars().all()
    assert last == [minute(2)] * 11
    assert len(town.incidents()) == len(town.messages()) == 11


def test_the_values_that_one_rule_judges_stay_together(
    town: AlertTown, judged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "JUDGED_AT_ONCE", 1)
    for number in range(3):
        town.station_rule(slug=f"regel-{number}")
    two = uplink(1, 1, Reading("soil_moisture", 30), Reading("soil_moisture", 3))
    assert slices(town, [two], judged) == [2, 2, 2]
