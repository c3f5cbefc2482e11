"""The follower: readings and zone samples in, incidents and messages out, in one transaction."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, update

from fake_alert_town import AlertTown, minute, uplink
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.repository import delete_station
from stadtsinn.decoders.reading import Quality, Reading, Undecoded


def sent(town: AlertTown) -> None:
    """As if the worker had sent everything."""
    with town.database.write() as connection:
        connection.execute(update(outbox).values(status="ACCEPTED", settled=True))


def test_one_message_per_recipient(town: AlertTown) -> None:
    town.zone_rule()
    town.crowds((0, 880), (1, 912), (2, 930), (3, 990))
    assert [(row.opened_at, row.late, row.closed_at) for row in town.incidents()] == [
        (minute(1), False, None)
    ]
    assert [(row.kind, row.address[-7:]) for row in town.messages()] == [
        ("ALARM", "1111111"),
        ("ALARM", "2222222"),
    ]
    assert town.messages()[0].text == (
        "ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 10:01 Uhr. "
        "Tendenz steigend. Geschätzt 892."
    )


def test_the_end_goes_to_those_who_got_the_alarm(town: AlertTown) -> None:
    town.zone_rule()
    town.crowds((0, 912))
    sent(town)
    town.crowds((1, 870), (2, 840))
    assert town.kinds() == ["ALARM", "ALARM", "ALL_CLEAR", "ALL_CLEAR"]
    assert town.messages()[-1].text == (
        "ENTWARNUNG Wochenmarkt: bis zu 840 Personen. Alarm von 10:00 Uhr beendet um 10:02 Uhr."
    )
    assert town.incidents()[0].close_reason == "recovered"


def test_an_alarm_over_before_it_was_sent_is_one_message_that_says_so(town: AlertTown) -> None:
    town.zone_rule()
    town.crowds((0, 912), (1, 840))
    assert town.kinds() == ["ALARM", "ALARM"]
    assert town.messages()[0].text == (
        "Beendeter Alarm Wochenmarkt: Grenze 900 war überschritten, von 10:00 Uhr bis 10:01 Uhr."
    )


def test_no_all_clear_where_the_rule_wants_none(town: AlertTown) -> None:
    town.zone_rule(resolve_notice=False)
    town.crowds((0, 912))
    sent(town)
    town.crowds((1, 840))
    assert town.kinds() == ["ALARM", "ALARM"]


def test_only_good_readings_are_judged(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 3, quality=Quality.BAD)
    town.soil(1, 3, quality=Quality.SUSPECT)
    assert town.incidents() == []
    town.soil(2, 14.96)
    assert town.messages()[0].text == (
        "ALARM Linde am Markt: Bodenfeuchte 15 % (Grenze 15 %). Stand 10:02 Uhr."
    )


@pytest.mark.parametrize(
    "other",
    [
        {"tenant_id": "nebenan"},
        {"dev_eui": "70b3d57ed0009999"},
        {"outcome": Undecoded("unknown_port", "port 9")},
    ],
)
def test_other_uplinks_are_not_judged(town: AlertTown, other: dict[str, Any]) -> None:
    town.station_rule()
    town.apply(uplink(1, 0, Reading("soil_moisture", 3.0), **other))
    assert town.incidents() == []


def test_other_quantities_and_channels_are_not_judged(town: AlertTown) -> None:
    town.station_rule()
    readings = Reading("soil_temperature", 3.0), Reading("soil_moisture", 3.0, channel="30cm")
    town.apply(uplink(1, 0, *readings))
    assert town.incidents() == []


def test_history_inside_an_uplink_is_judged_in_its_own_order(town: AlertTown) -> None:
    town.station_rule(min_samples=2)
    old = Reading("soil_moisture", 14.0, event_time=minute(-1))
    town.apply(uplink(1, 0, Reading("soil_moisture", 13.0), old))
    assert [row.opened_at for row in town.incidents()] == [minute(0)]


@pytest.mark.slow
def test_a_clock_ahead_does_not_make_everything_after_it_late(town: AlertTown) -> None:
    town.station_rule()
    town.soil(60, 30, received=0, now=0)
    town.soil(1, 3)
    assert [row.opened_at for row in town.incidents()] == [minute(1)]


def test_timers_fire_between_samples(town: AlertTown) -> None:
    town.zone_rule(for_s=120)
    town.crowds((0, 912), (1, 920))
    town.tick(2.5)
    assert town.incidents() == []
    town.tick(3)
    assert [row.opened_at for row in town.incidents()] == [minute(2)]
    assert "Stand 10:01 Uhr. Seit" not in town.messages()[0].text


def test_silence_is_told_and_resolves_nothing(town: AlertTown) -> None:
    town.zone_rule()
    town.crowds((0, 912))
    sent(town)
    for minutes in (3.5, 4, 60):
        town.tick(minutes)
    assert town.kinds() == ["ALARM", "ALARM", "STALE", "STALE"]
    assert town.messages()[2].text == (
        "Daten fehlen, Alarm bleibt: Wochenmarkt. Zuletzt bis zu 912 Personen um 10:00 Uhr."
    )
    assert town.incidents()[0].closed_at is None


def test_technicians_hear_of_data_that_stops_near_an_alarm(town: AlertTown) -> None:
    town.zone_rule(for_s=600, technicians=("bauhof",))
    town.crowds((0, 912))
    town.tick(3.5)
    assert [(row.kind, row.address[-7:]) for row in town.messages()] == [("TECHNICAL", "2222222")]


def test_an_alarm_found_out_after_an_outage_is_history(town: AlertTown) -> None:
    town.zone_rule()
    town.now(60)
    for minutes, high in ((10, 912), (20, 840)):
        town.crowd(minutes, high)
    town.tick()
    assert [(row.late, row.closed_at, row.announced_at) for row in town.incidents()] == [
        (True, minute(20), None)
    ]
    assert town.messages() == []


def test_an_alarm_that_outlasts_the_outage_is_told_when_current(town: AlertTown) -> None:
    town.zone_rule()
    town.now(60)
    town.crowd(10, 912)
    town.tick()
    assert town.messages() == []
    town.crowds((60, 950))
    assert town.kinds() == ["ALARM", "ALARM"]
    assert "Stand 11:00 Uhr. Seit 10:10 Uhr." in town.messages()[0].text
    assert [(row.late, row.announced_at) for row in town.incidents()] == [(True, minute(60))]


def test_the_number_of_a_silent_gate_is_judged_by_its_upper_bound(town: AlertTown) -> None:
    town.zone_rule()
    town.crowd(0, 905, degraded=True)
    town.tick()
    assert "Geschätzt 885. Ein Zähler meldet nichts." in town.messages()[0].text


def test_editing_a_rule_ends_its_alarm_and_says_why(town: AlertTown) -> None:
    rule = town.zone_rule()
    town.crowds((0, 912))
    sent(town)
    town.edit(rule, on=1_000, off=950)
    town.tick(1)
    assert town.kinds() == ["ALARM", "ALARM", "ENDED", "ENDED"]
    assert town.messages()[2].text == (
        "Alarm beendet (Regel geändert): Wochenmarkt, Alarm von 10:00 Uhr. "
        "Das ist keine Entwarnung."
    )
    assert town.incidents()[0].close_reason == "rule_changed"
    town.crowds((2, 990))
    assert len(town.incidents()) == 1
    town.crowds((3, 1_001))
    assert len(town.incidents()) == 2


def test_who_is_told_can_change_during_an_alarm(town: AlertTown) -> None:
    rule = town.zone_rule(recipients=("bauhof",))
    town.crowds((0, 912))
    town.edit(rule, recipients=("ordnungsamt",), name="Markt")
    town.crowds((1, 930))
    assert town.incidents()[0].closed_at is None
    assert len(town.messages()) == 1


def test_a_disabled_rule_ends_its_alarm_and_rests(town: AlertTown) -> None:
    rule = town.zone_rule()
    town.crowds((0, 912))
    town.edit(rule, enabled=False)
    town.tick(1)
    town.crowds((2, 990))
    assert [row.close_reason for row in town.incidents()] == ["rule_disabled"]
    town.edit(rule, enabled=True)
    town.crowds((3, 990))
    assert len(town.incidents()) == 2


def test_a_rebuild_gives_the_same_history_and_no_second_message(town: AlertTown) -> None:
    town.zone_rule()
    town.crowds((0, 912), (1, 840), (30, 950), (31, 840), (60, 930), (61, 960))
    history = [(row.id, row.opened_at, row.closed_at) for row in town.incidents()]
    sent(town)
    before = town.kinds()
    town.rebuild()
    assert [(row.id, row.opened_at, row.closed_at) for row in town.incidents()] == history
    town.crowds((62, 970))
    assert town.kinds() == before
    town.crowds((63, 800))
    assert town.kinds() == [*before, "ALL_CLEAR", "ALL_CLEAR"]


def test_a_rebuild_keeps_what_earlier_versions_of_a_rule_found(town: AlertTown) -> None:
    rule = town.zone_rule()
    town.crowds((0, 912))
    town.edit(rule, on=800, off=700)
    town.crowds((1, 820))
    ids = [row.id for row in town.incidents()]
    assert len(ids) == 2
    town.rebuild()
    town.crowds((2, 820))
    assert [row.id for row in town.incidents()] == ids
    assert town.kinds() == ["ALARM"] * 4


def test_samples_from_before_a_rule_are_not_its_business(town: AlertTown) -> None:
    town.crowds((0, 2_000))
    town.zone_rule()
    town.tick(1)
    assert town.incidents() == []


def test_a_new_process_goes_on_where_the_old_one_was(town: AlertTown) -> None:
    town.zone_rule(for_s=120)
    town.crowds((0, 912), (1, 920))
    town.restart()
    town.crowds((2, 930), (3, 940))
    assert [row.opened_at for row in town.incidents()] == [minute(2)]
    assert town.kinds() == ["ALARM", "ALARM"]


def test_what_did_not_commit_did_not_happen(town: AlertTown) -> None:
    """The batch comes again after a crash, and then it counts."""
    town.station_rule()
    dry = uplink(1, 0, Reading("soil_moisture", 3.0))

    class PowerCut(Exception):
        pass

    def half_done() -> None:
        with town.database.write() as connection:
            town.follower.apply(connection, [dry])
            raise PowerCut

    with pytest.raises(PowerCut):
        half_done()
    assert (town.incidents(), town.messages()) == ([], [])
    town.apply(dry)
    assert town.kinds() == ["ALARM"]


def test_a_new_rule_is_seen_at_once(town: AlertTown) -> None:
    town.soil(0, 3)
    town.station_rule()
    town.soil(1, 3)
    assert len(town.incidents()) == 1


def test_uplinks_without_rules_cost_no_query_each(town: AlertTown) -> None:
    """A thousand of them: the revision, the part, the zone samples and how far they were judged."""
    town.station_rule()
    town.apply(uplink(1, 0, Reading("soil_moisture", 30.0)))
    other = [
        uplink(n, 0, Reading("soil_moisture", 3.0), dev_eui=f"{n:016x}") for n in range(1, 1_001)
    ]
    queries: list[str] = []
    event.listen(
        town.database.engine,
        "before_cursor_execute",
        lambda *call: queries.append(str(call[2])),
    )
    town.apply(*other)
    asked = [query for query in queries if query.startswith("SELECT")]
    # PostgreSQL takes the lock of the follower by a SELECT.
    assert len([query for query in asked if "pg_advisory_xact_lock" not in query]) == 4
    assert not [query for query in queries if query.startswith(("UPDATE", "INSERT"))]


def test_deleting_a_station_asks_for_its_rules_first(town: AlertTown) -> None:
    with change(town.database) as connection:
        town.station(connection, "pegel", "Pegel Brücke")
    town.station_rule(station="pegel")
    with (
        pytest.raises(Conflict, match="rules"),
        change(town.database) as connection,
    ):
        delete_station(connection, town.scope, "pegel")
