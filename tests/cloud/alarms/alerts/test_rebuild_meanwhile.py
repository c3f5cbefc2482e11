"""What happens before, while and after the history of rules is judged again: nothing is lost by it,
nothing stays open, and nobody hears of the past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from counted import write_transactions
from fake_alert_course import Course, incidents, messages
from fake_alert_town import AlertTown, minute
from stadtsinn.base.instant import DAY, MINUTE
from stadtsinn.cloud.alarms.alerts import follower as module
from stadtsinn.cloud.alarms.alerts import former, repository
from stadtsinn.cloud.alarms.alerts.service import delete_rule
from stadtsinn.cloud.alarms.alerts.tables import former_incidents
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.domains.crowd.zones.repository import delete_gate
from stadtsinn.cloud.platform.retention.repository import set_days
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments

pytestmark = pytest.mark.slow

Act = Callable[[AlertTown], None]


def end_deployments(town: AlertTown) -> None:
    with change(town.database) as connection:
        connection.execute(update(deployments).values(end=town.clock.now()))


def leave_the_group(town: AlertTown) -> None:
    town.kind_of_station("well")


def remove_the_permit(town: AlertTown) -> None:
    town.permit(None)


def remove_the_gate(town: AlertTown) -> None:
    with change(town.database) as connection:
        delete_gate(connection, town.scope, "wochenmarkt", "markt")


def _edit_both(town: AlertTown, **other: Any) -> None:
    for slug in ("baum", "voll"):
        with town.database.read() as connection:
            stored = repository.rule(connection, town.scope, slug)
        town.edit(stored.rule, **other)


def edit_the_rules(town: AlertTown) -> None:
    _edit_both(town, min_samples=2)


def switch_the_rules_off(town: AlertTown) -> None:
    _edit_both(town, enabled=False)


ENDS: dict[Act, dict[str, str]] = {
    end_deployments: {"soil": "not_measured", "crowd": "not_measured"},
    leave_the_group: {"soil": "station_left"},
    remove_the_permit: {"crowd": "permit_removed"},
    remove_the_gate: {"crowd": "zone_changed"},
    edit_the_rules: {"soil": "rule_changed", "crowd": "rule_changed"},
    switch_the_rules_off: {"soil": "rule_disabled", "crowd": "rule_disabled"},
}
"""What each change of the registry ends, of an alarm of the group and of one of the zone."""
acts = pytest.mark.parametrize("act", ENDS, ids=lambda act: act.__name__)


@pytest.fixture
def course(town: AlertTown) -> Course:
    """Two alarms of a group's rule and two of a zone's, which are over."""
    town.permit(900)
    town.station_rule(slug="baum", station=None, group={"kind": "tree"})
    values = {"slug": "voll", "name": "Markt", "zone": "wochenmarkt", "kind": "permit"}
    town.rule(**values, recipients=("ordnungsamt",))
    made = Course(town)
    for minutes in range(0, 12, 3):
        dry = minutes % 6 == 3
        made.soil(minutes, 10 if dry else 30, minutes)
        made.crowd(minutes + 1, 950 if dry else 100, minutes + 1)
    made.soil(12, 30, 12)
    made.crowd(13, 100, 13)
    assert len(town.incidents()) == 4
    assert all(row.close_reason == "recovered" for row in town.incidents())
    return made


def open_both(course: Course, begin: float = 15) -> None:
    course.soil(begin, 10, begin)
    course.crowd(begin + 1, 950, begin + 1)
    with course.town.database.write() as connection:
        connection.execute(update(outbox).values(status="ACCEPTED", settled=True))
    course.town.now(begin + 2)


def reasons(town: AlertTown) -> dict[str, str | None]:
    """Why the last incident of the station and of the zone ended."""
    return {"soil" if row.station else "crowd": row.close_reason for row in town.incidents()}


@pytest.mark.sweep
@acts
def test_a_change_while_nothing_is_open_leaves_the_past_alone(course: Course, act: Act) -> None:
    """The past is judged by what was there then."""
    before, said = incidents(course.town), len(course.town.messages())
    course.town.now(17)
    act(course.town)
    course.town.tick()
    for _ in range(2):
        course.rebuild()
        course.town.tick(500)
        assert incidents(course.town) == before
        assert len(course.town.messages()) == said


@pytest.mark.sweep
@acts
def test_a_change_that_nobody_has_seen_yet_still_ends_what_is_open(
    course: Course, act: Act
) -> None:
    """The service was stopped: it was edited and set back to the start before it ran again."""
    open_both(course)
    before = incidents(course.town)
    act(course.town)
    course.town.restart()
    course.rebuild()
    assert reasons(course.town) == {"soil": None, "crowd": None, **ENDS[act]}
    kept = [row["id"] for row in incidents(course.town)]
    assert kept == [row["id"] for row in before]
    assert course.town.kinds().count("ENDED") == len(ENDS[act])


@pytest.mark.sweep
@acts
@pytest.mark.parametrize("reached", [0, 2, 4])
def test_a_change_in_the_middle_brings_the_record_back_and_ends_what_was_open(
    course: Course, act: Act, reached: int
) -> None:
    open_both(course)
    before = incidents(course.town)
    course.forget()
    course.judge(0, reached)
    assert incidents(course.town) != before
    act(course.town)
    course.town.restart()
    course.judge(reached)
    course.town.tick()
    assert reasons(course.town) == {"soil": None, "crowd": None, **ENDS[act]}
    ended = ("closed_at", "close_reason", "closing_value")
    assert [{n: row[n] for n in row if n not in ended} for row in incidents(course.town)] == [
        {n: row[n] for n in row if n not in ended} for row in before
    ]
    ends = [row for row in course.town.messages() if row.kind == "ENDED"]
    assert len(ends) == len(ENDS[act])
    course.rebuild()
    assert [row["id"] for row in incidents(course.town)] == [row["id"] for row in before]


@pytest.mark.sweep
@pytest.mark.parametrize("reached", range(6))
def test_begun_once_more_in_the_middle(course: Course, reached: int) -> None:
    """Also by a process that was killed there: it goes on where the last commit was."""
    open_both(course)
    before, said = incidents(course.town), messages(course.town)
    course.forget()
    course.judge(0, reached)
    course.forget()
    course.judge(0, reached // 2)
    course.town.restart()
    course.rebuild()
    assert incidents(course.town) == before
    assert messages(course.town) == said


def test_a_rule_deleted_in_the_middle_leaves_its_record(course: Course) -> None:
    open_both(course)
    before = [row["id"] for row in incidents(course.town)]
    course.forget()
    course.judge(0, 2)
    with change(course.town.database) as connection:
        for slug in ("baum", "voll"):
            assert delete_rule(connection, course.town.scope, slug, minute(17))
    course.judge(2)
    course.town.tick()
    assert [row["id"] for row in incidents(course.town)] == before
    assert reasons(course.town) == {"soil": "rule_deleted", "crowd": "rule_deleted"}


def test_alarms_that_open_meanwhile_are_told_once(course: Course) -> None:
    """Uplinks come while the past is judged again."""
    said = len(course.town.messages())
    course.forget()
    course.judge(0, 2)
    course.town.now(20)
    course.town.crowd(19, 990)
    course.judge(2)
    course.soil(19, 10, 20)
    course.town.tick()
    assert [row.closed_at for row in course.town.incidents()[-2:]] == [None, None]
    assert len(course.town.messages()) == said + 2
    course.rebuild()
    assert len(course.town.messages()) == said + 2


def test_a_silence_is_told_once_and_the_next_one_too(course: Course) -> None:
    open_both(course)
    course.town.tick(60)
    course.soil(61, 10, 61)
    course.crowd(61, 950, 61)
    course.town.tick(120)
    silences = 2 * 2
    assert course.town.kinds().count("STALE") == silences
    for _ in range(2):
        course.rebuild()
        assert course.town.kinds().count("STALE") == silences
    course.soil(121, 10, 121)
    course.crowd(121, 950, 121)
    course.town.tick(180)
    assert course.town.kinds().count("STALE") == silences + 2


def test_a_silence_of_the_past_is_told_to_nobody(course: Course) -> None:
    """The log is judged up to here, the samples of zones are still to come: they are made again."""
    # So long after the others that a third alarm is no flapping, which would go on.
    open_both(course, 75)
    course.soil(78, 30, 78)
    said = len(course.town.messages())
    course.town.now(160)
    course.forget()
    course.judge(0, 6)
    course.town.tick()
    course.judge(6)
    course.town.tick()
    assert course.town.kinds()[said:].count("STALE") == 1, "of the zone, whose alarm is open"


def test_what_the_log_does_not_hold_any_more_stays_on_record(course: Course) -> None:
    """The town keeps uplinks for a day."""
    course.town.now(3 * DAY / MINUTE)
    for minutes, value in ((0, 30), (1, 10), (2, 30)):
        course.soil(3 * DAY / MINUTE + minutes, value, 3 * DAY / MINUTE + minutes)
    before = incidents(course.town)
    with course.town.database.write() as connection:
        set_days(connection, course.town.scope.tenant_id, "log", 1)
    course.forget()
    course.judge(len(course.log) - 3)
    course.town.tick()
    assert incidents(course.town) == before
    assert len(before) == 5


def set_apart(town: AlertTown) -> int:
    with town.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(former_incidents)) or 0


def test_the_former_record_goes_after_days_a_few_rows_at_a_time(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "DELETED_AT_ONCE", 2)
    course.rebuild()
    assert set_apart(course.town) == 4
    course.rebuild()
    assert set_apart(course.town) == 4, "once for each incident"
    course.town.tick(13 + (former.KEPT - 60 * MINUTE) / MINUTE)
    assert set_apart(course.town) == 4
    with write_transactions(course.town.database) as found:
        course.town.tick(14 + former.KEPT / MINUTE)
    assert set_apart(course.town) == 0
    assert len(found) == 3
    assert former.KEPT < 7 * DAY


def test_an_edit_after_days_touches_what_was_found_again(course: Course) -> None:
    """The values that led so far are bad by now, so the history never comes to where it was."""
    open_both(course)
    course.soil(18, 9, 18)
    course.forget()
    course.judge(0, len(course.log) - 1)
    course.town.tick(30 + former.KEPT / MINUTE)
    edit_the_rules(course.town)
    course.town.tick()
    assert reasons(course.town) == {"soil": "rule_changed", "crowd": "rule_changed"}


def test_a_round_through_the_states_is_cut_and_a_change_in_the_middle_begins_another(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT_ONCE", 3)
    for number in range(8):
        town.station_rule(slug=f"regel-{number}")
    town.soil(0, 30)
    town.soil(1, 10)
    town.tick()
    town.now(2)
    with change(town.database):
        pass
    with write_transactions(town.database) as found:
        town.tick()
    assert len(found) == 3
    with change(town.database):
        pass
    with town.database.write() as connection:
        assert town.follower.tick(connection, minute(2))
    end_deployments(town)  # those that were looked at are not looked at again in this round
    town.restart()
    town.tick()
    assert {row.close_reason for row in town.incidents()} == {"not_measured"}


def test_what_could_not_be_ended_is_tried_again(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry does not change again, and time has nothing else to do there."""
    town.station_rule()
    town.soil(0, 30)
    town.soil(1, 10)
    town.tick(60)
    end_deployments(town)
    held = [True]
    monkeypatch.setattr(town.follower, "_is_left_out", lambda *_: held[0])
    town.tick(61)
    assert town.incidents()[0].closed_at is None
    held[0] = False
    town.tick(62)
    assert town.incidents()[0].close_reason == "not_measured"
