"""A rebuild removes only what it can make again: samples of zones are kept for a week."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete

from fake_alert_town import AlertTown, minute
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.domains.crowd.tables import zone_samples

pytestmark = pytest.mark.slow

OLD = ((0, 100), (1, 950), (5, 100))
"""An alarm from minute 1 to 5."""
NEW = ((100, 100), (101, 960), (105, 100))


def forget_before(town: AlertTown, minutes: float) -> None:
    """As the live follower does with samples that are a week old."""
    with town.database.write() as connection:
        old = zone_samples.c.event_time < minute(minutes)
        connection.execute(delete(zone_samples).where(old))


def record(town: AlertTown) -> list[dict[str, Any]]:
    """What happened. That nobody was told of it again is in `late` and `announced_at`."""
    told = ("late", "announced_at")
    return [
        {name: value for name, value in row._mapping.items() if name not in told}
        for row in town.incidents()
    ]


@pytest.mark.parametrize("kept_from", [3, 50, 100, 101, 102, 104, 106, 200])
def test_what_was_found_before_the_samples_that_are_left_stays(
    town: AlertTown, kept_from: float
) -> None:
    """Wherever the samples begin: before, within and behind an alarm."""
    town.zone_rule()
    town.crowds(*OLD, *NEW, (110, 100))
    before, messages = record(town), len(town.messages())
    assert len(before) == 2
    forget_before(town, kept_from)
    for _ in range(2):
        town.rebuild()
        assert record(town) == before
    assert len(town.messages()) == messages


@pytest.mark.parametrize("kept_from", [103, 104, 200])
def test_an_alarm_that_goes_on_goes_on(town: AlertTown, kept_from: float) -> None:
    """It began before the samples that are left, and its end is still to come."""
    town.zone_rule()
    town.crowds(*OLD, (100, 100), (101, 960), (103, 870), (104, 870))
    before = record(town)
    forget_before(town, kept_from)
    town.rebuild()
    assert record(town) == before
    town.crowds((106, 870), (107, 100))
    ended = record(town)
    assert [row["opened_at"] for row in ended] == [minute(1), minute(101)]
    assert ended[-1]["closed_at"] == minute(107)
    assert all(row.reworded for row in town.messages())  # both recipients hear of both ends


def test_an_alarm_that_had_to_hold_is_not_found_at_another_time(town: AlertTown) -> None:
    """It began to hold before the samples that are left: judged again it would begin later."""
    town.zone_rule(for_s=300)
    town.crowds((0, 100), *((n, 950) for n in range(1, 9)), (9, 100), (20, 100))
    before = record(town)
    assert [row["opened_at"] for row in before] == [minute(6)]
    forget_before(town, 4)
    town.rebuild()
    assert record(town) == before


def test_an_alarm_over_a_span_that_began_before_is_not_found_at_another_time(
    town: AlertTown,
) -> None:
    """What is left of the span would let the value stand still for less long."""
    stuck = {"kind": "stuck", "unchanged_s": 300}
    town.rule(slug="steht", name="Markt steht", zone="wochenmarkt", **stuck)
    town.crowds((0, 100), *((n, 500) for n in range(1, 10)), (10, 100), (20, 101))
    before = record(town)
    assert [row["opened_at"] for row in before] == [minute(6)]
    forget_before(town, 3)
    town.rebuild()
    assert record(town) == before


def test_what_can_be_made_again_is(town: AlertTown) -> None:
    """Something was written into the record by mistake: it goes."""
    town.zone_rule()
    town.crowds(*OLD, *NEW)
    before = record(town)
    with town.database.write() as connection:
        wrong = {
            **before[-1],
            "id": "1-1",
            "opened_at": minute(60),
            "closed_at": minute(61),
            "late": True,
        }
        connection.execute(incidents.insert().values(**wrong))
    town.rebuild()
    assert record(town) == before
