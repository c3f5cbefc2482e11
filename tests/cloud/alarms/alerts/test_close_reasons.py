"""Each reason for which an alarm ends happens, and is told in both languages and by the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from fake_alert_town import DEVICE, AlertTown, minute
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.schemas import IncidentView
from stadtsinn.cloud.alarms.alerts.service import delete_rule
from stadtsinn.cloud.alarms.alerts.words import WORDS
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import create_recipient
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.repository import delete_gate, update_zone
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.rules.state import CloseReason

HEADS = {Language.DE: "ENTWARNUNG ", Language.EN: "ALL CLEAR "}
NO_ALL_CLEAR = {
    Language.DE: "Das ist keine Entwarnung.",
    Language.EN: "This is not an all-clear.",
}


def recovered(town: AlertTown, _: Rule) -> None:
    town.soil(2, 30)


def rule_changed(town: AlertTown, rule: Rule) -> None:
    town.edit(rule, on=14)


def rule_disabled(town: AlertTown, rule: Rule) -> None:
    town.edit(rule, enabled=False)


def rule_deleted(town: AlertTown, rule: Rule) -> None:
    with change(town.database) as connection:
        assert delete_rule(connection, town.scope, rule.slug, minute(2))


def station_left(town: AlertTown, _: Rule) -> None:
    town.kind_of_station("well")


def station_deleted(town: AlertTown, _: Rule) -> None:
    with change(town.database) as connection:
        connection.execute(delete(deployments).where(deployments.c.dev_eui == DEVICE))
        connection.execute(delete(stations).where(stations.c.id == town.station_id))


def zone_changed(town: AlertTown, _: Rule) -> None:
    with change(town.database) as connection:
        delete_gate(connection, town.scope, "wochenmarkt", "markt")


def permit_removed(town: AlertTown, _: Rule) -> None:
    town.permit(None)


def zone_closed(town: AlertTown, _: Rule) -> None:
    market_until(town, "10:02")


def market_until(town: AlertTown, end: str) -> None:
    """What takes place on the market place on this day, up to a time."""
    event = {"slug": "markt", "name": "Markt", "date": "2026-09-26", "start": "08:00", "end": end}
    zone = Zone.model_validate(
        {"slug": "wochenmarkt", "name": "Wochenmarkt", "permitted": 900, "events": [event]}
    )
    with change(town.database) as connection:
        update_zone(connection, town.scope, zone)


def not_measured(town: AlertTown, _: Rule) -> None:
    with change(town.database) as connection:
        mine = deployments.c.dev_eui == DEVICE
        connection.execute(update(deployments).where(mine).values(end=minute(2)))


def not_active(town: AlertTown, _: Rule) -> None:
    town.soil(3, 10)


def group_changed(town: AlertTown, _: Rule) -> None:
    town.kind_of_station("well")


ACTS: list[Callable[[AlertTown, Rule], None]] = [
    recovered,
    rule_changed,
    rule_disabled,
    rule_deleted,
    station_left,
    station_deleted,
    zone_changed,
    permit_removed,
    zone_closed,
    not_measured,
    not_active,
    group_changed,
]
MORNING = [{"start": "00:00", "end": "10:02"}]
COUNT = {"kind": "count", "each": "below", "each_on": 15, "each_off": 20, "on": 1, "off": 0}
OF_A_ZONE = (zone_changed, permit_removed, zone_closed)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_it_happens_and_is_told(town: AlertTown, act: Callable[[AlertTown, Rule], None]) -> None:
    people = {language: f"leserin-{language}" for language in Language}
    with change(town.database) as connection:
        for number, (language, slug) in enumerate(people.items()):
            phone = f"+49170333{number:04}"
            body = Recipient(slug=slug, name=slug, address=phone, language=language)
            create_recipient(connection, town.scope, body)
    told = {"recipients": tuple(people.values())}
    if act in OF_A_ZONE:
        town.permit(900)
        rule = town.rule(slug="voll", name="Markt", zone="wochenmarkt", kind="permit", **told)
        town.crowds((0, 100), (1, 950))
    else:
        group: dict[str, Any] = {"station": None, "group": {"kind": "tree"}, **told}
        if act is group_changed:
            soil = {"slug": "trocken", "name": "Bäume", "quantity": "soil_moisture"}
            rule = town.rule(**soil, **group, **COUNT)
        else:
            rule = town.station_rule(**group, active=MORNING if act is not_active else [])
        town.soil(0, 30)
        town.soil(1, 10)
    with town.database.write() as connection:
        connection.execute(update(outbox).values(status="ACCEPTED", settled=True))
    act(town, rule)
    town.tick(2)
    (incident,) = town.incidents()
    assert incident.close_reason == act.__name__
    ends = {Language(row.language): row.text for row in town.messages() if row.kind != "ALARM"}
    for language in Language:
        if act is recovered:
            assert ends[language].startswith(HEADS[language])
        else:
            assert WORDS[language].reasons[CloseReason(act.__name__)] in ends[language]
            assert NO_ALL_CLEAR[language] in ends[language]


def test_an_event_that_ends_ends_its_alarm_without_another_sample(town: AlertTown) -> None:
    town.permit(900)
    market_until(town, "10:30")
    town.rule(slug="voll", name="Markt", zone="wochenmarkt", kind="permit")
    town.crowds((0, 100), (1, 950))
    town.tick(29)
    assert town.incidents()[0].close_reason is None
    town.tick(30)
    assert town.incidents()[0].close_reason == CloseReason.ZONE_CLOSED


@pytest.mark.parametrize(("end", "told"), [("10:05", 0), ("13:00", 1)])
def test_missing_data_is_missed_only_while_something_takes_place(
    town: AlertTown, end: str, told: int
) -> None:
    market_until(town, end)
    town.rule(slug="stumm", name="Markt", zone="wochenmarkt", kind="no_data", silent_s=600)
    town.crowds((0, 100), (1, 100))
    town.tick(4)
    town.tick(90)
    assert len(town.incidents()) == told


def test_none_is_left_out() -> None:
    assert {act.__name__ for act in ACTS} == set(CloseReason)
    page = (Path(__file__).parents[4] / "docs" / "api.md").read_text()
    said = str(IncidentView.model_json_schema())
    for reason in CloseReason:
        assert reason.value in said
        assert f"`{reason}`" in page or reason is CloseReason.RECOVERED
        for words in WORDS.values():
            assert words.reasons.get(reason, "") in said
