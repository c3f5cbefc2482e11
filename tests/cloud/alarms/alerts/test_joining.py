"""Rules that judge several datastreams together, from the document to the message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import update

from fake_alert_town import DEVICE, STATION, AlertTown, minute, uplink
from stadtsinn.base.language import Language
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import replace_recipient
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.alarms.notify.text import septets
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.decoders.reading import Reading

OTHERS = [f"70b3d57ed000bb0{number}" for number in range(5)]
FLOOD = {
    "slug": "rechen",
    "name": "Rechen Mühlbach",
    "station": STATION,
    "quantity": "water_level",
    "kind": "difference",
    "minus": {"station": "baum-0"},
    "on": 0.4,
    "off": 0.2,
}
DAMP = {
    "slug": "glatt",
    "name": "Brücke glatt",
    "station": STATION,
    "quantity": "air_temperature",
    "kind": "and",
    "direction": "below",
    "on": 2,
    "off": 3,
    "also": [{"quantity": "relative_humidity", "on": 90, "off": 80}],
}
DRY = {
    "slug": "trocken",
    "name": "Park trocken",
    "group": {"kind": "tree"},
    "quantity": "soil_moisture",
    "kind": "count",
    "each": "below",
    "each_on": 15,
    "each_off": 20,
    "on": 3,
    "off": 1,
}
SHARE = {**DRY, "kind": "share", "on": 60, "off": 20}


@pytest.fixture
def park(town: AlertTown) -> AlertTown:
    """Five trees more, each with a device."""
    with change(town.database) as connection:
        for number, dev_eui in enumerate(OTHERS):
            town.device(connection, dev_eui)
            station = town.station(connection, f"baum-{number}", f"Baum {number}")
            town.deploy(connection, dev_eui, station)
        english = Recipient(
            slug="ordnungsamt", name="Amt", address="+491701111111", language=Language.EN
        )
        replace_recipient(connection, town.scope, english)
    town.restart()
    return town


def heard(
    town: AlertTown, course: Sequence[tuple[float, str, dict[str, float]]]
) -> list[LoggedUplink]:
    """Uplinks, each judged as it comes."""
    found = []
    for position, (minutes, dev_eui, values) in enumerate(course, 1):
        readings = tuple(Reading(quantity, value) for quantity, value in values.items())
        one = uplink(position, minutes, *readings, dev_eui=dev_eui)
        town.now(minutes)
        town.apply(one)
        town.tick()
        found.append(one)
    return found


def level(minutes: float, dev_eui: str, value: float) -> tuple[float, str, dict[str, float]]:
    return minutes, dev_eui, {"water_level": value}


def soil(minutes: float, dev_eui: str, value: float) -> tuple[float, str, dict[str, float]]:
    return minutes, dev_eui, {"soil_moisture": value}


CASES: list[tuple[dict[str, Any], list[Any], str, str]] = [
    (
        FLOOD,
        [level(0, DEVICE, 2), level(1, OTHERS[0], 1.9), level(10, DEVICE, 2.32)],
        (
            "ALARM Linde, Rechen Mühlbach: Wasserstand um 0,42 m verschieden (Grenze 0,40 m). "
            "Stand 10:10 Uhr. Tendenz steigend."
        ),
        (
            "ALARM Linde, Rechen Mühlbach: Water level different by 0.42 m (limit 0.40 m). "
            "As of 10:10. Trend: rising."
        ),
    ),
    (
        DAMP,
        [(0, DEVICE, {"air_temperature": 1.5, "relative_humidity": 92})],
        (
            "ALARM Linde, Brücke glatt: Lufttemperatur 1,5 Grad C (Grenze 2 Grad C, zugleich "
            "Relative Luftfeuchte ab 90 %). Stand 10:00 Uhr."
        ),
        (
            "ALARM Linde, Brücke glatt: Air temperature 1.5 deg C (limit 2 deg C, with Relative "
            "humidity 90% or more). As of 10:00."
        ),
    ),
    (
        DRY,
        [
            soil(0, DEVICE, 14),
            soil(1, OTHERS[0], 10),
            soil(2, OTHERS[1], 22),
            soil(3, OTHERS[2], 9),
        ],
        (
            "ALARM Park trocken: Bodenfeuchte bis 15 % an 3 von 6 Messstellen (Grenze 3). "
            "Stand 10:03 Uhr."
        ),
        "ALARM Park trocken: Soil moisture 15% or less at 3 of 6 stations (limit 3). As of 10:03.",
    ),
    (
        SHARE,
        [soil(number, dev_eui, 10) for number, dev_eui in enumerate(OTHERS[:4])],
        (
            "ALARM Park trocken: Bodenfeuchte bis 15 % an 66,7 % der Messstellen (Grenze 60 %). "
            "Stand 10:03 Uhr."
        ),
        (
            "ALARM Park trocken: Soil moisture 15% or less at 66.7% of the stations (limit 60%). "
            "As of 10:03."
        ),
    ),
]


@pytest.mark.parametrize(
    ("rule", "course", "german", "english"), CASES, ids=[str(case[0]["kind"]) for case in CASES]
)
def test_a_rule_of_each_kind_sends_its_message_and_a_rebuild_finds_the_same(
    park: AlertTown, rule: dict[str, Any], course: list[Any], german: str, english: str
) -> None:
    park.rule(**rule, recipients=("ordnungsamt", "bauhof"))
    before = heard(park, course[:-1])
    assert park.messages() == []
    park.restart()
    last = heard(park, course[-1:])
    said = {row.text for row in park.messages()}
    assert said == {german, english}
    assert all(septets(text) <= 160 for text in said)
    incidents = [tuple(row) for row in park.incidents()]
    park.rebuild()
    park.apply(*before, *last)
    assert [tuple(row) for row in park.incidents()] == incidents
    assert len(park.messages()) == 2


def test_a_late_value_fires_nothing(park: AlertTown) -> None:
    park.rule(**FLOOD)
    heard(park, [level(0, DEVICE, 2), level(0, OTHERS[0], 2), level(10, DEVICE, 2)])
    late = uplink(9, 5, Reading("water_level", 1), dev_eui=OTHERS[0], received=11)
    park.now(11)
    park.apply(late)
    park.tick()
    assert park.incidents() == []
    heard(park, [level(12, OTHERS[0], 2), level(13, DEVICE, 2)])
    assert park.incidents() == []


def test_a_replaced_device_goes_on(park: AlertTown) -> None:
    park.rule(**FLOOD)
    heard(park, [level(0, DEVICE, 2), level(1, OTHERS[0], 1.9), level(10, DEVICE, 2.32)])
    (opened,) = park.incidents()
    with change(park.database) as connection:
        mine = deployments.c.dev_eui == OTHERS[0]
        place = connection.execute(
            update(deployments)
            .where(mine)
            .values(end=minute(11))
            .returning(deployments.c.station_id)
        ).scalar_one()
        mine = deployments.c.dev_eui == OTHERS[4]
        connection.execute(update(deployments).where(mine).values(end=minute(11)))
        park.deploy(connection, OTHERS[4], place, start=minute(11))
    heard(park, [level(20, OTHERS[4], 1.9), level(21, DEVICE, 2.32)])
    assert [(row.id, row.closed_at) for row in park.incidents()] == [(opened.id, None)]
    heard(park, [level(30, OTHERS[4], 2.2)])
    assert park.incidents()[0].close_reason == "recovered"


def test_a_station_less_in_the_group_ends_an_alarm_for_which_it_counted(park: AlertTown) -> None:
    park.rule(**DRY, recipients=("bauhof",))
    heard(park, [soil(number, dev_eui, 10) for number, dev_eui in enumerate(OTHERS[:3])])
    with park.database.write() as connection:
        connection.execute(update(outbox).values(status="ACCEPTED", settled=True))
    with change(park.database) as connection:
        connection.execute(update(stations).where(stations.c.slug == "baum-0").values(kind="gate"))
    park.tick(5)
    assert park.incidents()[0].close_reason == "group_changed"
    assert park.messages()[-1].text == (
        "Alarm beendet (Messstellen der Gruppe geändert): Park trocken, Alarm von 10:02 Uhr. "
        "Das ist keine Entwarnung."
    )
    heard(park, [soil(6, OTHERS[1], 10), soil(7, OTHERS[2], 10), soil(8, OTHERS[3], 10)])
    assert [row.closed_at is None for row in park.incidents()] == [False, True]


def test_the_last_device_of_one_of_two_ends_the_alarm(park: AlertTown) -> None:
    park.rule(**FLOOD)
    heard(park, [level(0, DEVICE, 3), level(1, OTHERS[0], 1.9)])
    with change(park.database) as connection:
        mine = deployments.c.dev_eui == OTHERS[0]
        connection.execute(update(deployments).where(mine).values(end=minute(5)))
    park.tick(6)
    assert park.incidents()[0].close_reason == "not_measured"


def test_two_depths_of_each_station_of_a_group(park: AlertTown) -> None:
    depths = {
        "slug": "tiefe",
        "name": "Tiefe",
        "group": {"kind": "tree"},
        "quantity": "soil_moisture",
        "channel": "30",
        "kind": "difference",
        "minus": {"channel": "60"},
        "on": 10,
        "off": 5,
    }
    park.rule(**depths)
    both = (
        Reading("soil_moisture", 30, channel="30"),
        Reading("soil_moisture", 15, channel="60"),
    )
    one = uplink(1, 0, *both)
    other = uplink(2, 0, both[0], dev_eui=OTHERS[1])
    park.apply(one, other)
    assert [(row.station, row.opening_value) for row in park.incidents()] == [(STATION, 15)]


@pytest.mark.parametrize(
    ("rule", "change_of", "said"),
    [
        (FLOOD, {"minus": {"station": "nirgends"}}, "no station 'nirgends'"),
        (FLOOD, {"minus": {"quantity": "wasser"}}, "wasser"),
        (FLOOD, {"minus": {"quantity": "soil_moisture"}}, "compare quantities of one unit"),
        (DAMP, {"also": [{"quantity": "nichts", "on": 2, "off": 1}]}, "nichts"),
    ],
)
def test_a_datastream_that_is_not_there_is_refused(
    town: AlertTown, rule: dict[str, Any], change_of: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        town.rule(**{**rule, **change_of})


@pytest.mark.parametrize(
    ("rule", "change_of", "said"),
    [
        (DRY, {"group": None, "station": STATION}, "give 'group'"),
        (FLOOD, {"group": {"kind": "tree"}, "station": None}, "leave out that 'station'"),
        (FLOOD, {"stale_after_s": 600}, "leave out 'stale_after_s'"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(
    town: AlertTown, rule: dict[str, Any], change_of: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        town.rule(**{**rule, **change_of})
