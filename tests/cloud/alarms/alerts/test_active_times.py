"""Rules that may fire at some times only, from the document to the message."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fake_alert_town import AlertTown
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.alerts.rule import Rule

MORNING: dict[str, Any] = {
    "active": [{"from": "04-01", "to": "10-31", "days": ["sat"], "start": "08:00", "end": "11:00"}]
}
"""Saturday is the day of the town of tests, which counts from ten o'clock."""


def test_an_alarm_ends_with_its_time_and_nobody_is_told_that_all_is_well(
    town: AlertTown,
) -> None:
    town.station_rule(**MORNING, stale_after_s=86_400)
    town.soil(0, 12)
    town.restart()
    town.tick(62)
    (one,) = town.incidents()
    assert (one.close_reason, one.closed_at - one.opened_at) == ("not_active", 3_600_000_000)
    assert [row.text for row in town.messages()] == [
        (
            "Alarm beendet (Überwachungszeit zu Ende): Linde am Markt, Alarm von 10:00 Uhr. "
            "Das ist keine Entwarnung."
        )
    ]
    town.soil(70, 12)
    assert len(town.incidents()) == 1


def test_a_rebuild_finds_the_same_again(town: AlertTown) -> None:
    """What a time ended is found again; it is no change of the rule that nobody could repeat."""
    town.zone_rule(active=[{"start": "08:00", "end": "10:30"}], stale_after_s=86_400)
    town.crowds((0, 912), (10, 900), (31, 920), (40, 800))
    before = [tuple(row) for row in town.incidents()]
    assert [row.close_reason for row in town.incidents()] == ["not_active"]
    sent = len(town.messages())
    town.rebuild()
    assert [tuple(row) for row in town.incidents()] == before
    assert len(town.messages()) == sent


def test_a_document_keeps_what_it_says() -> None:
    rule = Rule.model_validate(
        {"slug": "x", "name": "X", "zone": "markt", "on": 9, "off": 8, **MORNING}
    )
    (shown,) = rule.model_dump(mode="json")["active"]
    assert shown == {**MORNING["active"][0], "region": None}
    assert Rule.model_validate(rule.model_dump()) == rule


@pytest.mark.parametrize(
    ("time", "english", "german"),
    [
        ({"from": "31.10."}, "e.g. 04-01", "z. B. 04-01"),
        ({"to": "02-30"}, "no such day of the year", "diesen Tag im Jahr gibt es nicht"),
        ({"start": "08:00", "end": "08:00"}, "is empty", "ist leer"),
        ({"start": "00:00", "end": "00:00"}, "is empty", "ist leer"),
        ({"days": ["holiday"]}, "name the 'region'", "die 'region' nennen"),
        ({"days": ["montag"]}, "use some of mon", "möglich sind mon"),
        ({"days": ["holiday"], "region": "XX"}, "holiday region", "Feiertagsregion"),
    ],
)
def test_a_time_that_is_none_is_refused_with_what_to_write(
    time: dict[str, Any], english: str, german: str
) -> None:
    values = {"slug": "x", "name": "X", "zone": "markt", "on": 9, "off": 8, "active": [time]}
    with pytest.raises(ValidationError) as refused:
        Rule.model_validate(values)
    (error,) = refused.value.errors()
    said = error["ctx"]["error"]
    assert isinstance(said, Unusable)
    assert english in said.sentence.english
    assert german in said.sentence.german
