"""The sentences that people get: one part, German, local time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import DAY, MINUTE, Instant, parse
from stadtsinn.cloud.alarms.alerts import wording
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.wording import About, Moment
from stadtsinn.cloud.alarms.judging.kinds.threshold import Direction, Threshold
from stadtsinn.cloud.alarms.judging.state import CloseReason
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.text import segment, septets

NOW = parse("2026-09-26T14:05:30+02:00")


def rule(name: str = "Wochenmarkt", quantity: str = "", on: float = 900, off: float = 850) -> Rule:
    subject: dict[str, Any] = (
        {"station": "linde", "quantity": quantity} if quantity else {"zone": "m"}
    )
    direction = Direction.ABOVE if off < on else Direction.BELOW
    return Rule(
        slug="x", name=name, parameters=Threshold(on=on, off=off, direction=direction), **subject
    )


def sms(sentence: Sentence) -> str:
    return Sms().text(sentence)


@pytest.mark.parametrize(
    ("quantity", "value", "on", "off", "said"),
    [
        ("soil_moisture", 12.34, 15, 20, "Bodenfeuchte 12,3 % (Grenze 15 %)"),
        ("air_temperature", 31.0, 30, 28, "Lufttemperatur 31 Grad C (Grenze 30 Grad C)"),
        ("tilt", 5.5, 5, 4, "Neigung 5,5 Grad (Grenze 5 Grad)"),
        ("solar_radiation", 1234.0, 1000, 900, "Globalstrahlung 1.234 W/qm (Grenze 1.000 W/qm)"),
        ("people_present", 7, 5, 4, "Anwesende 7 (Grenze 5)"),
        ("soil_conductivity", 900, 800, 700, "Bodenleitfähigkeit 900 uS/cm (Grenze 800 uS/cm)"),
        ("", 1912, 1900, 850, "bis zu 1.912 Personen (Grenze 1.900)"),
    ],
)
def test_values_have_names_and_units(
    quantity: str, value: float, on: float, off: float, said: str
) -> None:
    made = rule("X", quantity, on, off)
    text = sms(wording.alarm(About(made), Moment(value, NOW, NOW), NOW))
    assert text == f"ALARM X: {said}. Stand 14:05 Uhr."


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-09-26T14:05:00+02:00", "14:05 Uhr"),
        ("2026-09-25T23:59:00+02:00", "25.9. 23:59 Uhr"),
        ("2026-09-25T22:30:00+00:00", "00:30 Uhr"),
        ("2026-01-05T12:00:00+00:00", "5.1. 13:00 Uhr"),
    ],
)
def test_times_are_berlins_and_name_the_day_unless_it_is_today(moment: str, said: str) -> None:
    assert wording.clock(parse(moment), NOW) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (12.0, "12"), (12.04, "12"), (-3.55, "-3,5"), (1234567.8, "1.234.567,8")],
)
def test_numbers_are_german(value: float, said: str) -> None:
    assert wording.number(value) == said


@given(st.text(min_size=1, max_size=200), st.floats(-1e9, 1e9))
def test_every_sentence_is_one_part(name: str, value: float) -> None:
    """Whatever a rule is called: and the numbers survive."""
    made = rule("X", "soil_conductivity", value, value - 10).model_copy(update={"name": name})
    about, earlier = About(made), Instant(NOW - DAY)
    moment = Moment(value, NOW, NOW, before=value - 1, remarks=("Ein Zähler meldet nichts.",))
    sentences = [
        wording.alarm(About(made), moment, earlier),
        wording.all_clear(about, value, earlier, NOW, NOW),
        wording.ended_before_sent(about, earlier, NOW, NOW),
        wording.data_missing(about, value, earlier, NOW),
        wording.near_alarm_missing(about, value, earlier, NOW),
        wording.judged_anew(about, earlier, NOW),
        *(wording.watched_no_more(about, reason, earlier, NOW) for reason in list(CloseReason)[1:]),
    ]
    texts = [sms(sentence) for sentence in sentences]
    for text in texts:
        assert segment(text) == [text]
        assert septets(text) <= 160
    assert "Stand 14:05 Uhr." in texts[0]
    assert texts[1].endswith("beendet um 14:05 Uhr.")
    assert all(text.endswith("Das ist keine Entwarnung.") for text in texts[5:])


def test_trend_and_age_are_said_where_there_is_room() -> None:
    moment = Moment(912, NOW, NOW, before=912)
    text = sms(wording.alarm(About(rule()), moment, Instant(NOW - 10 * MINUTE)))
    assert text.endswith("Stand 14:05 Uhr. Seit 13:55 Uhr. Tendenz gleichbleibend.")
    long_name = sms(wording.alarm(About(rule("Weihnachtsmarkt " * 6)), moment, NOW))
    assert long_name.endswith("Stand 14:05 Uhr.")


@pytest.mark.parametrize(
    ("station", "name", "said"),
    [
        ("Linde am Markt", "Baum trocken", "Linde am Markt, Baum trocken"),
        ("Linde am Markt", "Linde am Markt trocken", "Linde am Markt trocken"),
        ("Linde 14, Marktplatz", "Linde 14", "Linde 14, Marktplatz"),
        ("", "Wochenmarkt", "Wochenmarkt"),
    ],
)
def test_messages_name_the_station_once(station: str, name: str, said: str) -> None:
    about = About(rule(name, "soil_moisture", 15, 20), station)
    assert sms(wording.alarm(about, Moment(12.3, NOW, NOW), NOW)) == (
        f"ALARM {said}: Bodenfeuchte 12,3 % (Grenze 15 %). Stand 14:05 Uhr."
    )
