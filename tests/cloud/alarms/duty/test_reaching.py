"""Whom a message to a duty group reaches, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from fake_alert_town import NUMBERS, AlertTown, minute
from stadtsinn.base.instant import HOUR, Instant, to_datetime
from stadtsinn.cloud.alarms.duty.model import DutyGroup, SubstitutionBody
from stadtsinn.cloud.alarms.duty.service import add_substitution, create_group, replace_group
from stadtsinn.cloud.alarms.duty.tables import duty_members
from stadtsinn.cloud.alarms.notify import claim_repository
from stadtsinn.cloud.alarms.notify.claim_repository import Moments
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.town.service import change

pytestmark = pytest.mark.slow

DAY = {"on_duty": "ordnungsamt", "start": "08:00", "end": "20:00"}
NIGHT = {"on_duty": "bauhof", "start": "20:00", "end": "08:00"}
HOURS = 60
"""Minutes, as the town counts them from ten o'clock."""


def _group(town: AlertTown, **other: Any) -> DutyGroup:
    values = {
        "slug": "bereitschaft",
        "name": "Bereitschaft",
        "members": list(NUMBERS),
        "shifts": [DAY, NIGHT],
        **other,
    }
    wanted = DutyGroup.model_validate(values)
    with change(town.database) as connection:
        if other.get("again"):
            replace_group(connection, town.scope, wanted)
        else:
            create_group(connection, town.scope, wanted)
    return wanted


def _told(town: AlertTown) -> list[tuple[str, str]]:
    names = {number: slug for slug, number in NUMBERS.items()}
    return [(row.kind, names[row.address]) for row in town.messages()]


def _sent(town: AlertTown) -> None:
    with town.database.write() as connection:
        waiting = update(outbox).where(outbox.c.status == "READY")
        connection.execute(waiting.values(status="ACCEPTED", settled=True))


def _due(town: AlertTown) -> int:
    with town.database.read() as connection:
        now = Moments(Instant(0), town.clock.now())
        return len(claim_repository.due(connection, ["sms"], now, 10))


def test_an_alarm_goes_to_who_is_on_duty_and_its_end_to_who_got_it(town: AlertTown) -> None:
    _group(town)
    town.zone_rule(recipients=("bereitschaft",))
    town.crowds((9 * HOURS, 912))
    _sent(town)
    assert _told(town) == [("ALARM", "ordnungsamt")]
    town.crowds((11 * HOURS, 840))  # at 21: the other one is on duty by now
    assert _told(town) == [("ALARM", "ordnungsamt"), ("ALL_CLEAR", "ordnungsamt")]
    town.crowds((12 * HOURS, 950))
    assert _told(town)[2:] == [("ALARM", "bauhof")]


def test_a_higher_level_goes_to_those_who_know_and_to_who_is_on_duty(town: AlertTown) -> None:
    _group(town)
    town.permit(1000)
    town.rule(
        slug="genehmigt", name="Markt", zone="wochenmarkt", kind="permit",
        recipients=("bereitschaft",),
    )  # fmt: skip
    town.crowds((0, 910))
    _sent(town)
    town.crowds((11 * HOURS, 1010))
    assert _told(town) == [
        ("ALARM", "ordnungsamt"),
        ("ALARM", "ordnungsamt"),
        ("ALARM", "bauhof"),
    ]


def test_people_and_groups_of_a_rule_are_told_once_each(town: AlertTown) -> None:
    _group(town)
    town.zone_rule(recipients=("ordnungsamt", "bereitschaft"), technicians=("bereitschaft",))
    town.crowds((0, 912))
    assert _told(town) == [("ALARM", "ordnungsamt")]


def test_a_stand_in_is_told(town: AlertTown) -> None:
    _group(town)
    town.zone_rule(recipients=("bereitschaft",))
    noon = to_datetime(minute(0))
    wanted = SubstitutionBody(
        absent="ordnungsamt", stand_in="bauhof", start=noon, end=noon + timedelta(hours=1)
    )
    with change(town.database) as connection:
        add_substitution(connection, town.scope, "bereitschaft", wanted, town.clock.now())
    town.crowds((1, 912), (2, 840), (HOURS, 912))
    assert _told(town) == [("ALARM", "bauhof"), ("ALARM", "ordnungsamt")]


def test_where_nobody_is_on_duty_all_are_told(town: AlertTown) -> None:
    _group(town, shifts=[NIGHT])
    town.zone_rule(recipients=("bereitschaft",))
    town.crowds((0, 912))
    assert sorted(_told(town)) == [("ALARM", "bauhof"), ("ALARM", "ordnungsamt")]


def test_a_group_without_shifts_is_a_list_of_people(town: AlertTown) -> None:
    _group(town, shifts=[])
    town.zone_rule(recipients=("bereitschaft",))
    town.crowds((0, 912))
    assert sorted(_told(town)) == [("ALARM", "bauhof"), ("ALARM", "ordnungsamt")]


def test_a_group_whose_members_were_erased_tells_nobody_and_stops_nothing(town: AlertTown) -> None:
    _group(town)
    town.zone_rule(recipients=("bereitschaft", "bauhof"))
    with change(town.database) as connection:
        connection.execute(delete(duty_members))
    town.crowds((0, 912))
    assert ("ALARM", "bauhof") in _told(town)


def test_judged_again_the_same_message_goes_to_the_same_person(town: AlertTown) -> None:
    """At a time at which somebody else is on duty."""
    _group(town)
    rule = town.zone_rule(recipients=("bereitschaft",))
    town.crowds((0, 912))
    _sent(town)
    before = _told(town)
    town.now(11 * HOURS)
    with town.database.write() as connection:
        while town.follower.reset(connection):
            pass
    town.tick()
    assert [one for one in _told(town) if one[0] == "ALARM"] == before
    assert rule.severity == "critical"


# --- quiet hours -----------------------------------------------------------------------


QUIET = [
    {"severity": "info", "start": "20:00", "end": "08:00"},
    {"severity": "warning", "start": "22:00", "end": "06:00"},
]


@pytest.mark.parametrize(
    ("severity", "at", "waits_until"),
    [
        ("info", 9 * HOURS, None),  # 19:00
        ("info", 10 * HOURS, 22 * HOURS),  # 20:00, until 08:00
        ("warning", 11 * HOURS, None),  # 21:00
        ("warning", 13 * HOURS, 20 * HOURS),  # 23:00, until 06:00
        ("critical", 13 * HOURS, None),
    ],
)
def test_quiet_hours_let_a_message_wait_by_its_severity(
    town: AlertTown, severity: str, at: int, waits_until: int | None
) -> None:
    _group(town, quiet_hours=QUIET)
    town.zone_rule(recipients=("bereitschaft",), severity=severity)
    town.crowds((at, 912))
    (row,) = town.messages()
    assert row.not_before == (None if waits_until is None else minute(waits_until))
    assert _due(town) == (waits_until is None)
    if waits_until is not None:
        assert row.expires_at >= minute(waits_until) + HOUR
        town.crowds((waits_until - 1, 912))
        assert _due(town) == 0
        town.crowds((waits_until, 912))
        assert _due(town) == 1


def test_what_waited_goes_to_who_is_on_duty_at_the_end_of_quiet_hours(town: AlertTown) -> None:
    _group(town, quiet_hours=QUIET)
    town.zone_rule(recipients=("bereitschaft",), severity="info")
    town.crowds((13 * HOURS, 912))  # in the night, and told at 08:00
    assert _told(town) == [("ALARM", "ordnungsamt")]


def test_what_is_over_before_quiet_hours_end_is_told_to_nobody(town: AlertTown) -> None:
    _group(town, quiet_hours=QUIET)
    town.zone_rule(recipients=("bereitschaft",), severity="info")
    town.crowds((13 * HOURS, 912), (14 * HOURS, 840))
    (row,) = town.messages()
    assert (row.status, row.reason) == ("EXPIRED", "over before quiet hours ended")
    town.crowds((15 * HOURS, 912), (22 * HOURS, 912))
    assert _due(town) == 1


def test_an_all_clear_in_quiet_hours_waits_as_well(town: AlertTown) -> None:
    _group(town, quiet_hours=QUIET)
    town.zone_rule(recipients=("bereitschaft",), severity="info")
    town.crowds((9 * HOURS, 912))
    _sent(town)
    town.crowds((13 * HOURS, 840))
    assert _told(town) == [("ALARM", "ordnungsamt"), ("ALL_CLEAR", "ordnungsamt")]
    assert town.messages()[1].not_before == minute(22 * HOURS)
    assert _due(town) == 0


def test_a_message_that_waits_for_the_morning_keeps_no_worker_busy(town: AlertTown) -> None:
    _group(town, quiet_hours=QUIET)
    town.zone_rule(recipients=("bereitschaft",), severity="info")
    town.crowds((13 * HOURS, 912))
    with town.database.read() as connection:
        assert not claim_repository.has_work(connection, town.clock.now())
        assert claim_repository.has_work(connection, minute(22 * HOURS))


def test_who_is_told_at_once_by_one_way_does_not_wait_by_another(town: AlertTown) -> None:
    _group(town, quiet_hours=QUIET)
    town.zone_rule(recipients=("ordnungsamt", "bereitschaft"), severity="info")
    town.crowds((13 * HOURS, 912))
    (row,) = town.messages()
    assert row.not_before is None
