"""What is muted is recorded and shown, and told at the end of it if it still goes on."""

from __future__ import annotations

from typing import Any

import pytest

from answered_town import AnsweredTown
from fake_alert_town import minute
from stadtsinn.base.instant import DAY, Instant, to_datetime
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cloud.alarms.alerts.mute import MuteBody


def statuses(town: AnsweredTown) -> list[tuple[str, str, str]]:
    return [(row.kind, town.who(row), row.status) for row in town.messages()]


def test_an_alarm_in_a_mute_is_recorded_and_told_at_its_end(town: AnsweredTown) -> None:
    town.zone_rule(recipients=["bauhof"], repeat_s=600)
    town.mute(30, rule="markt-voll")
    town.crowds((1, 950))
    town.each_minute(2, 29)
    assert statuses(town) == [("ALARM", "bauhof", "SUPPRESSED")]
    assert len(town.incidents()) == 1
    town.each_minute(30, 32)
    assert statuses(town) == [("ALARM", "bauhof", "DELIVERED")]
    alarm = "ALARM Wochenmarkt: bis zu 950 Personen (Grenze 900). Stand 10:01 Uhr."
    assert town.texts("ALARM") == {f"{alarm} War bis jetzt stummgeschaltet."}
    town.each_minute(33, 42)
    assert town.count("REPEAT") == {"bauhof": 1}  # the waiting begins when it could be known


def test_what_ended_in_the_mute_is_told_to_nobody(town: AnsweredTown) -> None:
    town.zone_rule(recipients=["bauhof"])
    town.mute(30, zone="wochenmarkt")
    town.crowds((1, 950), (10, 100))
    town.each_minute(11, 40)
    assert statuses(town) == [("ALARM", "bauhof", "SUPPRESSED")]
    assert town.incidents()[0].closed_at == minute(10)


def test_an_unmute_tells_at_once_and_twice_is_refused(town: AnsweredTown) -> None:
    town.zone_rule(recipients=["bauhof"])
    mute = town.mute(600, rule="markt-voll")
    town.crowds((1, 950))
    town.pass_to(2)
    town.unmute(mute.id)
    town.pass_to(3)
    assert statuses(town) == [("ALARM", "bauhof", "DELIVERED")]
    with pytest.raises(Conflict):
        town.unmute(mute.id)


def test_the_end_is_told_in_a_mute_to_who_knows_of_the_alarm(town: AnsweredTown) -> None:
    town.fire(recipients=["bauhof"], repeat_s=600)
    town.mute(60, rule="markt-voll")
    town.each_minute(1, 20)
    assert town.count("REPEAT") == {}
    town.crowds((21, 100))
    assert town.count("ALL_CLEAR") == {"bauhof": 1}


def test_a_reminder_that_was_due_in_the_mute_comes_once_behind_it(town: AnsweredTown) -> None:
    town.fire(recipients=["bauhof"], repeat_s=600)
    town.pass_to(0)
    town.mute(60, rule="markt-voll")
    town.each_minute(1, 65)
    assert town.count("REPEAT") == {"bauhof": 1}


def test_of_two_levels_in_a_mute_only_the_higher_one_is_told(town: AnsweredTown) -> None:
    town.permit(900)
    town.rule(slug="markt", name="Markt", zone="wochenmarkt", kind="permit", recipients=["bauhof"])
    town.mute(30, zone="wochenmarkt")
    town.crowds((1, 820), (2, 920))
    town.each_minute(30, 31)
    assert [(row.level, row.status) for row in town.messages()] == [
        (1, "SUPPRESSED"),
        (2, "DELIVERED"),
    ]


def test_a_muted_group_is_not_told_and_others_are(town: AnsweredTown) -> None:
    town.group()
    town.zone_rule(recipients=["bereitschaft", "leitung"])
    town.mute(30, duty_group="bereitschaft")
    town.crowds((1, 950))
    town.each_minute(1, 29)
    assert statuses(town) == [
        ("ALARM", "leitung", "DELIVERED"),
        ("ALARM", "ordnungsamt", "SUPPRESSED"),
    ]
    town.pass_to(30)
    assert town.count("ALARM") == {"leitung": 1, "ordnungsamt": 1}


def test_two_mutes_one_of_which_ends_stay_quiet(town: AnsweredTown) -> None:
    town.zone_rule(recipients=["bauhof"])
    town.mute(30, zone="wochenmarkt")
    town.mute(50, rule="markt-voll")
    town.crowds((1, 950))
    town.each_minute(2, 49)
    assert town.told() == []
    town.pass_to(50)
    assert town.count("ALARM") == {"bauhof": 1}


@pytest.mark.parametrize(
    ("what", "muted"),
    [
        ({"station": "linde"}, True),
        ({"station": "markt"}, False),
        ({"site": "park"}, True),
        ({"tag": "neu"}, True),
        ({"office": "Umweltamt"}, True),
        ({"office": "umweltamt"}, True),
        ({"zone": "wochenmarkt"}, False),
        ({"rule": "linde-trocken"}, True),
    ],
)
def test_mutes_of_each_kind(town: AnsweredTown, what: dict[str, Any], muted: bool) -> None:
    from sqlalchemy import insert, update

    from stadtsinn.cloud.town.service import change
    from stadtsinn.cloud.town.stations.tables import stations
    from stadtsinn.cloud.town.tables import sites

    with change(town.database) as connection:
        site = insert(sites).values(tenant_id=town.scope.tenant_id, slug="park", name="Park")
        key = connection.execute(site.returning(sites.c.id)).scalar_one()
        mine = stations.c.id == town.station_id
        values = {"site_id": key, "office": "Umweltamt", "tags": ["neu"]}
        connection.execute(update(stations).where(mine).values(**values))
    town.station_rule()
    town.mute(30, **what)
    town.soil(1, 10)
    assert town.count("ALARM") == ({} if muted else {"bauhof": 1})
    assert len(town.incidents()) == 1


@pytest.mark.parametrize(
    "what",
    [
        {"rule": "gibtsnicht"},
        {"station": "gibtsnicht"},
        {"zone": "linde"},
        {"duty_group": "bauhof"},
        {"site": "x"},
        {"tag": "x"},
        {"office": "x"},
    ],
)
def test_what_is_not_there_cannot_be_muted(town: AnsweredTown, what: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        town.mute(30, **what)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "a", "reason": "x"},
        {"rule": "a", "reason": "x", "end": None},
        {"rule": "a", "end": "2026-12-01"},
        {"rule": "a", "reason": "", "end": "2026-12-01"},
        {"rule": "a", "station": "b", "reason": "x", "end": "2026-12-01"},
        {"reason": "x", "end": "2026-12-01"},
    ],
)
def test_a_mute_without_end_reason_or_one_thing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"end|reason|one of"):
        MuteBody.model_validate(wrong)


@pytest.mark.parametrize("end", [0, -1, 31 * DAY + 1])
def test_an_end_that_is_over_or_too_far_is_refused(end: int) -> None:
    now = minute(0)
    body = MuteBody(rule="a", reason="x", end=to_datetime(Instant(now + end)))
    with pytest.raises(ValueError, match="end"):
        body.require_sound(now, 31)
    last = MuteBody(rule="a", reason="x", end=to_datetime(Instant(now + 31 * DAY)))
    assert last.require_sound(now, 31) == now + 31 * DAY


def test_mutes_stand_in_the_audit(town: AnsweredTown) -> None:
    from stadtsinn.cloud.platform.audit import repository

    town.zone_rule()
    mute = town.mute(30, rule="markt-voll")
    town.unmute(mute.id)
    with town.database.read() as connection:
        lines = repository.lines_page(connection, town.scope, None, 10)
    found = [(one.line.action.value, one.line.kind, one.line.name) for one in lines]
    assert found == [("changed", "mute", "rule markt-voll"), ("created", "mute", "rule markt-voll")]
