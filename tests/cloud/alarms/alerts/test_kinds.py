"""Each kind of rule from the document to the message, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from fake_alert_town import STATION, AlertTown, uplink
from stadtsinn.base.language import Language
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import replace_recipient
from stadtsinn.cloud.town.service import change
from stadtsinn.decoders.reading import Reading

WATER = {"quantity": "water_level", "kind": "change", "on": 0.3, "off": 0.05, "within_s": 3_600}
RAIN = {"quantity": "precipitation", "kind": "sum", "on": 25, "off": 5, "within_s": 3_600}
TOTAL = {**RAIN, "quantity": "precipitation_total", "kind": "increase"}
AIR = {"quantity": "air_temperature", "kind": "band", "low": 18, "high": 24, "margin": 0.5}
STUCK = {"quantity": "soil_moisture", "kind": "stuck", "unchanged_s": 7_200}
BATTERY = {
    "quantity": "battery_voltage",
    "kind": "low_battery",
    "on": 3,
    "off": 3.3,
    "within_s": 3_600,
}
OVERSTAY = {"quantity": "occupied", "kind": "overstay", "longest_s": 7_200}
LEVELS = {
    "quantity": "water_level",
    "kind": "levels",
    "levels": [{"on": 1.2}, {"on": 1.6, "measures": "Unterführung sperren."}],
    "margin": 0.1,
}

CASES = [
    (
        WATER,
        [(0, 1.2), (30, 1.51)],
        "Wasserstand +0,31 m in 1 h (Grenze +0,30 m). Stand 10:30 Uhr. Tendenz steigend.",
        "Water level +0.31 m in 1 h (limit +0.30 m). As of 10:30. Trend: rising.",
    ),
    (
        {**WATER, "trend": "falling"},
        [(0, 1.2), (30, 0.89)],
        "Wasserstand -0,31 m in 1 h (Grenze -0,30 m). Stand 10:30 Uhr. Tendenz fallend.",
        "Water level -0.31 m in 1 h (limit -0.30 m). As of 10:30. Trend: falling.",
    ),
    (
        RAIN,
        [(0, 12), (30, 13.4)],
        "Niederschlag 25,4 mm in 1 h (Grenze 25 mm). Stand 10:30 Uhr. Tendenz steigend.",
        "Precipitation 25.4 mm in 1 h (limit 25 mm). As of 10:30. Trend: rising.",
    ),
    (
        TOTAL,
        [(0, 800), (30, 825.4)],
        "Niederschlag gesamt 25,4 mm in 1 h (Grenze 25 mm). Stand 10:30 Uhr. Tendenz steigend.",
        "Precipitation, total 25.4 mm in 1 h (limit 25 mm). As of 10:30. Trend: rising.",
    ),
    (
        AIR,
        [(0, 24.3)],
        "Lufttemperatur 24,3 Grad C (erlaubt 18 Grad C bis 24 Grad C). Stand 10:00 Uhr.",
        "Air temperature 24.3 deg C (allowed 18 deg C to 24 deg C). As of 10:00.",
    ),
    (
        STUCK,
        [(0, 23), (60, 23), (120, 23)],
        "Bodenfeuchte 23 % (seit 2 h unverändert). Stand 12:00 Uhr. Tendenz gleichbleibend.",
        "Soil moisture 23% (unchanged for 2 h). As of 12:00. Trend: steady.",
    ),
    (
        BATTERY,
        [(0, 2.94), (60, 2.93)],
        "Batteriespannung 2,93 V (Grenze 3 V). Stand 11:00 Uhr. Tendenz fallend.",
        "Battery voltage 2.93 V (limit 3 V). As of 11:00. Trend: falling.",
    ),
    (
        OVERSTAY,
        [(0, 1), (60, 1), (120, 1)],
        "Belegt (länger als 2 h). Stand 12:00 Uhr.",
        "Occupied (for more than 2 h). As of 12:00.",
    ),
    (
        LEVELS,
        [(0, 0.4), (30, 1.61)],
        (
            "Wasserstand 1,61 m (Stufe 2 ab 1,60 m). Stand 10:30 Uhr. Unbestätigt. "
            "Maßnahmen: Unterführung sperren. Tendenz steigend."
        ),
        (
            "Water level 1.61 m (level 2 from 1.60 m). As of 10:30. Unconfirmed. "
            "Measures: Unterführung sperren. Trend: rising."
        ),
    ),
]
NOUNS = {
    "stuck": ("STÖRUNG", "FAULT"),
    "low_battery": ("HINWEIS", "NOTICE"),
    "overstay": ("HINWEIS", "NOTICE"),
}


def measured(town: AlertTown, quantity: str, *course: tuple[float, float]) -> None:
    for number, (minutes, value) in enumerate(course):
        town.now(minutes)
        position = 1 + number + len(town.messages()) * 100 + int(minutes)
        town.apply(uplink(position, minutes, Reading(quantity, value)))
        town.tick()


@pytest.mark.parametrize(
    ("parameters", "course", "german", "english"), CASES, ids=lambda one: str(one)[:40]
)
def test_a_rule_of_each_kind_sends_its_message(
    town: AlertTown,
    parameters: dict[str, Any],
    course: list[tuple[float, float]],
    german: str,
    english: str,
) -> None:
    english_speaker = Recipient(
        slug="ordnungsamt", name="Amt", address="+491701111111", language=Language.EN
    )
    with change(town.database) as connection:
        replace_recipient(connection, town.scope, english_speaker)
    values = {"slug": "x", "name": "Mühlbach", "station": STATION, "stale_after_s": 86_400}
    town.rule(**values, **parameters, recipients=("ordnungsamt", "bauhof"))
    measured(town, parameters["quantity"], *course[:-1])
    assert town.messages() == []
    town.restart()
    measured(town, parameters["quantity"], course[-1])
    de, en = NOUNS.get(parameters["kind"], ("ALARM", "ALARM"))
    assert {row.text for row in town.messages()} == {
        f"{de} Linde, Mühlbach: {german}",
        f"{en} Linde, Mühlbach: {english}",
    }


def test_no_data_is_told_and_ends_with_the_next_value(town: AlertTown) -> None:
    values = {"slug": "x", "name": "Funk", "station": STATION, "quantity": "soil_moisture"}
    town.rule(**values, kind="no_data", silent_s=7_200, recipients=("bauhof",))
    town.soil(0, 23)
    town.tick(120)
    assert town.messages() == []
    town.restart()
    town.tick(121)
    assert [row.text for row in town.messages()] == [
        "STÖRUNG Linde, Funk: Bodenfeuchte 23 % (seit 2 h keine Daten). Stand 10:00 Uhr."
    ]
    town.soil(300, 22)
    assert town.incidents()[0].close_reason == "recovered"
    assert town.messages()[0].text == (
        "Beendete Störung Linde, Funk: es kamen keine Daten, von 12:00 Uhr bis 15:00 Uhr."
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({**RAIN, "quantity": "precipitation_total"}, "use the kind 'increase'"),
        ({**TOTAL, "quantity": "precipitation"}, "use the kind 'sum'"),
        ({**BATTERY, "quantity": "soil_moisture"}, "battery_voltage"),
    ],
)
def test_a_quantity_that_a_kind_cannot_judge_is_refused(
    town: AlertTown, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        town.rule(slug="x", name="X", station=STATION, **values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({**RAIN, "zone": "wochenmarkt", "quantity": ""}, "for a quantity of stations"),
        ({**WATER, "zone": "wochenmarkt", "quantity": ""}, "for a quantity of stations"),
        (
            {
                "kind": "no_data",
                "silent_s": 600,
                "stale_after_s": 600,
                "station": STATION,
                "quantity": "soil_moisture",
            },
            "leave out 'stale_after_s'",
        ),
    ],
)
def test_a_rule_that_says_two_things_is_refused(
    town: AlertTown, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        town.rule(slug="x", name="X", **values)


def test_a_comparison_sensor_confirms_a_level(town: AlertTown) -> None:
    values = {"slug": "x", "name": "Mühlbach", "station": STATION, "recipients": ("bauhof",)}
    town.rule(**values, **LEVELS)
    town.second_sensor("70b3d57ed0009999")
    beside = uplink(1, 0, Reading("water_level", 1.58), dev_eui="70b3d57ed0009999")
    town.now(0)
    town.apply(beside)
    assert town.messages() == []
    town.restart()
    measured(town, "water_level", (5, 1.61))
    (sent,) = town.messages()
    assert "Bestätigt, zweiter Sensor 1,58 m. Maßnahmen: Unterführung sperren" in sent.text


def test_a_message_has_the_first_measure_where_there_is_no_room_for_all(
    town: AlertTown,
) -> None:
    """An e-mail has them all: an SMS leaves out whole sentences, the last ones first."""
    rest = "Danach die Anwohner der Bachgasse wecken, dann Sandsäcke füllen und verteilen."
    steps = [{"on": 1.2, "measures": f"Unterführung sperren. {rest}"}]
    values = {"slug": "x", "name": "Mühlbach", "station": STATION, "recipients": ("bauhof",)}
    town.rule(**values, **{**LEVELS, "levels": steps})
    measured(town, "water_level", (0, 1.3))
    (sent,) = town.messages()
    assert "Maßnahmen: Unterführung sperren." in sent.text
    assert rest not in sent.text
    assert len(sent.text) <= 160
