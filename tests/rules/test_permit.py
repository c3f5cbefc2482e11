"""Rules relative to what a permit allows: a warning, then the alarm, and a permit that changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from api_callers import ApiWorld
from databases import fresh_database
from fake_alert_town import AlertTown, minute
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.notify.claim_repository import expire, expired
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.alarms.notify.text import septets
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.rules import machine
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.state import Announced, Opened, Phase, Raised, RuleState
from stadtsinn.rules.terms import Terms

TERMS = Terms(Permit(), stale_after=10 * MINUTE, max_age=15 * MINUTE)


def course(
    terms: Terms, *samples: tuple[float, float], permitted: float = 900
) -> tuple[RuleState, list[Any]]:
    """The state after samples (minute, persons), and all effects."""
    state = RuleState()
    effects: list[Any] = []
    for at, persons in samples:
        moment = minute(at)
        state, more = machine.sample(terms, state, moment, persons, moment, permitted)
        effects += more
    return state, effects


@pytest.mark.parametrize(
    ("parameters", "remedy"),
    [
        ({"warn_percent": 100}, "below 'alarm_percent'"),
        ({"warn_percent": 110, "alarm_percent": 100}, "below 'alarm_percent'"),
        ({"off_percent": 90}, "below 90"),
        ({"warn_percent": None, "off_percent": 100}, "below 100"),
        ({"warn_percent": 0}, "greater than 0"),
        ({"alarm_percent": 500}, "less than or equal to 200"),
        ({"alarm_percent": float("nan")}, "finite"),
    ],
)
def test_levels_that_make_no_sense_are_refused(parameters: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        Permit.model_validate(parameters)


def test_a_warning_then_the_alarm_then_calm() -> None:
    state, effects = course(TERMS, (0, 700), (1, 809), (2, 810), (3, 850), (4, 900), (5, 765))
    opened = minute(2)
    assert effects[:4] == [
        Opened(opened, 810, late=False, level=1),
        Announced(opened, opened, 810, opened, 1),
        Raised(opened, minute(4), 2),
        Announced(opened, minute(4), 900, minute(4), 2),
    ]
    assert len(effects) == 5
    assert state.phase is Phase.OK


def test_a_crowd_that_comes_at_once_is_one_alarm() -> None:
    state, effects = course(TERMS, (0, 100), (1, 950))
    assert [type(one) for one in effects] == [Opened, Announced]
    assert (effects[1].level, state.level) == (2, 2)


def test_eased_and_reached_again_is_told_again_and_flicker_is_not() -> None:
    _, effects = course(TERMS, (0, 910), (1, 890), (2, 905), (3, 856), (4, 905))
    assert [one.at for one in effects if isinstance(one, Announced)] == [minute(0)]
    _, effects = course(TERMS, (0, 910), (1, 855), (2, 905))
    assert [one.at for one in effects if isinstance(one, Announced)] == [minute(0), minute(2)]


def test_the_alarm_has_to_hold_as_the_warning_does() -> None:
    patient = replace(TERMS, hold=2 * MINUTE)
    state, effects = course(patient, (0, 850), (2, 850), (3, 950), (4, 850), (5, 950), (6, 950))
    assert [type(one) for one in effects] == [Opened, Announced]
    state, more = machine.tick(patient, state, minute(7))
    assert more == (
        Raised(minute(2), minute(7), 2),
        Announced(minute(2), minute(7), 950, minute(6), 2),
    )
    assert machine.next_due(patient, state) is not None


def test_a_level_found_out_late_is_told_when_it_goes_on() -> None:
    state, _ = course(TERMS, (0, 850))
    late = minute(60)
    state, effects = machine.sample(TERMS, state, minute(5), 950, late, 900)
    assert effects == (Raised(minute(0), minute(5), 2),)
    state, effects = machine.sample(TERMS, state, minute(6), 960, minute(7), 900)
    assert effects == (Announced(minute(0), minute(6), 960, minute(6), 2),)


def test_silence_raises_only_by_policy() -> None:
    patient = replace(TERMS, hold=20 * MINUTE)
    before, _ = course(replace(TERMS, hold=0), (0, 850))
    climbing, _ = machine.sample(patient, before, minute(1), 950, minute(1), 900)
    state, effects = machine.tick(patient, climbing, minute(12))
    assert (state.level, [type(one).__name__ for one in effects]) == (1, ["FellSilent"])
    policy = replace(patient, alert_on_stale=True)
    state, effects = machine.tick(policy, climbing, minute(12))
    assert state.level == 2
    assert [type(one).__name__ for one in effects] == ["Raised", "Announced", "FellSilent"]


def test_values_of_one_moment_corrected_again_and_again_are_incidents_of_their_own() -> None:
    _, effects = course(TERMS, (0, 950), (0, 100), (0, 950))
    opened = [one.at for one in effects if isinstance(one, Opened)]
    assert opened == [minute(0), Instant(minute(0) + 1)]


# --- with the follower, the database and the outbox --------------------------------------


def permit_rule(town: AlertTown, **other: Any) -> Rule:
    town.permit(900)
    values = {
        "slug": "zulassung",
        "name": "Wochenmarkt",
        "zone": "wochenmarkt",
        "kind": "permit",
        "recipients": ("ordnungsamt",),
    }
    return town.rule(**(values | other))


def sent(town: AlertTown) -> None:
    """The provider took everything that waits."""
    with town.database.write() as connection:
        connection.execute(
            outbox.update()
            .where(outbox.c.status == Status.READY.value)
            .values(status=Status.DELIVERED.value, settled=True)
        )


def test_the_messages(town: AlertTown) -> None:
    permit_rule(town)
    for at, persons in ((0, 700), (1, 820), (3, 912), (9, 700)):
        town.crowds((at, persons))
        sent(town)
    texts = [row.text for row in town.messages()]
    assert texts == [
        (
            "WARNUNG Wochenmarkt: bis zu 820 Personen (zugelassen 900, Warnung ab 90 %). "
            "Stand 10:01 Uhr. Tendenz steigend. Geschätzt 800."
        ),
        (
            "ALARM Wochenmarkt: bis zu 912 Personen (zugelassen 900). Stand 10:03 Uhr. "
            "Tendenz steigend. Geschätzt 892."
        ),
        "ENTWARNUNG Wochenmarkt: bis zu 700 Personen. Alarm von 10:01 Uhr beendet um 10:09 Uhr.",
    ]
    assert max(map(septets, texts)) <= 160
    (incident,) = town.incidents()
    assert (incident.level, incident.close_reason) == (2, "recovered")


def test_a_warning_that_stays_one(town: AlertTown) -> None:
    permit_rule(town)
    town.crowds((0, 820))
    sent(town)
    town.crowds((5, 700))
    assert town.messages()[-1].text == (
        "ENTWARNUNG Wochenmarkt: bis zu 700 Personen. Warnung von 10:00 Uhr beendet um 10:05 Uhr."
    )


def test_a_permit_that_is_lowered_or_raised_moves_the_alarm_at_once(town: AlertTown) -> None:
    """The same number of persons, no edit of the rule: only the permit changes."""
    permit_rule(town)
    town.crowds((0, 700))
    assert town.messages() == []
    town.permit(700)
    town.crowds((1, 700))
    assert [row.level for row in town.messages()] == [2]
    assert "(zugelassen 700)" in town.messages()[0].text
    sent(town)
    town.permit(1000)
    town.crowds((2, 700))
    assert [row.kind for row in town.messages()] == ["ALARM", "ALL_CLEAR"]
    assert town.incidents()[0].close_reason == "recovered"


def test_a_rebuild_judges_by_the_permit_of_then(town: AlertTown) -> None:
    permit_rule(town)
    town.crowds((0, 910), (1, 100))
    before = [(row.id, row.level) for row in town.incidents()]
    town.permit(5000)
    town.crowds((2, 100))
    town.rebuild()
    assert [(row.id, row.level) for row in town.incidents()] == before != []


def give_up(town: AlertTown) -> None:
    """What nobody needs any more is not sent."""
    now = town.clock.now()
    with town.database.write() as connection:
        expire(connection, expired(connection, now), now)


def test_an_alarm_takes_the_place_of_a_warning_that_waits(town: AlertTown) -> None:
    permit_rule(town)
    town.crowds((0, 820), (1, 950))
    warning, alarm = town.messages()
    assert (warning.status, alarm.status) == ("EXPIRED", "READY")
    town.crowds((2, 100))
    give_up(town)
    (row,) = (row for row in town.messages() if row.status == "READY")
    assert row.text == (
        "Beendeter Alarm Wochenmarkt: die zugelassenen 900 waren erreicht, von 10:00 Uhr "
        "bis 10:02 Uhr."
    )


def test_who_was_warned_hears_of_the_end_once(town: AlertTown) -> None:
    permit_rule(town)
    town.crowds((0, 820))
    sent(town)
    town.crowds((1, 950))  # waits, and is over before it leaves
    town.crowds((2, 100))
    give_up(town)
    assert [row.status for row in town.messages()] == ["DELIVERED", "READY"]


def test_an_all_clear_follows_the_alarm_that_took_a_warnings_place(town: AlertTown) -> None:
    permit_rule(town)
    town.crowds((0, 820), (1, 950))
    sent(town)
    town.crowds((2, 100))
    give_up(town)
    assert [row.status for row in town.messages()] == ["EXPIRED", "DELIVERED", "READY"]


def test_without_a_permit_nothing_is_judged_and_the_alarm_ends(town: AlertTown) -> None:
    permit_rule(town, technicians=("bauhof",))
    town.crowds((0, 950))
    sent(town)
    town.permit(None)
    for at in range(1, 6):
        town.crowds((at, 100))
    assert [row.kind for row in town.messages()] == ["ALARM", "ENDED"]


def test_only_zones_with_a_permit_have_such_rules(tmp_path: Any) -> None:
    world = ApiWorld(fresh_database(tmp_path), tmp_path)
    editor = world.client(Role.EDITOR)
    rule = {"slug": "z", "name": "Z", "kind": "permit", "zone": "markt"}
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    refused = editor.post("/api/v1/rules", json=rule)
    assert refused.status_code == 422
    assert "permitted" in refused.text
    editor.put("/api/v1/zones/markt", json={"name": "Markt", "permitted": 900})
    created = editor.post("/api/v1/rules", json=rule).json()
    assert (created["warn_percent"], created["alarm_percent"], created["off_percent"]) == (
        90,
        100,
        85,
    )
    station = {**rule, "slug": "s", "station": "linde", "quantity": "soil_moisture"}
    station.pop("zone")
    refused = editor.post("/api/v1/rules", json=station)
    assert refused.status_code == 422
    assert "for a zone" in refused.text
