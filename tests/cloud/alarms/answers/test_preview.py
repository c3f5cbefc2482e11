"""Every text of every kind of rule fits one part, in both languages, whatever the town's names."""

from __future__ import annotations

import re
from typing import Any

import pytest

from answered_town import AnsweredTown
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import repository
from stadtsinn.cloud.alarms.answers import wording
from stadtsinn.cloud.alarms.answers.preview import previews
from stadtsinn.cloud.alarms.notify.text import ONE_PART_SEPTETS, compose, septets
from stadtsinn.rules.kinds.registry import KINDS

LONG = "Wöchentliche Überwachung der Straßenbäume „Große Allee“ – südlicher Abschnitt [A€]"
OF_ZONE: dict[str, Any] = {"zone": "wochenmarkt", "slug": "regel", "name": "Wochenmarkt"}
OF_STATION: dict[str, Any] = {"station": "linde", "slug": "regel", "name": "Linde"}
RULES: dict[str, dict[str, Any]] = {
    "threshold": {**OF_ZONE, "on": 900, "off": 850},
    "permit": OF_ZONE,
    "band": {**OF_STATION, "quantity": "water_level", "low": 1, "high": 2, "margin": 0.1},
    "change": {
        **OF_STATION,
        "quantity": "water_level",
        "trend": "rising",
        "within_s": 3600,
        "on": 0.3,
        "off": 0.1,
    },
    "sum": {**OF_STATION, "quantity": "precipitation", "within_s": 3600, "on": 25, "off": 5},
    "no_data": {**OF_STATION, "quantity": "soil_moisture", "silent_s": 7200},
    "stuck": {**OF_STATION, "quantity": "soil_moisture", "unchanged_s": 86_400},
    "low_battery": {
        **OF_STATION,
        "quantity": "battery_voltage",
        "within_s": 86_400,
        "on": 3.0,
        "off": 3.3,
    },
    "levels": {
        **OF_STATION,
        "quantity": "water_level",
        "margin": 0.1,
        "levels": [
            {"on": 1.2, "measures": "Pegel beobachten."},
            {"on": 1.6, "measures": "Unterführung sperren."},
        ],
    },
    "overstay": {**OF_STATION, "quantity": "occupied", "longest_s": 7200},
}


def shown(town: AnsweredTown, person: str = "Anna Meier") -> dict[tuple[str, str], str]:
    with town.database.read() as connection:
        stored = repository.rule(connection, town.scope, "regel")
        found = previews(connection, stored, person, town.clock.now())
    assert all(one.septets == septets(one.text) <= ONE_PART_SEPTETS for one in found)
    return {(one.what, one.language.value): one.text for one in found}


@pytest.mark.parametrize("name", [None, LONG])
def test_every_kind_of_rule_can_be_previewed_and_fits(town: AnsweredTown, name: str | None) -> None:
    assert RULES.keys() <= KINDS.keys()
    town.permit(900)
    for number, (kind, values) in enumerate(RULES.items()):
        slug = f"regel-{number}"
        town.rule(**{**values, "slug": slug, "kind": kind, **({"name": name} if name else {})})
        with town.database.read() as connection:
            stored = repository.rule(connection, town.scope, slug)
            found = previews(
                connection, stored, "Anna-Maria von Sonnenberg-Großhausen", town.clock.now()
            )
        assert {one.language for one in found} == set(Language)
        for one in found:
            assert one.septets == septets(one.text) <= ONE_PART_SEPTETS
            assert not re.search(r"\b(du|dein\w*|dich|dir)\b", one.text, re.IGNORECASE)
            assert "{" not in one.text


def test_the_texts_of_a_market(town: AnsweredTown) -> None:
    town.rule(**RULES["threshold"])
    texts = shown(town)
    assert texts["acknowledged", "de"] == (
        "Übernommen um 09:27 Uhr von Anna Meier: Wochenmarkt, Alarm von 09:20 Uhr."
    )
    assert texts["confirmed", "de"] == (
        "Danke, bestätigt um 09:27 Uhr: Wochenmarkt, Alarm von 09:20 Uhr."
    )
    assert texts["already acknowledged", "de"] == (
        "Schon bestätigt um 09:27 Uhr von Anna Meier: Wochenmarkt, Alarm von 09:20 Uhr."
    )
    assert texts["acknowledged", "en"] == (
        "Taken at 09:27 by Anna Meier: Wochenmarkt, alarm of 09:20."
    )
    assert texts["repeat", "en"].startswith("REMINDER, ALARM Wochenmarkt: up to 900 people")
    assert texts["help", "de"].startswith("Hier liest niemand mit.")


def test_each_level_of_a_gauge_is_shown_with_its_value_and_measures(town: AnsweredTown) -> None:
    town.rule(**RULES["levels"], kind="levels")
    with town.database.read() as connection:
        stored = repository.rule(connection, town.scope, "regel")
        found = previews(connection, stored, "Anna Meier", town.clock.now())
    alarms = [one.text for one in found if (one.what, one.language) == ("alarm", Language.DE)]
    assert ["1,20 m (Stufe 1" in text for text in alarms] == [True, False]
    assert ["1,60 m (Stufe 2" in text for text in alarms] == [False, True]
    assert ["Pegel beobachten." in text for text in alarms] == [True, False]
    assert ["Unterführung sperren." in text for text in alarms] == [False, True]
    assert "1,10 m" in shown(town)["all-clear", "de"]


def test_a_space_is_free_again_and_a_warning_has_its_own_number(town: AnsweredTown) -> None:
    town.permit(900)
    town.rule(**{**RULES["permit"], "kind": "permit", "slug": "genehmigt"})
    town.rule(**RULES["overstay"], kind="overstay")
    assert "Frei" in shown(town)["all-clear", "de"]
    with town.database.read() as connection:
        stored = repository.rule(connection, town.scope, "genehmigt")
        found = previews(connection, stored, "Anna Meier", town.clock.now())
    warning, alarm = (
        one.text for one in found if (one.what, one.language.value) == ("alarm", "de")
    )
    assert warning.startswith("WARNUNG Wochenmarkt: bis zu 810 Personen")
    assert alarm.startswith("ALARM Wochenmarkt: bis zu 900 Personen")


@pytest.mark.parametrize("language", Language)
def test_answers_without_an_alarm_fit(town: AnsweredTown, language: Language) -> None:
    now = town.clock.now()
    for sentence in (
        wording.stopped(LONG, now, now, language),
        wording.test(LONG, language),
        wording.no_shift(language),
        wording.help_answer(language),
        wording.nothing_open(language),
    ):
        assert septets(compose(sentence)) <= ONE_PART_SEPTETS
