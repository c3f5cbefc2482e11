"""Acknowledgement, repeats and escalation of open alarms, as people see them."""

from __future__ import annotations

from typing import Any

import pytest

from answered_town import AnsweredTown
from fake_alert_town import minute
from stadtsinn.base.problems import Conflict, NotFound
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.platform.access.scope import Role, Scope

STEPS = (
    {"after_s": 900, "to": ["leitung"]},
    {"after_s": 1800, "to": ["nacht"]},
)
REPEATING: dict[str, Any] = {"repeat_s": 600, "escalation": STEPS}


def test_what_nobody_acknowledges_is_said_again_and_passed_on(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.each_minute(0, 41)
    assert town.count("ALARM") == {"ordnungsamt": 1, "bauhof": 1}
    assert town.count("ESCALATION") == {"leitung": 1, "nacht": 1}
    # Who was told by the escalation hears of it again as well.
    assert town.count("REPEAT") == {"ordnungsamt": 4, "bauhof": 4, "leitung": 3, "nacht": 1}


def test_who_acknowledges_ends_it_and_the_others_learn_who_has_it(town: AnsweredTown) -> None:
    incident = town.fire(**REPEATING)
    town.each_minute(0, 5)
    done = town.acknowledge(incident, "bauhof")
    assert (done.first, done.by, done.at) == (True, "Bauhof", minute(5))
    town.each_minute(6, 100)
    assert town.count("ACKNOWLEDGED") == {"ordnungsamt": 1}
    assert town.kinds() == ["ALARM", "ALARM", "ACKNOWLEDGED"]
    assert town.texts("ACKNOWLEDGED") == {
        "Übernommen um 10:05 Uhr von Bauhof: Wochenmarkt, Alarm von 10:00 Uhr."
    }


def test_the_second_is_told_who_was_first(town: AnsweredTown) -> None:
    incident = town.fire()
    town.acknowledge(incident, "bauhof")
    town.pass_to(3)
    second = town.acknowledge(incident, "ordnungsamt")
    assert (second.first, second.by, second.at) == (False, "Bauhof", minute(0))
    assert town.count("ACKNOWLEDGED") == {"ordnungsamt": 1}


def test_a_higher_level_needs_another_acknowledgement(town: AnsweredTown) -> None:
    town.permit(900)
    town.rule(
        slug="markt",
        name="Wochenmarkt",
        zone="wochenmarkt",
        kind="permit",
        recipients=["ordnungsamt"],
        **REPEATING,
    )
    town.crowds((0, 820))
    town.sent()
    town.pass_to(1)
    first = town.acknowledge(town.open_incident())
    town.crowds((2, 920))
    town.sent()
    town.each_minute(2, 13)
    assert first.level == 1
    assert town.count("REPEAT") == {"ordnungsamt": 1}
    again = town.acknowledge(town.open_incident())
    assert (again.first, again.level) == (True, 2)
    town.each_minute(14, 60)
    assert town.count("REPEAT") == {"ordnungsamt": 1}


def test_what_ended_is_not_repeated_and_cannot_be_acknowledged(town: AnsweredTown) -> None:
    incident = town.fire(**REPEATING)
    town.each_minute(0, 9)
    town.crowds((9, 100))
    town.each_minute(10, 60)
    assert town.kinds() == ["ALARM", "ALARM", "ALL_CLEAR", "ALL_CLEAR"]
    assert town.attention() == []
    with pytest.raises(Conflict):
        town.acknowledge(incident)


def test_a_reminder_that_waits_is_given_up_when_it_is_over(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.each_minute(0, 15, away=True)  # the repeat and the escalation wait for the provider
    town.crowds((16, 100))
    assert town.count("REPEAT") == {}
    assert town.count("ESCALATION") == {}
    assert town.count("ALL_CLEAR") == {"ordnungsamt": 1, "bauhof": 1}


def test_who_was_told_by_escalation_hears_of_the_end(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.each_minute(0, 15)
    town.sent()
    town.crowds((16, 100))
    assert town.count("ALL_CLEAR") == {"ordnungsamt": 1, "bauhof": 1, "leitung": 1}


def test_what_is_about_to_end_by_itself_troubles_nobody(town: AnsweredTown) -> None:
    town.fire(keep_firing_s=3_600, **REPEATING)
    town.pass_to(0)
    town.crowds((5, 100))
    town.each_minute(6, 40)
    assert town.kinds() == ["ALARM", "ALARM"]
    town.crowds((41, 950))
    town.pass_to(42)
    assert town.count("ESCALATION") == {"leitung": 1}


def test_after_a_restart_and_with_two_workers_nothing_is_said_twice(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.pass_to(0)
    for one in range(31):
        town.pass_to(one)
        assert "REPEAT" not in town.kinds() or one >= 10
        town.restart()
        town.worker.run_once()
    assert town.count("REPEAT") == {"ordnungsamt": 3, "bauhof": 3, "leitung": 2}
    assert town.count("ESCALATION") == {"leitung": 1, "nacht": 1}


def test_while_the_provider_is_away_reminders_do_not_pile_up(town: AnsweredTown) -> None:
    town.group()
    town.zone_rule(recipients=["bereitschaft"], repeat_s=600)
    town.crowds((0, 950))
    town.each_minute(0, 100, away=True)
    assert town.kinds() == ["ALARM"]
    town.sent()
    town.each_minute(101, 200, away=True)
    assert town.kinds() == ["ALARM", "REPEAT"]


def test_a_rebuild_fires_nothing_and_waits_meanwhile(town: AnsweredTown) -> None:
    incident = town.fire(stale_after_s=86_400, **REPEATING)
    town.each_minute(0, 5)
    town.acknowledge(incident)
    before = town.told()
    town.database.in_slices(town.follower.reset)
    town.each_minute(6, 60)
    town.tick()
    town.each_minute(61, 90)
    assert town.told() == before
    assert town.open_incident() == incident
    assert not town.acknowledge(incident).first


def test_an_unacknowledged_alarm_goes_on_after_a_rebuild(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.each_minute(0, 10)
    town.rebuild()
    town.each_minute(10, 20)
    assert town.count("REPEAT") == {"ordnungsamt": 2, "bauhof": 2, "leitung": 1}


def test_a_clock_that_jumps_causes_no_heap(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.pass_to(0)
    town.pass_to(1, wall=5_000_000)
    town.pass_to(2, wall=5_000_001)
    assert town.count("REPEAT") == {"ordnungsamt": 1, "bauhof": 1}
    assert town.count("ESCALATION") == {"leitung": 1}
    town.pass_to(3, wall=0)  # and back
    town.pass_to(4, wall=1)
    assert town.count("REPEAT") == {"ordnungsamt": 1, "bauhof": 1}
    town.pass_to(5, wall=11)
    assert town.count("REPEAT") == {"ordnungsamt": 2, "bauhof": 2, "leitung": 1}


def test_quiet_hours_hold_reminders_back_until_somebody_could_know(town: AnsweredTown) -> None:
    quiet = [{"severity": "warning", "start": "09:00", "end": "11:00"}]
    town.group(quiet_hours=quiet)
    town.fire(recipients=["bereitschaft"], severity="warning", **REPEATING)
    town.each_minute(0, 59)
    assert town.kinds() == ["ALARM"]
    town.each_minute(60, 75)
    assert town.count("REPEAT") == {"ordnungsamt": 1}
    assert town.count("ESCALATION") == {"leitung": 1}


def test_after_a_change_of_shift_the_repeat_goes_to_who_has_duty_now(town: AnsweredTown) -> None:
    shifts = [
        {"on_duty": "ordnungsamt", "start": "08:00", "end": "10:15"},
        {"on_duty": "bauhof", "start": "10:15", "end": "08:00"},
    ]
    town.group(shifts=shifts)
    town.fire(recipients=["bereitschaft"], repeat_s=600)
    town.each_minute(0, 21)
    assert [one for one in town.told() if one[0] == "REPEAT"] == [
        ("REPEAT", "ordnungsamt"),
        ("REPEAT", "bauhof"),
    ]


def test_an_escalation_whose_people_are_gone_goes_on_to_the_next(town: AnsweredTown) -> None:
    from stadtsinn.cloud.alarms.notify.service import delete_recipient
    from stadtsinn.cloud.town.service import change

    town.fire(**REPEATING)
    with change(town.database) as connection:
        delete_recipient(connection, town.scope, "leitung")
    town.each_minute(0, 31)
    assert town.count("ESCALATION") == {"nacht": 1}


def test_another_town_sees_nothing_to_acknowledge(town: AnsweredTown) -> None:
    incident = town.fire()
    town.scope = Scope("andere", Role.ADMIN, 0)
    with pytest.raises(NotFound):
        town.acknowledge(incident)


def test_a_rule_changed_meanwhile_goes_by_its_new_plan(town: AnsweredTown) -> None:
    rule = town.zone_rule(repeat_s=600)
    town.crowds((0, 950))
    town.sent()
    town.each_minute(0, 11)
    town.edit(rule, repeat_s=120)
    town.each_minute(12, 16)
    assert town.count("REPEAT")["bauhof"] == 4  # at 10, 12, 14 and 16


def test_the_texts_fit_and_say_it(town: AnsweredTown) -> None:
    town.fire(**REPEATING)
    town.each_minute(0, 15)
    alarm = "ALARM Wochenmarkt: bis zu 950 Personen (Grenze 900). Stand 10:00 Uhr."
    assert town.texts("REPEAT") == {f"WIEDERHOLUNG, {alarm} Noch nicht bestätigt."}
    assert town.texts("ESCALATION") == {f"{alarm} Bisher hat niemand bestätigt."}


@pytest.mark.parametrize(
    "wrong",
    [
        {"repeat_s": 10},
        {"escalation": [{"after_s": 900, "to": []}]},
        {"escalation": [{"after_s": 900, "to": ["leitung"]}, {"after_s": 900, "to": ["nacht"]}]},
        {"escalation": [{"after_s": 1, "to": ["leitung"]}]},
    ],
)
def test_a_plan_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    sound = {"slug": "a", "name": "A", "zone": "z", "on": 9, "off": 8}
    Rule.model_validate({**sound, **REPEATING})
    with pytest.raises(ValueError, match=r"repeat_s|after_s|to"):
        Rule.model_validate({**sound, **wrong})
