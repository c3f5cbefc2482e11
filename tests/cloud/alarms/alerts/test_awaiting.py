"""A rule for missing data at what never sent anything: from the beginning of its deployment on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, update

from fake_alert_town import DEVICE, NUMBERS, STATION, TENANT, AlertTown, minute
from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import awaiting
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import replace_recipient
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments

SILENT_S = 7_200


def silence_rule(town: AlertTown, **other: Any) -> Any:
    values: dict[str, Any] = {
        "slug": "x",
        "name": "Funk",
        "quantity": "soil_moisture",
        "kind": "no_data",
    }
    subject = {} if "group" in other or "zone" in other else {"station": STATION}
    values |= {"silent_s": SILENT_S, "recipients": ("bauhof",), **subject}
    return town.rule(**(values | other))


def deployed(town: AlertTown, start: float, end: float | None = None) -> None:
    """The device of the station is there from then on."""
    values = {"start": minute(start), **({} if end is None else {"end": minute(end)})}
    with change(town.database) as connection:
        mine = deployments.c.dev_eui == DEVICE
        connection.execute(update(deployments).where(mine).values(**values))


def opened(town: AlertTown) -> list[tuple[Instant, float | None]]:
    return [(row.opened_at, row.opening_value) for row in town.incidents()]


def test_what_never_sent_is_told_once_and_ends_with_its_first_value(town: AlertTown) -> None:
    english = Recipient(
        slug="ordnungsamt", name="Amt", address=NUMBERS["ordnungsamt"], language=Language.EN
    )
    with change(town.database) as connection:
        replace_recipient(connection, town.scope, english)
    silence_rule(town, recipients=tuple(NUMBERS))
    deployed(town, 10)
    town.tick(15)
    town.restart()
    town.tick(130)
    assert town.messages() == []
    for moment in (130.1, 140, 500):
        town.tick(moment)
    assert opened(town) == [(minute(130), None)]
    assert sorted(row.text for row in town.messages()) == [
        "FAULT Linde, Funk: Soil moisture, no data for 2 h.",
        "STÖRUNG Linde, Funk: Bodenfeuchte, seit 2 h keine Daten.",
    ]
    before = town.incidents()
    town.rebuild()
    town.tick()
    assert town.incidents() == before
    assert len(town.messages()) == 2
    town.soil(600, 23)
    assert town.incidents()[0].closed_at == minute(600)


def test_a_device_that_comes_later_counts_from_then(town: AlertTown) -> None:
    silence_rule(town)
    deployed(town, 300, 1_000)
    town.tick(0)
    town.tick(420)
    assert opened(town) == []
    town.tick(421)
    assert opened(town) == [(minute(420), None)]
    town.tick(1_001)
    assert town.incidents()[0].close_reason == "not_measured"
    for moment in (1_002, 2_000, 5_000):
        town.tick(moment)
    assert len(opened(town)) == 1, "nothing is expected where there is no device"
    with change(town.database) as connection:
        town.deploy(connection, DEVICE, town.station_id, minute(6_000))
    town.tick(6_001)
    town.tick(6_121)
    assert opened(town)[1:] == [(minute(6_120), None)]


def test_a_value_before_the_first_look_is_no_alarm_of_the_past(town: AlertTown) -> None:
    deployed(town, -5_000)
    silence_rule(town)
    town.soil(0, 23)
    town.tick(1)
    assert opened(town) == []


def test_a_new_rule_counts_from_what_the_log_heard_last(town: AlertTown) -> None:
    """The rule is younger than the device's data: it does not say that nothing ever came."""
    deployed(town, -5_000)
    _logged(town, -30)
    silence_rule(town)
    town.tick(0)
    town.tick(89)
    assert opened(town) == []
    town.tick(91)
    assert opened(town) == [(minute(90), None)]


def test_a_rule_that_was_switched_off_counts_from_what_was_heard_meanwhile(
    town: AlertTown,
) -> None:
    deployed(town, -5_000)
    rule = silence_rule(town)
    town.soil(0, 23)
    town.edit(rule, enabled=False)
    town.tick(1)
    _logged(town, 490)
    town.tick(500)
    town.edit(rule, enabled=True)
    town.tick(501)
    assert opened(town) == []
    town.tick(611)
    assert opened(town) == [(minute(610), None)]


def test_since_when_nobody_knows_it_counts_from_the_first_look(town: AlertTown) -> None:
    """Deployments of earlier versions have no beginning."""
    silence_rule(town)
    town.tick(0)
    town.tick(121)
    assert opened(town) == [(minute(120), None)]


def test_stations_of_a_group_are_awaited_few_at_a_time(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaiting, "LOOKED_AT_ONCE", 2)
    deployed(town, 0)
    with change(town.database) as connection:
        for number in range(5):
            dev_eui = f"70b3d57ed00022{number:02}"
            town.device(connection, dev_eui)
            station = town.station(connection, f"baum-{number}", f"Baum {number}")
            town.deploy(connection, dev_eui, station, minute(number))
        town.station(connection, "ohne", "Ohne Gerät")
    silence_rule(town, group={"kind": "tree"})
    town.tick(10)
    town.soil(60, 23)
    town.tick(200)
    assert [at for at, _ in opened(town)] == [
        *(minute(120 + number) for number in range(5)),
        minute(180),
    ]


def test_a_zone_that_never_counted_is_told(town: AlertTown) -> None:
    with change(town.database) as connection:
        connection.execute(update(deployments).values(start=minute(0)))
    silence_rule(town, zone="wochenmarkt", quantity="")
    town.tick(10)
    town.tick(121)
    assert [row.text for row in town.messages()] == [
        "STÖRUNG Funk: Personen, seit 2 h keine Daten."
    ]


def _logged(town: AlertTown, minutes: float) -> None:
    """An uplink of the device in the log, which this rule did not see."""
    row = {
        "tenant_id": TENANT,
        "dev_eui": DEVICE,
        "dev_addr": "01020304",
        "generation": 0,
        "f_cnt": 1,
        "f_port": 2,
        "payload": b"",
        "event_time": minute(minutes),
        "time_source": "gateway",
        "received_at": minute(minutes),
        "committed_at": minute(minutes),
        "source": "edge:rathaus",
        "deduplication_id": "",
        "device_type": "dragino/lse01",
        "outcome": b"",
        "radio": b"",
    }
    with town.database.write() as connection:
        connection.execute(insert(uplinks).values(**row))
