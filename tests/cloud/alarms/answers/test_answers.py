"""What comes of an answer by SMS, and what must not.

Public cases, in our own words; where each is tested stands behind it:

1. https://github.com/grafana-cold-storage/oncall/issues/4974 (calls could be answered, text
   messages could not): here
2. https://github.com/prometheus/alertmanager/issues/2896 (what still fires when a silence ends is
   told only at the next repeat): test_mutes.py
3. https://github.com/grafana-cold-storage/oncall/issues/4654 (who acknowledged is told on): here
4. https://github.com/grafana-cold-storage/oncall/issues/3111 (escalated months after it was
   acknowledged): test_reminders.py
5. https://github.com/Icinga/icinga-core/issues/1477 and
   https://github.com/NagiosEnterprises/nagioscore/issues/20 (who acknowledged a warning does not
   learn that it got critical): here and test_reminders.py
6. https://github.com/Icinga/icinga2/issues/4427 (an end in a downtime is never told): test_mutes.py
7. https://github.com/Icinga/icinga2/issues/7977 (somebody is woken at the end of a downtime,
   although all is well since long): test_mutes.py
8. https://github.com/prometheus/alertmanager/issues/3457 (a silence of 999 weeks that nobody
   remembers): test_mutes.py
9. https://github.com/capcom6/android-sms-gateway/issues/291 and
   https://github.com/textbee/textbee/issues/159 (one message comes twice, under two names):
   here
10. https://github.com/SparkDevNetwork/Rock/issues/7049 (the answer to STOP is held back by the very
    stop): here
11. https://github.com/prometheus/alertmanager/issues/1550 (two instances tell the same):
    test_killed_and_raced.py
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from answered_town import AnsweredTown
from databases import add_tenant
from fake_alert_town import NUMBERS, minute
from killing import killed_at
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.answers import inbound_repository
from stadtsinn.cloud.alarms.answers.inbound import Inbound
from stadtsinn.cloud.alarms.answers.service import Taken, take
from stadtsinn.cloud.alarms.answers.tables import inbound_messages
from stadtsinn.cloud.alarms.notify.recipient import Recipient, RecipientBody
from stadtsinn.cloud.alarms.notify.service import create_recipient, replace_recipient
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.town.service import change

OFFICE, YARD = NUMBERS["ordnungsamt"], NUMBERS["bauhof"]
_numbers = iter(range(1, 1_000_000))


def write(
    town: AnsweredTown, text: str, number: str = YARD, *, name: str | None = None, **other: Any
) -> Taken:
    """Somebody writes to us, now."""
    now = town.clock.now()
    name = f"m{next(_numbers)}" if name is None else name
    inbound = Inbound(number, text, other.get("sent", now), name)
    return take(town.database, inbound, now)


def answers(town: AnsweredTown, who: str = "bauhof") -> list[str]:
    from stadtsinn.cloud.alarms.notify.outbox_repository import text_of

    rows = town.messages()
    return [text_of(row) for row in rows if row.kind == "ANSWER" and town.who(row) == who]


def test_ok_acknowledges_and_is_confirmed_once(town: AnsweredTown) -> None:
    town.fire(repeat_s=600)
    town.each_minute(0, 5)
    assert write(town, "Ok danke") is Taken.ACKNOWLEDGED
    town.each_minute(6, 60)  # case 3
    assert answers(town) == ["Danke, bestätigt um 10:05 Uhr: Wochenmarkt, Alarm von 10:00 Uhr."]
    assert town.count("ACKNOWLEDGED") == {"ordnungsamt": 1}
    assert town.count("REPEAT") == {}


def test_the_second_who_writes_hears_who_was_first(town: AnsweredTown) -> None:
    town.fire()
    assert write(town, "OK", OFFICE) is Taken.ACKNOWLEDGED
    town.now(2)
    assert write(town, "OK", YARD) is Taken.ALREADY
    assert answers(town) == [
        "Schon bestätigt um 10:00 Uhr von Ordnungsamt: Wochenmarkt, Alarm von 10:00 Uhr."
    ]


def test_the_same_message_twice_is_one(town: AnsweredTown) -> None:
    town.fire()
    assert write(town, "OK", name="x1") is Taken.ACKNOWLEDGED
    assert write(town, "OK", name="x1") is Taken.TWICE
    assert write(town, "OK", OFFICE, name="x1") is Taken.ALREADY  # a gateway counts from 1 again
    moment = town.clock.now()
    assert write(town, "hallo", name="", sent=moment) is Taken.HELPED
    assert write(town, "hallo", name="", sent=moment) is Taken.TWICE
    assert (len(answers(town)), len(answers(town, "ordnungsamt"))) == (2, 1)


@pytest.mark.parametrize(
    "written", ["+49 170 2222222", "491702222222", "00491702222222", "0170 2222222"]
)
def test_numbers_as_providers_write_them(town: AnsweredTown, written: str) -> None:
    town.fire()
    assert write(town, "OK", written) is Taken.ACKNOWLEDGED


def test_who_has_the_number_as_a_further_channel_is_known(town: AnsweredTown) -> None:
    """An alarm that did not arrive by e-mail goes on by SMS, and OK is the answer to that one."""
    ways = [
        {"channel": "email", "address": "hof@stadt.example"},
        {"channel": "sms", "address": YARD},
    ]
    with change(town.database) as connection:
        body = RecipientBody.model_validate({"name": "Bauhof", "channels": ways})
        replace_recipient(connection, town.scope, Recipient(slug="bauhof", **body.model_dump()))
    town.fire()
    assert write(town, "OK", YARD[:-1] + "9") is Taken.UNKNOWN
    assert write(town, "OK", YARD[:-1]) is Taken.UNKNOWN
    assert write(town, "OK", YARD) is Taken.ACKNOWLEDGED
    (answer,) = [row for row in town.messages() if row.kind == "ANSWER"]
    assert (answer.channel, answer.address) == ("sms", YARD)


@pytest.mark.parametrize("stranger", ["+491709999999", "Werbung", "", "12345", "٤٩١٧٠", "+49" * 99])
def test_a_stranger_gets_no_answer_and_is_counted(town: AnsweredTown, stranger: str) -> None:
    town.fire()
    before = len(town.messages())
    assert write(town, "OK", stranger) is Taken.UNKNOWN
    assert len(town.messages()) == before
    with town.database.read() as connection:
        assert inbound_repository.counts_since(connection, Instant(0)) == {"unknown": 1}
        row = connection.execute(select(inbound_messages)).one()
    assert not stranger or stranger not in str(tuple(row))


def test_anything_else_gets_help_once_an_hour(town: AnsweredTown) -> None:  # case 1
    town.fire()
    assert write(town, "Wer seid ihr?") is Taken.HELPED
    assert write(town, "Hallo?") is Taken.IGNORED
    town.now(61)
    assert write(town, "Hallo?") is Taken.HELPED
    assert len(answers(town)) == 2


def test_two_machines_that_answer_each_other_come_to_an_end(town: AnsweredTown) -> None:
    for one in range(29):
        town.now(2 * one)
        write(town, "OK")
    assert len(answers(town)) == 10


@pytest.mark.parametrize("text", ["OK", "STOP", "was?"])
def test_one_message_under_two_names_is_answered_once(  # case 9
    town: AnsweredTown, text: str
) -> None:
    on_duty(town)
    write(town, text, OFFICE, name="one")
    assert write(town, text, OFFICE, name="other") is Taken.IGNORED
    assert len(answers(town, "ordnungsamt")) == 1
    town.now(2)
    write(town, text, OFFICE)  # somebody who asks again gets an answer again
    assert len(answers(town, "ordnungsamt")) == (1 if text == "was?" else 2)


def test_what_was_told_last_and_is_open_is_meant(town: AnsweredTown) -> None:
    market = town.fire()
    town.station_rule()
    town.soil(5, 10)
    town.sent()
    town.crowds((6, 950))
    assert write(town, "OK") is Taken.ACKNOWLEDGED
    assert "Linde am Markt" in answers(town)[0]
    assert not town.acknowledge(town.open_incidents()[-1]).first
    town.now(7.5)
    assert write(town, "OK") is Taken.ALREADY  # still the last one that was told
    town.soil(8, 30)
    assert write(town, "OK") is Taken.ACKNOWLEDGED
    assert town.acknowledge(market).by == "Bauhof"


def test_an_answer_that_was_long_under_way_means_what_was_told_then(town: AnsweredTown) -> None:
    town.fire()
    town.station_rule()
    town.now(10)
    town.soil(10, 10)
    town.sent()
    town.now(12)
    assert write(town, "OK", sent=Instant(minute(5))) is Taken.ACKNOWLEDGED
    assert "Wochenmarkt" in answers(town)[0]


def test_a_sender_whose_clock_is_wrong_is_understood(town: AnsweredTown) -> None:
    town.fire()
    assert write(town, "OK", sent=Instant(minute(0) + 900 * MINUTE)) is Taken.ACKNOWLEDGED


def test_nothing_is_acknowledged_that_was_not_told_to_this_person(town: AnsweredTown) -> None:
    incident = town.fire(recipients=["ordnungsamt"])
    assert write(town, "OK", YARD) is Taken.NOTHING_OPEN
    assert town.acknowledge(incident).first


def test_what_ended_cannot_be_acknowledged(town: AnsweredTown) -> None:
    town.fire()
    town.crowds((5, 100))
    assert write(town, "OK") is Taken.NOTHING_OPEN
    assert answers(town) == [
        "Zu bestätigen ist gerade nichts: kein Alarm an diese Nummer ist offen."
    ]


def test_ok_to_a_warning_leaves_the_alarm_open(town: AnsweredTown) -> None:  # case 5
    town.permit(900)
    town.rule(slug="markt", name="Markt", zone="wochenmarkt", kind="permit", recipients=["bauhof"])
    town.crowds((0, 820))
    town.sent()
    town.crowds((2, 920))
    town.sent()
    assert write(town, "OK", sent=minute(1)) is Taken.ACKNOWLEDGED
    assert "auch sie mit OK bestätigen" in answers(town)[0]
    assert write(town, "OK") is Taken.ACKNOWLEDGED
    assert "auch sie" not in answers(town)[1]


def on_duty(town: AnsweredTown, **other: Any) -> str:
    town.group(members=["ordnungsamt", "bauhof", "leitung"])
    return town.fire(recipients=["bereitschaft"], **other)


def test_stop_lets_the_next_ones_take_over(town: AnsweredTown) -> None:
    on_duty(town)
    town.now(1)
    assert write(town, "STOP", OFFICE) is Taken.STOPPED
    assert answers(town, "ordnungsamt") == [  # case 10
        "Keine Meldungen bis 20:00 Uhr: Bereitschaft. Alarme gehen so lange an andere."
    ]
    # The alarm that is open goes to the others of the group, and the next one as well.
    assert town.count("ESCALATION") == {"bauhof": 1, "leitung": 1}
    town.sent()
    town.crowds((5, 100), (70, 950))
    assert town.count("ALARM") == {"ordnungsamt": 1, "bauhof": 1, "leitung": 1}
    assert town.count("ALL_CLEAR") == {"bauhof": 1, "leitung": 1}


def test_stop_ends_with_the_shift(town: AnsweredTown) -> None:
    on_duty(town)
    town.crowds((1, 100))
    write(town, "Stopp bitte", OFFICE)
    town.crowds((24 * 60, 950))  # ten o'clock of the next day
    assert town.count("ALARM") == {"ordnungsamt": 2}


def test_stop_without_a_shift_changes_nothing(town: AnsweredTown) -> None:
    on_duty(town)
    assert write(town, "STOP", YARD) is Taken.NO_SHIFT
    assert write(town, "STOP", "+491704444444") is Taken.NO_SHIFT
    town.crowds((1, 100), (61, 950))
    assert town.count("ALARM") == {"ordnungsamt": 2}


def test_when_all_stop_an_alarm_is_told_all_the_same(town: AnsweredTown) -> None:
    shifts = [{"on_duty": who, "start": "00:00", "end": "00:00"} for who in NUMBERS]
    town.group(shifts=shifts)
    town.zone_rule(recipients=["bereitschaft"])
    assert write(town, "STOP", OFFICE) is Taken.STOPPED
    assert write(town, "STOP", YARD) is Taken.STOPPED
    town.crowds((1, 950))
    assert town.count("ALARM") == {"ordnungsamt": 1, "bauhof": 1}


def test_an_alarm_that_is_in_hand_is_not_handed_over(town: AnsweredTown) -> None:
    on_duty(town)
    write(town, "OK", OFFICE)
    assert write(town, "STOP", OFFICE) is Taken.STOPPED
    assert town.count("ESCALATION") == {}


@pytest.fixture
def two_towns(town: AnsweredTown) -> AnsweredTown:
    """The yard's number is a recipient of the neighbour, too."""
    add_tenant(town.database, "nebenan")
    with change(town.database) as connection:
        scope = Scope("nebenan", Role.ADMIN, 0)
        body = Recipient(slug="hof", name="Hof nebenan", address=YARD)
        create_recipient(connection, scope, body)
    return town


def test_a_number_of_two_towns_answers_the_one_that_told_it(two_towns: AnsweredTown) -> None:
    incident = two_towns.fire()
    assert write(two_towns, "OK") is Taken.ACKNOWLEDGED
    assert two_towns.acknowledge(incident).by == "Bauhof"
    rows = [row for row in two_towns.messages() if row.kind == "ANSWER"]
    assert [row.tenant_id for row in rows] == [two_towns.scope.tenant_id]


def test_a_number_of_two_towns_gets_one_help(two_towns: AnsweredTown) -> None:
    assert write(two_towns, "Hallo") is Taken.HELPED
    assert write(two_towns, "Hallo") is Taken.IGNORED
    assert len([row for row in two_towns.messages() if row.kind == "ANSWER"]) == 1


def test_who_has_two_entries_is_not_told_of_himself(town: AnsweredTown) -> None:
    with change(town.database) as connection:
        body = Recipient(slug="hof2", name="Hof zwei", address=YARD)
        create_recipient(connection, town.scope, body)
    town.fire(recipients=["bauhof", "hof2", "ordnungsamt"])
    assert write(town, "OK") is Taken.ACKNOWLEDGED
    assert sum(town.count("ACKNOWLEDGED").values()) == 1


def test_a_killed_answer_is_whole_or_was_not(town: AnsweredTown) -> None:
    town.fire()
    killed_at("answers.taking", lambda: write(town, "OK", name="k"), town.database)
    assert answers(town) == []
    assert write(town, "OK", name="k") is Taken.ACKNOWLEDGED
    assert len(answers(town)) == 1


def test_no_log_holds_number_or_text(
    town: AnsweredTown, capsys: pytest.CaptureFixture[str]
) -> None:
    town.fire()
    for text in ("OK geheimwort", "OK", "STOP"):
        write(town, text)
        write(town, text, "+491709999999")
    said = "".join(capsys.readouterr())
    assert "answer_taken" in said
    assert not any(one in said for one in ("geheimwort", "1709999999", YARD[3:], OFFICE[3:]))
    assert "170" not in repr(Inbound(YARD, "geheimwort", minute(0)))


def test_an_english_recipient_is_answered_in_english(town: AnsweredTown) -> None:
    from sqlalchemy import update

    from stadtsinn.cloud.alarms.notify.tables import recipients

    with change(town.database) as connection:
        connection.execute(update(recipients).values(language="en"))
    town.fire()
    write(town, "On it")
    assert answers(town) == ["Thank you, acknowledged at 10:00: Wochenmarkt, alarm of 10:00."]
