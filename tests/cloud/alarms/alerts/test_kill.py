"""SIGKILL before and after the commit of state, incident and messages."""

from __future__ import annotations

import pytest

from fake_alert_town import AlertTown
from real_alerts_child import judged_elsewhere

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("point", "messages"), [("alerts.applied", 0), ("test.committed", 1)])
def test_all_of_it_or_nothing(town: AlertTown, point: str, messages: int) -> None:
    """Killed before the commit nothing is there; the same batch again gives exactly one alarm."""
    town.station_rule()
    assert judged_elsewhere(town.database, point) == -9
    assert len(town.incidents()) == len(town.messages()) == messages
    assert judged_elsewhere(town.database, "") == 0
    assert len(town.incidents()) == len(town.messages()) == 1


def test_a_timer_that_ends_is_all_or_nothing(town: AlertTown) -> None:
    """A rule that waits an hour fires by the clock; killed there, it fires once afterwards."""
    town.station_rule(for_s=3600, stale_after_s=7200)
    assert judged_elsewhere(town.database, "alerts.ticked") == -9
    assert town.incidents() == town.messages() == []
    assert judged_elsewhere(town.database, "") == 0
    assert judged_elsewhere(town.database, "") == 0
    assert town.kinds() == ["ALARM"]
