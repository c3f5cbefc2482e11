"""What an open incident stands on changes or goes: it ends at once, and people hear why.

Alarms that outlive what they are about are a known trouble of such systems:

- https://github.com/elastic/kibana/issues/157256 (an orphan is active for ever)
- https://github.com/elastic/kibana/issues/112354 (its rule was deleted)
- https://github.com/grafana/grafana/issues/11224 (so was its dashboard; it goes on)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from fake_alert_town import DEVICE, AlertTown, minute
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.domains.crowd.zones.model import Gate
from stadtsinn.cloud.domains.crowd.zones.repository import delete_gate, insert_gate, update_gate
from stadtsinn.cloud.domains.crowd.zones.service import delete_zone
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments

pytestmark = pytest.mark.slow

COUNTER = "70b3d57ed000aaa1"
NO_ALL_CLEAR = "Das ist keine Entwarnung."
PERMIT: dict[str, Any] = {"slug": "zulassung", "name": "Markt", "zone": "wochenmarkt"}


@pytest.fixture
def gated(town: AlertTown) -> AlertTown:
    """The market has two gates, a counter at one of them so far."""
    with change(town.database) as connection:
        town.station(connection, "nord", "Nord", kind="gate")
        south = town.station(connection, "sued", "Süd", kind="gate")
        town.device(connection, COUNTER)
        town.deploy(connection, COUNTER, south)
        for slug in ("nord", "sued"):
            gate = Gate(slug=slug, name=slug, station=slug)
            insert_gate(connection, town.scope, "wochenmarkt", gate)
    return town


def sent(town: AlertTown) -> None:
    """Every message left: an end is told to those who got the alarm."""
    with town.database.write() as connection:
        connection.execute(update(outbox).values(status="ACCEPTED", settled=True))


def open_alarm(town: AlertTown) -> None:
    town.crowds((0, 100), (1, 950))
    assert town.incidents()[-1].closed_at is None
    sent(town)


def only_end(town: AlertTown) -> Any:
    """The one incident that ended, and the message of its end."""
    (incident,) = (row for row in town.incidents() if row.closed_at is not None)
    told = [row for row in town.messages() if row.kind != "ALARM"]
    assert told
    return incident, told[-1]


def test_a_permit_that_is_removed_ends_what_it_was_compared_with(town: AlertTown) -> None:
    town.permit(900)
    town.rule(**PERMIT, kind="permit", recipients=("ordnungsamt",))
    town.zone_rule(slug="fest", recipients=("bauhof",))
    open_alarm(town)
    town.permit(None)
    town.tick(2)
    incident, message = only_end(town)
    assert incident.close_reason == "permit_removed"
    assert "zugelassene Zahl entfernt" in message.text
    assert NO_ALL_CLEAR in message.text
    fixed = [row for row in town.incidents() if row.closed_at is None]
    assert len(fixed) == 1, "a rule with a number of its own stands on no permit"
    town.crowds((3, 980))
    assert len(town.incidents()) == 2
    town.permit(900)
    town.crowds((4, 980))
    assert len(town.incidents()) == 3, "it is judged again once there is a permit"


@pytest.mark.parametrize("raised", [1_200, 5_000])
def test_a_permit_that_is_raised_says_so_in_the_all_clear(town: AlertTown, raised: int) -> None:
    town.permit(900)
    town.rule(**PERMIT, kind="permit", recipients=("ordnungsamt",), keep_firing_s=60)
    open_alarm(town)
    town.permit(raised)
    town.crowds((1, 950))  # the live follower gives the number again at once, with its new permit
    town.tick(3)
    incident, message = only_end(town)
    assert incident.close_reason == "recovered"
    limit = f"{raised // 1000}.{raised % 1000:03}"
    assert message.text.endswith(f"Zugelassen jetzt {limit}, vorher 900.")


def test_a_permit_that_is_raised_a_little_ends_nothing(town: AlertTown) -> None:
    town.permit(900)
    town.rule(**PERMIT, kind="permit", recipients=("ordnungsamt",))
    open_alarm(town)
    town.permit(940)
    town.crowds((1, 950), (2, 945))
    assert town.incidents()[0].closed_at is None
    assert len(town.incidents()) == 1
    town.crowds((3, 100))
    _, message = only_end(town)
    assert "Zugelassen jetzt 940, vorher 900." in message.text


def swap_a_gate(town: AlertTown) -> None:
    with change(town.database) as connection:
        gate = Gate(slug="nord", name="nord", station="nord", swapped=True)
        update_gate(connection, town.scope, "wochenmarkt", gate)


def remove_a_gate(town: AlertTown) -> None:
    with change(town.database) as connection:
        delete_gate(connection, town.scope, "wochenmarkt", "nord")


def remove_all_gates(town: AlertTown) -> None:
    with change(town.database) as connection:
        delete_gate(connection, town.scope, "wochenmarkt", "nord")
        delete_gate(connection, town.scope, "wochenmarkt", "sued")


def count_elsewhere(town: AlertTown) -> None:
    with change(town.database) as connection:
        gate = Gate(slug="nord", name="nord", station="sued", channel="line_2")
        update_gate(connection, town.scope, "wochenmarkt", gate)


@pytest.mark.parametrize("act", [swap_a_gate, remove_a_gate, remove_all_gates, count_elsewhere])
def test_a_zone_that_counts_otherwise_is_judged_anew(
    gated: AlertTown, act: Callable[[AlertTown], None]
) -> None:
    """The number after it is another one: it is no all-clear for those inside."""
    gated.zone_rule()
    open_alarm(gated)
    act(gated)
    gated.restart()
    gated.tick(2)
    incident, message = only_end(gated)
    assert incident.close_reason == "zone_changed"
    assert "Zugänge der Zone geändert" in message.text
    assert NO_ALL_CLEAR in message.text
    gated.crowds((3, 950))
    assert gated.incidents()[-1].closed_at is None
    assert gated.incidents()[-1].opened_at == minute(3)


def test_the_first_sample_after_the_change_is_no_all_clear(gated: AlertTown) -> None:
    """Sample and change are seen in the same moment."""
    gated.zone_rule()
    open_alarm(gated)
    remove_a_gate(gated)
    gated.crowds((2, 100))
    assert [row.close_reason for row in gated.incidents()] == ["zone_changed"]
    assert "ALL_CLEAR" not in gated.kinds()


def test_a_name_of_a_gate_ends_nothing(gated: AlertTown) -> None:
    gated.zone_rule()
    open_alarm(gated)
    with change(gated.database) as connection:
        gate = Gate(slug="nord", name="Nordtor", station="nord")
        update_gate(connection, gated.scope, "wochenmarkt", gate)
    gated.tick(2)
    assert gated.incidents()[0].closed_at is None


def end_deployments(town: AlertTown, minutes: float) -> None:
    with change(town.database) as connection:
        connection.execute(update(deployments).values(end=minute(minutes)))


def forget_deployments(town: AlertTown) -> None:
    with change(town.database) as connection:
        connection.execute(delete(deployments))


def move_device(town: AlertTown) -> None:
    """To another station, from minute 1.5 on."""
    end_deployments(town, 1.5)
    with change(town.database) as connection:
        other = town.station(connection, "eiche", "Eiche")
        town.deploy(connection, DEVICE, other, start=minute(1.5))


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("act", [forget_deployments, move_device])
def test_a_station_that_lost_its_device(
    town: AlertTown, act: Callable[[AlertTown], None], *, group: bool
) -> None:
    members: dict[str, Any] = {"station": None, "group": {"kind": "tree"}} if group else {}
    town.station_rule(**members)
    town.soil(0, 30)
    town.soil(1, 10)
    sent(town)
    act(town)
    town.tick(2)
    incident, message = only_end(town)
    assert (incident.close_reason, incident.closed_at) == ("not_measured", minute(2))
    assert "kein Gerät mehr vor Ort" in message.text
    assert NO_ALL_CLEAR in message.text
    town.tick(500)
    assert town.kinds() == ["ALARM", "ENDED"], "and nobody waits for its data"


def test_a_device_that_is_replaced_ends_nothing(town: AlertTown) -> None:
    """Stations own their series; a new device goes on (decision 18)."""
    town.station_rule()
    town.soil(0, 30)
    town.soil(1, 10)
    end_deployments(town, 1.5)
    with change(town.database) as connection:
        town.device(connection, "70b3d57ed0009999")
        town.deploy(connection, "70b3d57ed0009999", town.station_id, start=minute(1.5))
    town.tick(2)
    town.soil(3, 9, dev_eui="70b3d57ed0009999")
    assert town.incidents()[0].closed_at is None
    town.soil(4, 30, dev_eui="70b3d57ed0009999")
    assert town.incidents()[0].close_reason == "recovered"


def test_an_end_that_lies_ahead_is_seen_when_it_has_come(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 30)
    town.soil(1, 10)
    sent(town)
    end_deployments(town, 3)
    town.tick(2)
    assert town.incidents()[0].closed_at is None
    town.tick(4.5)  # by now its data would be missing
    assert town.incidents()[0].close_reason == "not_measured"
    assert "STALE" not in town.kinds()


def test_a_zone_whose_last_counter_went(gated: AlertTown) -> None:
    gated.zone_rule()
    open_alarm(gated)
    with change(gated.database) as connection:
        connection.execute(
            update(deployments)
            .where(deployments.c.station_id != gated.station_id)
            .values(end=minute(2))
        )
    gated.tick(2)
    incident, message = only_end(gated)
    assert incident.close_reason == "not_measured"
    assert NO_ALL_CLEAR in message.text


def test_a_zone_that_rules_watch_cannot_be_deleted(town: AlertTown) -> None:
    town.zone_rule()
    open_alarm(town)
    with pytest.raises(Conflict), change(town.database) as connection:
        delete_zone(connection, town.scope, "wochenmarkt")
    town.crowds((2, 960))
    assert town.incidents()[0].closed_at is None


def test_a_rule_that_is_switched_off_while_its_device_goes(town: AlertTown) -> None:
    """Two things at once: one end."""
    rule = town.station_rule()
    town.soil(0, 30)
    town.soil(1, 10)
    sent(town)
    town.edit(rule, enabled=False)
    forget_deployments(town)
    town.tick(2)
    incident, _ = only_end(town)
    assert incident.close_reason == "rule_disabled"
    assert town.kinds() == ["ALARM", "ENDED"]


def test_what_never_was_an_alarm_is_told_to_nobody(gated: AlertTown) -> None:
    """It had to hold: the time begins anew with the new gates."""
    gated.zone_rule(for_s=180)
    gated.crowds((0, 100), (1, 950))
    remove_a_gate(gated)
    gated.crowds((2, 950), (3, 950), (4, 950))
    assert gated.incidents() == []
    gated.crowds((5, 950))
    assert [row.opened_at for row in gated.incidents()] == [minute(5)]
    assert gated.kinds() == ["ALARM", "ALARM"]


def test_an_end_that_lies_ahead_is_seen_also_while_data_is_missing(town: AlertTown) -> None:
    """Time has nothing else to do then, and the registry does not change at that moment."""
    town.station_rule()
    town.soil(0, 30)
    town.soil(1, 10)
    sent(town)
    town.tick(60)
    assert town.kinds() == ["ALARM", "STALE"]
    end_deployments(town, 90)
    town.tick(61)
    town.tick(89)
    assert town.incidents()[0].closed_at is None
    town.tick(90)
    assert (town.incidents()[0].close_reason, town.incidents()[0].closed_at) == (
        "not_measured",
        minute(90),
    )


def test_an_end_that_was_put_off_ends_nothing(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 30)
    end_deployments(town, 5)
    town.soil(1, 10)
    end_deployments(town, 500)
    town.tick(6)
    assert town.incidents()[0].closed_at is None


def test_a_device_that_only_compares_measures_nothing_there(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 30)
    town.soil(1, 10)
    with change(town.database) as connection:
        town.device(connection, "70b3d57ed0009999")
        town.deploy(connection, "70b3d57ed0009999", town.station_id)
        beside = deployments.c.dev_eui == "70b3d57ed0009999"
        connection.execute(update(deployments).where(beside).values(comparison=True))
        connection.execute(update(deployments).where(~beside).values(end=minute(2)))
    town.tick(2)
    assert town.incidents()[0].close_reason == "not_measured"


@pytest.mark.parametrize("act", [forget_deployments, move_device])
def test_what_has_to_hold_is_waited_for_no_more(
    town: AlertTown, act: Callable[[AlertTown], None]
) -> None:
    """It would become an alarm by silence."""
    town.station_rule(for_s=600, alert_on_stale=True, technicians=("ordnungsamt",))
    town.soil(0, 30)
    town.soil(1, 10)
    act(town)
    for minutes in (2, 4.5, 500):
        town.tick(minutes)
    assert town.incidents() == town.messages() == []


def test_a_value_of_the_past_is_judged_whatever_is_there_now(town: AlertTown) -> None:
    """It was under way while the device was taken away. Nothing stays open by it."""
    town.station_rule(max_age_s=3600)
    town.soil(0, 30)
    end_deployments(town, 5)
    town.soil(4, 10, now=6)
    assert town.incidents()[0].closed_at is None
    town.soil(4.5, 30, now=6)
    assert town.incidents()[0].close_reason == "recovered"
    town.soil(4.8, 10, now=7)
    town.tick(7)
    assert [row.close_reason for row in town.incidents()] == ["recovered", "not_measured"]
