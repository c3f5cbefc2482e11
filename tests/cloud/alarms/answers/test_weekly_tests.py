"""The weekly test message, and who did not get it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from answered_town import AnsweredTown
from fake_alert_town import NUMBERS
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.alarms.answers.weekly_tests import WeeklyTests, is_due
from stadtsinn.cloud.alarms.duty.model import DutyGroup, WeeklyTest
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.operations.conditions import Kind, of_tests

MONDAY = parse("2026-09-28T10:00:00+02:00")


def run(town: AnsweredTown, now: Instant) -> None:
    """As a new process, which remembers nothing."""
    town.clock.set(now)
    WeeklyTests(town.database, town.clock).step()


def delivered(town: AnsweredTown, who: str, status: str = "DELIVERED") -> None:
    with town.database.write() as connection:
        theirs = outbox.c.address == NUMBERS[who]
        values = {"status": status, "settled": True}
        connection.execute(update(outbox).where(theirs).values(**values))


def missed(town: AnsweredTown, now: Instant) -> list[str]:
    with town.database.read() as connection:
        return [one.detail for one in of_tests(connection, now)]


def test_every_member_gets_one_a_week_which_says_what_it_is(town: AnsweredTown) -> None:
    town.group()
    for week in range(2):
        for minutes in range(-30, 90, 15):
            run(town, Instant(MONDAY + week * 7 * DAY + minutes * MINUTE))
    assert town.count("TEST") == {"ordnungsamt": 2, "bauhof": 2}
    assert town.texts("TEST") == {
        "TEST, kein Alarm: Bereitschaft. So kommen Meldungen an. Es ist nichts zu tun."
    }


def test_it_can_be_switched_off_and_put_elsewhere(town: AnsweredTown) -> None:
    town.group(test_message={"enabled": False})
    town.group("nachts", test_message={"day": "thu", "time": "08:30"})
    run(town, MONDAY)
    assert town.count("TEST") == {}
    run(town, Instant(MONDAY + 3 * DAY - 90 * MINUTE))
    assert town.count("TEST") == {"ordnungsamt": 1, "bauhof": 1}


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-09-28T09:59:59+02:00", False),
        ("2026-09-28T10:00:00+02:00", True),
        ("2026-09-28T10:59:59+02:00", True),
        ("2026-09-28T11:00:00+02:00", False),
        ("2026-09-29T10:00:00+02:00", False),
        ("2026-11-02T10:00:00+01:00", True),  # clocks were put back: still ten o'clock
    ],
)
def test_it_comes_at_its_hour_of_the_clock_on_the_wall(moment: str, due: bool) -> None:
    assert is_due(WeeklyTest(), parse(moment)) is due


def test_a_test_that_was_missed_does_not_come_in_the_night(town: AnsweredTown) -> None:
    town.group()
    run(town, Instant(MONDAY + 5 * HOUR))
    assert town.messages() == []


def test_who_did_not_get_it_is_named(town: AnsweredTown) -> None:
    town.group()
    run(town, MONDAY)
    delivered(town, "ordnungsamt")
    delivered(town, "bauhof", "FAILED")
    assert missed(town, Instant(MONDAY + 10 * MINUTE)) == []  # it may be under way
    assert missed(town, Instant(MONDAY + HOUR)) == ["bauhof"]
    assert missed(town, Instant(MONDAY + 9 * DAY)) == []  # nobody knows any more


def test_accepted_is_good_where_nothing_is_ever_reported(town: AnsweredTown) -> None:
    town.group()
    run(town, MONDAY)
    delivered(town, "ordnungsamt", "ACCEPTED")
    delivered(town, "bauhof", "ACCEPTED")
    assert missed(town, Instant(MONDAY + HOUR)) == []
    delivered(town, "ordnungsamt")  # so the provider does report
    assert missed(town, Instant(MONDAY + HOUR)) == ["bauhof"]


def test_the_operator_reads_the_names() -> None:
    from stadtsinn.base.language import Language
    from stadtsinn.cloud.alarms.notify.text import compose
    from stadtsinn.cloud.operations.conditions import Condition
    from stadtsinn.cloud.operations.sayings import Turn, said

    one = Condition(Kind.TEST_FAILED, "a/b", MONDAY, "Bereitschaft", "bauhof, leitung")
    assert compose(said(Kind.TEST_FAILED, Turn.BEGINS, [one])[Language.DE]) == (
        "Betrieb: Test-SMS kam nicht an: Bereitschaft (bauhof, leitung)"
    )


def test_an_answer_to_a_test_acknowledges_nothing(town: AnsweredTown) -> None:
    from stadtsinn.cloud.alarms.answers.inbound import Inbound
    from stadtsinn.cloud.alarms.answers.service import Taken, take

    town.group()
    run(town, MONDAY)
    town.sent()
    now = town.clock.now()
    inbound = Inbound(NUMBERS["bauhof"], "OK", now, "1")
    assert take(town.database, inbound, now) is Taken.NOTHING_OPEN


def test_a_test_on_a_holiday_is_refused() -> None:
    with pytest.raises(ValueError, match="day of the week"):
        WeeklyTest.model_validate({"day": "holiday"})
    group = DutyGroup.model_validate({"slug": "a", "name": "A", "members": ["b"]})
    assert group.test_message == WeeklyTest()
