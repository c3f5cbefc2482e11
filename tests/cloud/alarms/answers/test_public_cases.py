"""Cases that users of other alarm systems reported, each with its source, through our own."""

from __future__ import annotations

import pytest

from answered_town import AnsweredTown
from fake_alert_town import minute
from stadtsinn.base.instant import DAY, MINUTE
from stadtsinn.base.problems import Conflict

ONE_DAY = DAY // MINUTE


def closed(town: AnsweredTown) -> list[tuple[float, str]]:
    """When all alarms ended, in minutes, and why."""
    return [((row.closed_at - minute(0)) / MINUTE, row.close_reason) for row in town.incidents()]


def test_data_that_goes_away_ends_no_alarm_and_data_that_comes_back_begins_none(
    town: AnsweredTown,
) -> None:
    """grafana/grafana#105571: "resolved" went out when an edge lost its line, "firing" after it."""
    incident = town.fire(stale_after_s=900)
    town.each_minute(1, 60)
    for one in range(20, 60):
        town.tick(one)
    town.crowds((61, 950))
    town.sent()
    assert town.open_incident() == incident
    assert town.count("ALL_CLEAR") == {}
    assert sum(town.count("ALARM").values()) == 2, "one for each of the two recipients"


def test_a_restart_tells_nobody_again(town: AnsweredTown) -> None:
    """prometheus/alertmanager#627: each reload sent all alerts that there were once more."""
    town.fire(repeat_s=6 * 3_600)
    before = town.told()
    for one in range(1, 30):
        town.restart()
        town.crowds((one, 950))
        town.pass_to(one)
    assert town.told() == before


def test_a_repeat_is_due_when_it_was_also_after_a_restart(town: AnsweredTown) -> None:
    """prometheus/alertmanager#2339: is the rest of the wait kept, or does it begin anew?"""
    town.fire(recipients=["bauhof"], repeat_s=600)
    town.each_minute(0, 6)
    town.restart()
    town.each_minute(7, 9)
    assert town.count("REPEAT") == {}
    town.pass_to(10)
    assert town.count("REPEAT") == {"bauhof": 1}


def test_an_alarm_of_many_days_is_told_once(town: AnsweredTown) -> None:
    """SigNoz/signoz#10043: after five days its memory was cleared, and the alarm was told anew."""
    town.fire(recipients=["bauhof"], stale_after_s=2 * 86_400)
    for day in range(1, 15):
        town.crowds((day * ONE_DAY, 950))
        town.pass_to(day * ONE_DAY)
        town.restart()
    town.rebuild()
    assert town.told() == [("ALARM", "bauhof")]
    assert town.incidents()[0].opened_at == minute(0)


def test_each_further_value_beyond_the_limit_is_the_same_alarm(town: AnsweredTown) -> None:
    """thingsboard/thingsboard#15103: every second update created the alarm once more."""
    town.fire(recipients=["bauhof"])
    town.crowds(*((one / 30, 950 + one % 7) for one in range(1, 60)))
    town.sent()
    assert town.told() == [("ALARM", "bauhof")]
    assert len(town.incidents()) == 1


def test_values_that_a_device_kept_have_the_time_of_their_measurement(town: AnsweredTown) -> None:
    """thingsboard/thingsboard#8191: an hour's values at once, and the alarm ended "now"."""
    town.station_rule()
    for one, value in ((0, 30), (10, 12), (20, 12), (30, 25), (40, 26)):
        town.soil(one, value, now=60)
    (incident,) = town.incidents()
    assert (incident.opened_at, incident.closed_at) == (minute(10), minute(30))
    assert sum(town.count("ALARM").values()) <= 1


def test_who_acknowledges_what_has_just_ended_opens_nothing(town: AnsweredTown) -> None:
    """oncall#3161: "acknowledged" a moment after "resolved" made it an open alarm again."""
    incident = town.fire()
    town.crowds((4, 100))
    with pytest.raises(Conflict, match="over"):
        town.acknowledge(incident)
    town.each_minute(5, 60)
    assert closed(town) == [(4, "recovered")]
    assert town.count("ACKNOWLEDGED") == {}


def test_who_has_an_alarm_in_hand_wakes_nobody_months_later(town: AnsweredTown) -> None:
    """oncall#3111: an alert acknowledged in June was passed on in October."""
    incident = town.fire(
        recipients=["bauhof"],
        repeat_s=600,
        escalation=[{"after_s": 900, "to": ["leitung"]}],
        stale_after_s=86_400,
    )
    town.acknowledge(incident)
    for day in range(1, 120, 7):
        town.crowds((day * ONE_DAY, 950))
        town.restart()
        town.pass_to(day * ONE_DAY)
    assert town.count("ESCALATION") == town.count("REPEAT") == {}


def test_what_waits_to_be_sent_is_withdrawn_by_an_acknowledgement(town: AnsweredTown) -> None:
    """oncall#4654: acknowledged on the telephone, and the text message came all the same."""
    incident = town.fire(recipients=["bauhof"], escalation=[{"after_s": 600, "to": ["leitung"]}])
    town.pass_to(0)
    town.pass_to(10, away=True)  # written for the head of the office; the provider is away
    town.acknowledge(incident, "bauhof")
    town.each_minute(11, 60)
    assert town.count("ESCALATION") == {}


def test_at_the_end_of_a_mute_what_goes_on_is_told_at_once(town: AnsweredTown) -> None:
    """prometheus/alertmanager#2896: it waited for the next repeat, in the worst case for days."""
    town.zone_rule(recipients=["bauhof"], repeat_s=86_400)
    town.mute(30, rule="markt-voll")
    town.crowds((5, 950))
    town.each_minute(5, 29)
    assert town.told() == []
    town.each_minute(30, 31)
    assert town.told() == [("ALARM", "bauhof")]


def test_who_knows_of_an_alarm_hears_of_its_end_while_it_is_muted(town: AnsweredTown) -> None:
    """prometheus/alertmanager#226: no "resolved" for what was silenced after it was told."""
    town.fire(recipients=["bauhof"])
    town.mute(60, rule="markt-voll")
    town.crowds((10, 100))
    town.sent()
    assert town.told() == [("ALARM", "bauhof"), ("ALL_CLEAR", "bauhof")]


def test_a_rule_that_changes_while_it_fires_leaves_nothing_that_repeats(
    town: AnsweredTown,
) -> None:
    """prometheus/alertmanager#3371, #2770: the alert of the old rule was repeated for ever."""
    rule = town.zone_rule(recipients=["bauhof"], repeat_s=600)
    town.crowds((0, 950))
    town.each_minute(0, 1)
    town.edit(rule, on=2_000, off=1_900)
    town.tick()
    town.each_minute(2, 90)
    assert town.told() == [("ALARM", "bauhof"), ("ENDED", "bauhof")]
    assert closed(town) == [(1, "rule_changed")]


def test_a_rule_that_is_switched_off_and_on_does_not_stay_alarmed(town: AnsweredTown) -> None:
    """elastic/kibana#105046: the alert of before was open for ever, whatever the values said."""
    rule = town.zone_rule(recipients=["bauhof"])
    town.crowds((0, 950))
    town.sent()
    town.edit(rule, enabled=False)
    town.tick(1)
    town.edit(rule)
    town.crowds((2, 100), (3, 100))
    assert town.open_incidents() == []
    town.crowds((4, 950), (5, 100))
    assert [reason for _, reason in closed(town)] == ["rule_disabled", "recovered"]


def test_what_falls_below_the_limit_while_it_waits_begins_its_wait_anew(
    town: AnsweredTown,
) -> None:
    """grafana/grafana#46912: "for five minutes" ran on although the value went to and fro."""
    town.zone_rule(for_s=300)
    town.crowds(*((one, 950 if one % 2 == 0 else 100) for one in range(40)))
    assert town.incidents() == []
    town.crowds(*((one, 950) for one in range(40, 46)))
    assert len(town.open_incidents()) == 1
