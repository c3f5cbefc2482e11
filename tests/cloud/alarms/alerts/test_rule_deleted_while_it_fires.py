"""A rule is deleted or changed in the same moment in which it fires: nothing is left open.

On PostgreSQL two transactions run side by side: the one that deleted did not see the incident that
the follower was opening, and nobody ever closed it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from fake_alert_town import AlertTown, minute, uplink
from real_parts import PATIENCE_S
from stadtsinn.cloud.alarms.alerts import service
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.town.service import change
from stadtsinn.decoders.reading import Reading


def _while_firing(town: AlertTown, act: Callable[[Connection], object]) -> None:
    """The follower opens an incident; before it commits, somebody begins to `act`."""
    town.soil(0, 30)  # the rule has a state
    town.now(1)
    begun = threading.Event()

    def somebody() -> None:
        begun.set()
        with change(town.database) as connection:
            act(connection)

    thread = threading.Thread(target=somebody)
    with town.database.write() as connection:
        town.follower.apply(connection, [uplink(99, 1, Reading("soil_moisture", 5.0))])
        thread.start()
        assert begun.wait(PATIENCE_S)
        if not town.database.is_sqlite:
            _until_somebody_waits(town)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def _until_somebody_waits(town: AlertTown) -> None:
    """Until PostgreSQL says that a transaction waits for a lock of another."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(2_000):
        with town.database.read() as connection:
            if connection.scalar(query):
                return
        threading.Event().wait(0.005)
    raise AssertionError("nobody waited: the change did not see what was going on")


@pytest.mark.parametrize("judged_again", [False, True])
def test_a_rule_deleted_while_it_fires_leaves_no_incident_open(
    town: AlertTown, judged_again: bool
) -> None:
    rule = town.station_rule()
    now = minute(1)
    _while_firing(town, lambda c: service.delete_rule(c, town.scope, rule.slug, now))
    if judged_again:
        town.restart()
        town.soil(2, 4)
        town.tick(3)
    (incident,) = town.incidents()
    assert incident.close_reason == "rule_deleted"
    assert incident.closed_at is not None


def test_a_rule_changed_while_it_fires_ends_what_the_old_one_began(town: AlertTown) -> None:
    rule = town.station_rule()
    wanted = Rule.model_validate({**rule.model_dump(), "on": 2.0, "off": 3.0})
    _while_firing(town, lambda c: service.replace_rule(c, town.scope, wanted))
    town.tick(2)
    (incident,) = town.incidents()
    assert incident.close_reason == "rule_changed"
