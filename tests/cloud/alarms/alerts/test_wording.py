"""The sentences that people get: one part, in their language, local time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import DAY, MINUTE, Instant, parse
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import wording
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.wording import About, Moment
from stadtsinn.cloud.alarms.alerts.words import WORDS
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.text import segment, septets
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.rules.state import CloseReason

NOW = parse("2026-09-26T14:05:30+02:00")


SILENT = {Language.DE: "Ein Zähler meldet nichts.", Language.EN: "One counter reports nothing."}


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


@given(st.text(min_size=1, max_size=200), st.floats(-1e9, 1e9), st.sampled_from(Language))
def test_every_sentence_is_one_part(name: str, value: float, language: Language) -> None:
    """Whatever a rule is called: and the numbers survive."""
    made = rule("X", "soil_conductivity", value, value - 10).model_copy(update={"name": name})
    about, earlier = About(made, language=language), Instant(NOW - DAY)
    moment = Moment(value, NOW, NOW, before=value - 1, remarks=(SILENT,))
    sentences = [
        wording.alarm(about, moment, earlier),
        wording.all_clear(about, value, earlier, NOW, NOW),
        wording.ended_before_sent(about, earlier, NOW, NOW),
        wording.data_missing(about, value, earlier, NOW),
        wording.near_alarm_missing(about, value, earlier, NOW),
        wording.judged_anew(about, CloseReason.RULE_CHANGED, earlier, NOW),
        wording.judged_anew(about, CloseReason.ZONE_CHANGED, earlier, NOW),
        *(wording.watched_no_more(about, reason, earlier, NOW) for reason in list(CloseReason)[1:]),
    ]
    texts = [sms(sentence) for sentence in sentences]
    for text in texts:
        assert segment(text) == [text]
        assert septets(text) <= 160
    stand, ended, no_all_clear = {
        Language.DE: ("Stand 14:05 Uhr.", "beendet um 14:05 Uhr.", "Das ist keine Entwarnung."),
        Language.EN: ("As of 14:05.", "ended at 14:05.", "This is not an all-clear."),
    }[language]
    assert stand in texts[0]
    assert texts[1].endswith(ended)
    assert all(text.endswith(no_all_clear) for text in texts[5:])


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


# --- every message, read aloud ------------------------------------------------------------------


def zone_rule(parameters: Threshold | Permit) -> Rule:
    return Rule(slug="x", name="Wochenmarkt", zone="m", parameters=parameters)


CROWD = About(zone_rule(Threshold(on=900, off=850)))
WARNING = About(zone_rule(Permit()), level=1, permitted=1000)
FULL = About(zone_rule(Permit()), level=2, permitted=1000)
EARLY = About(zone_rule(Permit(alarm_percent=95)), level=2, permitted=1000)
DRY = About(rule("Linde trocken", "soil_moisture", 15, 20))
HOT = About(rule("Marktplatz heiß", "air_temperature", 35.5, 30))
BEFORE, YESTERDAY = Instant(NOW - 40 * MINUTE), Instant(NOW - DAY)
TREND = Moment(
    912,
    NOW,
    NOW,
    before=880,
    remarks=({Language.DE: "Geschätzt 890.", Language.EN: "Estimated 890."}, SILENT),
)


@pytest.mark.parametrize(
    ("about", "say", "german", "english"),
    [
        (
            CROWD,
            lambda a: wording.alarm(a, TREND, BEFORE),
            (
                "ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:05 Uhr. Seit "
                "13:25 Uhr. Tendenz steigend. Geschätzt 890. Ein Zähler meldet nichts."
            ),
            (
                "ALARM Wochenmarkt: up to 912 people (limit 900). As of 14:05. Since 13:25. "
                "Trend: rising. Estimated 890. One counter reports nothing."
            ),
        ),
        (
            WARNING,
            lambda a: wording.alarm(a, Moment(905, NOW, NOW), NOW),
            (
                "WARNUNG Wochenmarkt: bis zu 905 Personen (zugelassen 1.000, Warnung ab 90 %). "
                "Stand 14:05 Uhr."
            ),
            (
                "WARNING Wochenmarkt: up to 905 people (permitted 1,000, warning from 90%). As "
                "of 14:05."
            ),
        ),
        (
            FULL,
            lambda a: wording.alarm(a, Moment(1003, NOW, NOW), NOW),
            "ALARM Wochenmarkt: bis zu 1.003 Personen (zugelassen 1.000). Stand 14:05 Uhr.",
            "ALARM Wochenmarkt: up to 1,003 people (permitted 1,000). As of 14:05.",
        ),
        (
            EARLY,
            lambda a: wording.alarm(a, Moment(960, NOW, NOW), NOW),
            (
                "ALARM Wochenmarkt: bis zu 960 Personen (zugelassen 1.000, Alarm ab 95 %). Stand "
                "14:05 Uhr."
            ),
            ("ALARM Wochenmarkt: up to 960 people (permitted 1,000, alarm from 95%). As of 14:05."),
        ),
        (
            DRY,
            lambda a: wording.alarm(a, Moment(12.34, YESTERDAY, NOW), YESTERDAY),
            "ALARM Linde trocken: Bodenfeuchte 12,3 % (Grenze 15 %). Stand 25.9. 14:05 Uhr.",
            "ALARM Linde trocken: Soil moisture 12.3% (limit 15%). As of 25 Sep 14:05.",
        ),
        (
            HOT,
            lambda a: wording.alarm(a, Moment(36.2, NOW, NOW), NOW),
            (
                "ALARM Marktplatz heiß: Lufttemperatur 36,2 Grad C (Grenze 35,5 Grad C). Stand "
                "14:05 Uhr."
            ),
            ("ALARM Marktplatz heiß: Air temperature 36.2 deg C (limit 35.5 deg C). As of 14:05."),
        ),
        (
            CROWD,
            lambda a: wording.all_clear(a, 1, BEFORE, NOW, NOW),
            ("ENTWARNUNG Wochenmarkt: bis zu 1 Person. Alarm von 13:25 Uhr beendet um 14:05 Uhr."),
            "ALL CLEAR Wochenmarkt: up to 1 person. Alarm of 13:25 ended at 14:05.",
        ),
        (
            WARNING,
            lambda a: wording.all_clear(a, 840, BEFORE, NOW, NOW),
            (
                "ENTWARNUNG Wochenmarkt: bis zu 840 Personen. Warnung von 13:25 Uhr beendet um "
                "14:05 Uhr."
            ),
            "ALL CLEAR Wochenmarkt: up to 840 people. Warning of 13:25 ended at 14:05.",
        ),
        (
            CROWD,
            lambda a: wording.ended_before_sent(a, BEFORE, NOW, NOW),
            (
                "Beendeter Alarm Wochenmarkt: Grenze 900 war überschritten, von 13:25 Uhr bis "
                "14:05 Uhr."
            ),
            "Past alarm Wochenmarkt: value was above the limit of 900, from 13:25 to 14:05.",
        ),
        (
            DRY,
            lambda a: wording.ended_before_sent(a, BEFORE, NOW, NOW),
            (
                "Beendeter Alarm Linde trocken: Grenze 15 % war unterschritten, von 13:25 Uhr "
                "bis 14:05 Uhr."
            ),
            "Past alarm Linde trocken: value was below the limit of 15%, from 13:25 to 14:05.",
        ),
        (
            WARNING,
            lambda a: wording.ended_before_sent(a, BEFORE, NOW, NOW),
            (
                "Beendete Warnung Wochenmarkt: 90 % der zugelassenen 1.000 waren erreicht, von "
                "13:25 Uhr bis 14:05 Uhr."
            ),
            (
                "Past warning Wochenmarkt: 90% of the permitted 1,000 was reached, from 13:25 to "
                "14:05."
            ),
        ),
        (
            FULL,
            lambda a: wording.ended_before_sent(a, BEFORE, NOW, NOW),
            (
                "Beendeter Alarm Wochenmarkt: die zugelassenen 1.000 waren erreicht, von 13:25 "
                "Uhr bis 14:05 Uhr."
            ),
            "Past alarm Wochenmarkt: the permitted 1,000 was reached, from 13:25 to 14:05.",
        ),
        (
            CROWD,
            lambda a: wording.judged_anew(a, CloseReason.RULE_CHANGED, BEFORE, NOW),
            (
                "Alarm beendet (Regel geändert): Wochenmarkt, Alarm von 13:25 Uhr. Das ist keine "
                "Entwarnung."
            ),
            "Alarm ended (rule changed): Wochenmarkt, alarm of 13:25. This is not an all-clear.",
        ),
        (
            WARNING,
            lambda a: wording.watched_no_more(a, CloseReason.RULE_DELETED, BEFORE, NOW),
            (
                "Nicht mehr überwacht (Regel gelöscht): Wochenmarkt, Warnung von 13:25 Uhr. Das "
                "ist keine Entwarnung."
            ),
            (
                "No longer watched (rule deleted): Wochenmarkt, warning of 13:25. This is not an "
                "all-clear."
            ),
        ),
        (
            DRY,
            lambda a: wording.watched_no_more(a, CloseReason.STATION_LEFT, BEFORE, NOW),
            (
                "Nicht mehr überwacht (Messstelle nicht mehr in der Gruppe): Linde trocken, "
                "Alarm von 13:25 Uhr. Das ist keine Entwarnung."
            ),
            (
                "No longer watched (station no longer in the group): Linde trocken, alarm of "
                "13:25. This is not an all-clear."
            ),
        ),
        (
            CROWD,
            lambda a: wording.data_missing(a, 912, BEFORE, NOW),
            ("Daten fehlen, Alarm bleibt: Wochenmarkt. Zuletzt bis zu 912 Personen um 13:25 Uhr."),
            "Data missing, alarm stays: Wochenmarkt. Last value: up to 912 people at 13:25.",
        ),
        (
            WARNING,
            lambda a: wording.near_alarm_missing(a, 905, BEFORE, NOW),
            (
                "Technik: Daten fehlen bei Wochenmarkt. Zuletzt bis zu 905 Personen um 13:25 "
                "Uhr, 90 % der zugelassenen 1.000 erreicht, kein Alarm ausgelöst."
            ),
            (
                "Technical: data missing at Wochenmarkt. Last value: up to 905 people at 13:25, "
                "90% of the permitted 1,000 reached, no alarm raised."
            ),
        ),
        (
            DRY,
            lambda a: wording.near_alarm_missing(a, 12.3, BEFORE, NOW),
            (
                "Technik: Daten fehlen bei Linde trocken. Zuletzt Bodenfeuchte 12,3 % um 13:25 "
                "Uhr, Grenze 15 % erreicht, kein Alarm ausgelöst."
            ),
            (
                "Technical: data missing at Linde trocken. Last value: Soil moisture 12.3% at "
                "13:25, limit 15% reached, no alarm raised."
            ),
        ),
    ],
)
def test_every_message_in_both_languages(
    about: About, say: Callable[[About], Sentence], german: str, english: str
) -> None:
    said = wording.in_each_language(about, say)
    assert sms(said[Language.DE]) == german
    assert sms(said[Language.EN]) == english
    assert septets(german) <= 160
    assert septets(english) <= 160


def test_every_reason_has_words_in_every_language() -> None:
    unsaid = {CloseReason.RECOVERED}
    assert set(WORDS) == set(Language)
    for words in WORDS.values():
        assert set(words.reasons) == set(CloseReason) - unsaid
