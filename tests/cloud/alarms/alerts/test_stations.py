"""Rules of stations and of groups: devices come and go, stations join and leave."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, delete, insert, select, update

from fake_alert_town import DEVICE, NUMBERS, STATION, TENANT, AlertTown, minute, uplink
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.alarms.alerts.service import delete_rule
from stadtsinn.cloud.alarms.alerts.tables import rule_states
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import sites
from stadtsinn.decoders.reading import Reading

NEW_DEVICE = "70b3d57ed0005678"
OTHER_DEVICE = "70b3d57ed0009abc"


def sent(town: AlertTown) -> None:
    with town.database.write() as connection:
        connection.execute(update(outbox).values(status="ACCEPTED", settled=True))


def soil(town: AlertTown, dev_eui: str, minutes: float, value: float, **other: Any) -> None:
    town.soil(minutes, value, dev_eui=dev_eui, **other)


def swap(town: AlertTown, minutes: float, interval_s: int = 60) -> None:
    """The station's device is replaced by a new one."""
    with change(town.database) as connection:
        connection.execute(
            update(deployments).where(deployments.c.dev_eui == DEVICE).values(end=minute(minutes))
        )
        town.device(connection, NEW_DEVICE, interval_s)
        town.deploy(connection, NEW_DEVICE, town.station_id, minute(minutes))
    town.restart()


def second_station(town: AlertTown, **other: Any) -> int:
    """A station with a device of its own."""
    with change(town.database) as connection:
        number = town.station(connection, "ahorn", "Ahorn am Tor", **other)
        town.device(connection, OTHER_DEVICE)
        town.deploy(connection, OTHER_DEVICE, number)
    town.restart()
    return number


GROUP: dict[str, Any] = {"name": "Baum trocken", "station": None, "group": {"kind": "tree"}}


def test_a_swap_does_not_disturb_a_firing_rule(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 12)
    swap(town, 10)
    town.tick(10)
    soil(town, NEW_DEVICE, 11, 13)
    assert [(row.station, row.closed_at) for row in town.incidents()] == [(STATION, None)]
    assert town.kinds() == ["ALARM"]
    soil(town, NEW_DEVICE, 12, 25)
    assert [row.closed_at for row in town.incidents()] == [minute(12)]


def test_what_the_old_device_says_late_is_history_and_afterwards_nothing(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 12)
    swap(town, 10)
    soil(town, NEW_DEVICE, 11, 13)
    town.soil(9, 40, now=12)  # measured before the swap: older than what was judged
    town.soil(13, 40)  # the old device in the workshop
    assert [row.closed_at for row in town.incidents()] == [None]
    state = town.state()
    assert (state.phase, state.last_event, state.last_value) == ("firing", minute(11), 13)


def test_silence_is_judged_by_the_interval_of_the_device_that_is_there(town: AlertTown) -> None:
    town.station_rule()
    town.soil(0, 12)
    sent(town)
    swap(town, 1, interval_s=3_600)
    soil(town, NEW_DEVICE, 2, 12)
    town.tick(60)
    assert town.kinds() == ["ALARM"]
    town.tick(2 + 181)
    assert town.kinds() == ["ALARM", "STALE"]


def test_the_members_of_a_group_have_states_and_incidents_of_their_own(town: AlertTown) -> None:
    number = second_station(town)
    town.station_rule(**GROUP)
    town.soil(0, 12)
    soil(town, OTHER_DEVICE, 1, 30)
    soil(town, OTHER_DEVICE, 2, 11)
    found = town.incidents()
    assert [(row.station, row.station_name, row.opened_at) for row in found] == [
        ("linde", "Linde", minute(0)),
        ("ahorn", "Ahorn am Tor", minute(2)),
    ]
    assert [row.id.rsplit("-", 1)[1] for row in found] == [str(town.station_id), str(number)]
    assert [row.text.partition(":")[0] for row in town.messages()] == [
        "ALARM Linde, Baum trocken",
        "ALARM Ahorn am Tor, Baum trocken",
    ]
    town.soil(3, 30)
    assert [row.closed_at for row in town.incidents()] == [minute(3), None]


def test_a_group_is_what_kind_site_and_tag_say(town: AlertTown) -> None:
    with change(town.database) as connection:
        site = connection.execute(
            insert(sites).values(tenant_id=TENANT, slug="park", name="Park").returning(sites.c.id)
        ).scalar_one()
    second_station(town, site_id=site, tags=["jung"])
    for slug, group in (
        ("park", {"site": "park", "kind": "tree"}),
        ("jung", {"tag": "jung"}),
        ("nichts", {"kind": "tree", "tag": "alt"}),
    ):
        town.station_rule(**{**GROUP, "slug": slug, "name": slug, "group": group})
    town.soil(0, 12)
    soil(town, OTHER_DEVICE, 0, 12)
    assert sorted(row.rule_name for row in town.incidents()) == ["jung", "park"]


def test_a_station_that_comes_to_be_one_is_watched_from_then_on(town: AlertTown) -> None:
    town.station_rule(**GROUP)
    town.soil(0, 30)
    second_station(town)
    soil(town, OTHER_DEVICE, 1, 12)
    assert [row.station for row in town.incidents()] == ["ahorn"]


def test_a_station_that_leaves_has_its_incident_closed_with_the_reason(town: AlertTown) -> None:
    second_station(town)
    town.station_rule(**GROUP)
    town.soil(0, 12)
    soil(town, OTHER_DEVICE, 0, 12)
    sent(town)
    town.tick(1)
    with change(town.database) as connection:
        connection.execute(update(stations).where(stations.c.slug == "ahorn").values(kind="other"))
    town.restart()
    town.tick(2)
    assert {(row.station, row.close_reason) for row in town.incidents()} == {
        ("linde", None),
        ("ahorn", "station_left"),
    }
    assert town.kinds() == ["ALARM", "ALARM", "ENDED"]
    assert town.messages()[-1].text == (
        "Nicht mehr überwacht (Messstelle nicht mehr in der Gruppe): Ahorn am Tor, Baum trocken, "
        "Alarm von 10:00 Uhr. Das ist keine Entwarnung."
    )
    soil(town, OTHER_DEVICE, 3, 5)
    town.tick(600)
    assert len(town.incidents()) == 2


def test_a_station_that_is_deleted_ends_its_incident_under_its_name(town: AlertTown) -> None:
    number = second_station(town)
    town.station_rule(**GROUP)
    soil(town, OTHER_DEVICE, 0, 12)
    sent(town)
    with change(town.database) as connection:
        connection.execute(delete(deployments).where(deployments.c.station_id == number))
        connection.execute(delete(stations).where(stations.c.id == number))
    town.restart()
    town.tick(1)
    (incident,) = town.incidents()
    assert (incident.station_name, incident.close_reason) == ("Ahorn am Tor", "station_deleted")
    assert town.messages()[-1].text == (
        "Nicht mehr überwacht (Messstelle gelöscht): Ahorn am Tor, Baum trocken, "
        "Alarm von 10:00 Uhr. Das ist keine Entwarnung."
    )
    with town.database.read() as connection:
        assert connection.execute(rule_states.select()).all() == []


def test_what_ends_out_of_a_group_before_it_was_sent_is_one_message(town: AlertTown) -> None:
    second_station(town)
    rule = town.station_rule(**GROUP)
    soil(town, OTHER_DEVICE, 0, 12)
    town.edit(rule, group={"kind": "soil"})
    town.tick(1)
    assert [row.close_reason for row in town.incidents()] == ["rule_changed"]
    assert town.kinds() == ["ALARM"]
    assert town.messages()[0].text == (
        "Nicht mehr überwacht (Regel geändert): Ahorn am Tor, Baum trocken, "
        "Alarm von 10:00 Uhr. Das ist keine Entwarnung."
    )


def test_a_rule_that_now_names_another_station_ends_the_alarm_of_the_former(
    town: AlertTown,
) -> None:
    second_station(town)
    rule = town.station_rule(name="Baum trocken")
    town.soil(0, 12)
    sent(town)
    town.edit(rule, station="ahorn", name="Ahorn trocken")
    town.tick(1)
    (message,) = town.messages()[1:]
    assert message.kind == "ENDED"
    assert message.text == (
        "Nicht mehr überwacht (Regel geändert): Linde, Baum trocken, Alarm von 10:00 Uhr. "
        "Das ist keine Entwarnung."
    )


def test_a_rule_with_another_limit_goes_on_watching(town: AlertTown) -> None:
    rule = town.station_rule(name="Baum trocken")
    town.soil(0, 12)
    sent(town)
    with change(town.database) as connection:
        connection.execute(
            update(stations).where(stations.c.slug == STATION).values(name="Linde am Brunnen")
        )
    town.restart()
    town.edit(rule, on=10, off=20)
    town.tick(1)
    assert town.messages()[-1].text == (
        "Alarm beendet (Regel geändert): Linde, Baum trocken, Alarm von 10:00 Uhr. "
        "Das ist keine Entwarnung."
    )


def test_a_deleted_rule_of_a_group_says_so_to_whom_each_alarm_went(town: AlertTown) -> None:
    second_station(town)
    rule = town.station_rule(**{**GROUP, "recipients": tuple(NUMBERS)})
    town.soil(0, 12)
    soil(town, OTHER_DEVICE, 1, 12)
    with town.database.write() as connection:
        # The first alarm reached the Bauhof only; one is never sent, two wait.
        to_bauhof = outbox.c.address == NUMBERS["bauhof"]
        first = connection.scalars(select(outbox.c.incident_id).order_by(outbox.c.id)).first()
        reached = and_(outbox.c.incident_id == first, to_bauhof)
        connection.execute(update(outbox).where(reached).values(status="DELIVERED", settled=True))
    with change(town.database) as connection:
        delete_rule(connection, town.scope, rule.slug, minute(2))
    assert {row.close_reason for row in town.incidents()} == {"rule_deleted"}
    tail = "Alarm von 10:0{} Uhr. Das ist keine Entwarnung."
    linde = f"Nicht mehr überwacht (Regel gelöscht): Linde, Baum trocken, {tail.format(0)}"
    ahorn = f"Nicht mehr überwacht (Regel gelöscht): Ahorn am Tor, Baum trocken, {tail.format(1)}"
    said = sorted((row.kind, row.address, row.text) for row in town.messages())
    alarm = "ALARM Linde, Baum trocken: Bodenfeuchte 12 % (Grenze 15 %). Stand 10:00 Uhr."
    office, yard = NUMBERS["ordnungsamt"], NUMBERS["bauhof"]
    assert said == sorted(
        [
            ("ALARM", yard, alarm),
            ("ENDED", yard, linde),
            ("ALARM", office, linde),
            ("ALARM", office, ahorn),
            ("ALARM", yard, ahorn),
        ]
    )


def as_stale_as_can_be(town: AlertTown) -> None:
    """The directory was looked at a moment ago, and its clock stands still."""
    cache = DirectoryCache(town.database, monotonic=lambda: 0.0)
    town.follower = AlertsFollower(cache, town.clock)
    town.tick()


def test_a_station_that_left_its_group_a_moment_ago_fires_nothing(town: AlertTown) -> None:
    second_station(town)
    town.station_rule(**GROUP)
    as_stale_as_can_be(town)
    with change(town.database) as connection:
        connection.execute(update(stations).where(stations.c.slug == "ahorn").values(kind="other"))
    soil(town, OTHER_DEVICE, 1, 5)
    assert (town.incidents(), town.messages()) == ([], [])


def test_a_device_that_was_moved_a_moment_ago_fires_nothing_where_it_was(town: AlertTown) -> None:
    """A soil sensor in the hand of the technician is dry."""
    town.station_rule()
    with change(town.database) as connection:
        garage = town.station(connection, "bauhof", "Bauhof", kind="other")
    as_stale_as_can_be(town)
    with change(town.database) as connection:
        connection.execute(
            update(deployments).where(deployments.c.dev_eui == DEVICE).values(end=minute(1))
        )
        town.deploy(connection, DEVICE, garage, minute(1))
    town.soil(2, 0)
    assert (town.incidents(), town.messages()) == ([], [])


def test_a_rebuild_finds_the_same_incidents_and_keeps_those_of_who_left(town: AlertTown) -> None:
    second_station(town)
    town.station_rule(**GROUP)
    uplinks = [
        uplink(1, 0, Reading("soil_moisture", 12.0)),
        uplink(2, 0, Reading("soil_moisture", 12.0), dev_eui=OTHER_DEVICE),
        uplink(3, 1, Reading("soil_moisture", 30.0)),
        uplink(4, 2, Reading("soil_moisture", 11.0)),
    ]
    town.now(2)
    town.apply(*uplinks)
    with change(town.database) as connection:
        connection.execute(update(stations).where(stations.c.slug == "ahorn").values(kind="other"))
    town.restart()
    town.tick(3)
    sent(town)
    before = sorted((row.id, row.opened_at, row.closed_at) for row in town.incidents())
    kinds = town.kinds()
    assert len(before) == 3
    with town.database.write() as connection:
        town.follower.reset(connection)
    town.apply(*uplinks)
    assert sorted((row.id, row.opened_at, row.closed_at) for row in town.incidents()) == before
    assert town.kinds() == kinds
