"""Duty groups in the registry: by service and town file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from databases import fresh_database
from fake_alert_town import NUMBERS, AlertTown, minute
from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import HOUR, Instant, parse, to_datetime
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.alarms.alerts.tables import rule_groups
from stadtsinn.cloud.alarms.duty import repository, service
from stadtsinn.cloud.alarms.duty.coverage import a_year_from, coverage
from stadtsinn.cloud.alarms.duty.importing import PlanRefused, change_plan, plan_change
from stadtsinn.cloud.alarms.duty.model import DutyGroup, SubstitutionBody
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import create_recipient, delete_recipient
from stadtsinn.cloud.operations import conditions
from stadtsinn.cloud.operations.conditions import Kind
from stadtsinn.cloud.operations.settings import OperatorSettings
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused

SHIFT = {"on_duty": "ordnungsamt", "start": "08:00", "end": "20:00"}
GROUP: dict[str, Any] = {
    "slug": "bereitschaft",
    "name": "Bereitschaft",
    "region": "NRW",
    "members": ["ordnungsamt", {"recipient": "bauhof", "known_as": ["Schulze, Bernd"]}],
    "shifts": [SHIFT],
    "quiet_hours": [{"severity": "info", "start": "22:00", "end": "24:00"}],
}


def _create(town: AlertTown, **other: Any) -> DutyGroup:
    wanted = DutyGroup.model_validate(GROUP | other)
    with change(town.database, town.scope, town.clock.now()) as connection:
        service.create_group(connection, town.scope, wanted)
    return wanted


def test_a_group_is_kept_as_it_was_written(town: AlertTown) -> None:
    wanted = _create(town)
    with town.database.read() as connection:
        stored = repository.group(connection, town.scope, "bereitschaft")
        assert stored.group.model_dump() == wanted.model_dump()
        assert wanted.region == "NW"
        assert wanted.quiet_hours[0].end == "00:00"
    other = DutyGroup.model_validate(GROUP | {"members": ["bauhof"], "shifts": []})
    with change(town.database, town.scope, town.clock.now()) as connection:
        assert service.replace_group(connection, town.scope, other)
        assert not service.replace_group(connection, town.scope, other)
        assert repository.group(connection, town.scope, "bereitschaft").group == other


def test_the_audit_names_no_person(town: AlertTown) -> None:
    _create(town)
    with town.database.read() as connection:
        lines = connection.execute(select(audit_lines.c.kind, audit_lines.c.detail)).all()
    assert {"duty group", "member of a duty group", "shift"} <= {line.kind for line in lines}
    assert not any("Schulze" in line.detail for line in lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"region": "Bayerrn"}, "did you mean 'BY'"),
        ({"members": []}, "at least 1 item"),
        ({"members": ["ordnungsamt", "ordnungsamt"]}, "twice among the members"),
        ({"shifts": [SHIFT | {"on_duty": "ordnungsampt"}]}, "Did you mean 'ordnungsamt'"),
        ({"shifts": [SHIFT | {"days": ["montag"]}]}, "use some of mon, tue"),
        ({"shifts": [SHIFT | {"days": []}]}, "at least 1 item"),
        ({"shifts": [SHIFT | {"start": "8 Uhr"}]}, "should match pattern"),
        ({"region": None, "shifts": [SHIFT | {"days": ["holiday"]}]}, "name the group's 'region'"),
        ({"quiet_hours": [{"severity": "critical", "start": "20:00", "end": "06:00"}]}, "never"),
    ],
)
def test_what_cannot_be_a_group_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DutyGroup.model_validate(GROUP | change)


def test_people_who_are_not_there_are_named_with_those_near(town: AlertTown) -> None:
    with pytest.raises(Invalid, match=r"no recipient 'bauhoff'\. Did you mean 'bauhof'"):
        _create(town, members=["bauhoff"], shifts=[])
    _create(town)
    with pytest.raises(Invalid, match=r"no recipient 'bereitschaf'\. Did you mean 'bereitschaft'"):
        town.zone_rule(recipients=("bereitschaf",))
    with town.database.read() as connection, pytest.raises(NotFound, match="'bereitschaft'"):
        service.group_named(connection, town.scope, "bereitschft")


def test_a_name_is_a_groups_or_a_recipients(town: AlertTown) -> None:
    with pytest.raises(Conflict, match="There is a recipient 'bauhof'"):
        _create(town, slug="bauhof")
    _create(town)
    body = Recipient(slug="bereitschaft", name="X", address="0170 1234567")
    with change(town.database) as connection, pytest.raises(Conflict, match="duty group"):
        create_recipient(connection, town.scope, body)


def test_nothing_is_deleted_that_messages_count_on(town: AlertTown) -> None:
    _create(town)
    rule = town.zone_rule(recipients=("bereitschaft",))
    with change(town.database) as connection:
        with pytest.raises(Conflict, match="member or stand-in in bereitschaft"):
            delete_recipient(connection, town.scope, "bauhof")
        with pytest.raises(Conflict, match="rules markt-voll name"):
            service.delete_group(connection, town.scope, "bereitschaft")
    town.edit(rule, recipients=["bauhof"])
    with change(town.database) as connection:
        service.delete_group(connection, town.scope, "bereitschaft")
        delete_recipient(connection, town.scope, "bauhof")
        assert connection.execute(select(rule_groups)).all() == []


def test_a_town_file_brings_groups_and_applying_it_again_changes_nothing(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    document: dict[str, Any] = {
        "tenant": "musterstadt",
        "name": "Musterstadt",
        "zones": [{"slug": "markt", "name": "Markt"}],
        "recipients": [
            {"slug": slug, "name": slug, "address": number} for slug, number in NUMBERS.items()
        ],
        "duty_groups": [GROUP],
        "rules": [
            {"slug": "voll", "name": "Voll", "zone": "markt", "on": 9, "off": 8}
            | {"recipients": ["bereitschaft", "bauhof"], "severity": "warning"}
        ],
    }
    made = [str(one) for one in apply_town(database, Town.read(document), Instant(1))]
    assert {"created duty group bereitschaft", "created rule voll"} <= set(made)
    assert apply_town(database, Town.read(document), Instant(2)) == ()
    document["duty_groups"] = [GROUP | {"shifts": []}]
    changed = apply_town(database, Town.read(document), Instant(3))
    assert [str(one) for one in changed] == ["changed duty group bereitschaft"]
    document["duty_groups"] = [GROUP | {"members": ["niemand"], "shifts": []}]
    with pytest.raises(TownRefused, match="duty group bereitschaft: There is no recipient"):
        apply_town(database, Town.read(document), Instant(4))


# --- plans -----------------------------------------------------------------------------


def _import(town: AlertTown, *rows: str, **other: Any) -> tuple[int, int, int]:
    """How many shifts are new, gone and the same."""
    content = "\n".join(["Beginn;Ende;Name", *rows, ""]).encode()
    now = town.clock.now()
    with change(town.database, town.scope, now) as connection:
        stored = repository.group(connection, town.scope, "bereitschaft")
        made = plan_change(connection, stored, content, now, **other)
        change_plan(connection, stored, made)
    return len(made.new), len(made.gone), made.same


FIRST = "01.10.2026 08:00;02.10.2026 08:00;Bernd Schulze"
SECOND = "02.10.2026 08:00;03.10.2026 08:00;ordnungsamt"
THIRD = "03.10.2026 08:00;04.10.2026 08:00;bauhof"


def test_a_plan_takes_the_place_of_what_was_said_of_the_same_time(town: AlertTown) -> None:
    _create(town)
    assert _import(town, FIRST, SECOND, THIRD) == (3, 0, 0)
    assert _import(town, FIRST, SECOND, THIRD) == (0, 0, 3)
    assert _import(town, FIRST.replace("Bernd Schulze", "ordnungsamt")) == (1, 1, 0)
    assert _import(town, FIRST, end=parse("2026-11-01T00:00:00+01:00")) == (1, 3, 0)
    with town.database.read() as connection:
        stored = repository.group(connection, town.scope, "bereitschaft")
        whole = Span(town.clock.now(), parse("2027-01-01T00:00:00+01:00"))
        assert [one.person for one in repository.planned(connection, stored.id, whole)] == [
            "bauhof"
        ]


def test_a_plan_changes_nothing_that_is_over(town: AlertTown) -> None:
    _create(town)
    _import(town, FIRST, SECOND)
    town.clock.set(parse("2026-10-02T12:00:00+02:00"))
    assert _import(town, SECOND.replace("ordnungsamt", "bauhof"), THIRD) == (2, 1, 0)
    with pytest.raises(PlanRefused, match="every shift of this file is over"):
        _import(town, FIRST)
    assert _import(town, SECOND.replace("ordnungsamt", "bauhof")) == (0, 0, 1)
    with town.database.read() as connection:
        stored = repository.group(connection, town.scope, "bereitschaft")
        past = service.on_duty(connection, stored, parse("2026-10-01T12:00:00+02:00"))
        assert sorted(past) == ["bauhof", "ordnungsamt"]


def test_a_wrong_plan_changes_nothing_and_says_all_that_is_wrong(town: AlertTown) -> None:
    _create(town)
    with pytest.raises(PlanRefused) as refused:
        _import(town, FIRST, "01.10.2026 08:00;01.10.2026 07:00;bauhof", "x;y;bauhof")
    assert "line 3: the shift ends" in refused.value.detail
    assert "line 4: 'x' is no time" in refused.value.detail
    assert "Zeile 3: die Schicht endet" in refused.value.sentence.german
    assert _import(town, FIRST) == (1, 0, 0)


def test_who_leaves_the_group_has_no_shift_in_the_plan(town: AlertTown) -> None:
    _create(town)
    _import(town, FIRST, SECOND)
    other = DutyGroup.model_validate(GROUP | {"members": ["ordnungsamt"]})
    with change(town.database) as connection:
        service.replace_group(connection, town.scope, other)
        stored = repository.group(connection, town.scope, "bereitschaft")
        whole = Span(town.clock.now(), parse("2027-01-01T00:00:00+01:00"))
        assert [one.person for one in repository.planned(connection, stored.id, whole)] == [
            "ordnungsamt"
        ]


# --- stand-ins, gaps, and what operators are told ---------------------------------------


def test_stand_ins_are_checked_and_the_later_one_counts(town: AlertTown) -> None:
    _create(town)
    now = to_datetime(town.clock.now())
    times = {"start": now, "end": now + timedelta(days=1)}

    def add(absent: str, stand_in: str) -> int:
        wanted = SubstitutionBody.model_validate({"absent": absent, "stand_in": stand_in} | times)
        with change(town.database, town.scope, town.clock.now()) as connection:
            now = town.clock.now()
            made = service.add_substitution(connection, town.scope, "bereitschaft", wanted, now)
        return made.id

    with pytest.raises(Invalid, match=r"no member 'ordnungsam'\. Did you mean"):
        add("ordnungsam", "bauhof")
    with pytest.raises(Invalid, match=r"no recipient 'bauhoff'\. Did you mean 'bauhof'"):
        add("ordnungsamt", "bauhoff")
    with pytest.raises(ValidationError, match="the same person"):
        add("bauhof", "bauhof")
    times |= {"start": now - timedelta(days=2), "end": now}
    with pytest.raises(Invalid, match="This time ended on"):
        add("ordnungsamt", "bauhof")
    times |= {"end": now + timedelta(microseconds=1)}
    number = add("ordnungsamt", "bauhof")
    with change(town.database) as connection:
        stored = repository.group(connection, town.scope, "bereitschaft")
        assert service.on_duty(connection, stored, town.clock.now()) == ["bauhof"]
        service.delete_substitution(connection, town.scope, "bereitschaft", number)
        assert service.on_duty(connection, stored, town.clock.now()) == ["ordnungsamt"]
        with pytest.raises(NotFound):
            service.delete_substitution(connection, town.scope, "bereitschaft", number)


def test_every_minute_of_a_year_is_looked_at(town: AlertTown) -> None:
    _create(town)
    whole = a_year_from(town.clock.now())
    assert whole.end - whole.start == 365 * 24 * HOUR
    with town.database.read() as connection:
        stored = repository.group(connection, town.scope, "bereitschaft")
        found = coverage(connection, stored, whole)
    assert len(found.gaps) == 365  # each night
    assert found.gaps[0].span == Span(minute(600), minute(22 * 60))
    christmas = next(one for one in found.gaps if "Zweiter Weihnachtstag" in one.holiday)
    assert berlin.isoformat(christmas.span.start) == "2026-12-25T20:00:00+01:00"


def test_operators_are_told_of_gaps_that_come_and_that_are_there(town: AlertTown) -> None:
    _create(town)
    settings = OperatorSettings()

    def told(*known: tuple[Kind, str]) -> list[tuple[Kind, Instant]]:
        with town.database.read() as connection:
            found = conditions.of_duty(connection, settings, town.clock.now(), known)
            return [(one.kind, one.since) for one in found]

    subject = "musterstadt/bereitschaft"
    assert told() == [(Kind.DUTY_GAP, minute(600))]
    town.clock.set(minute(700))
    assert told() == [(Kind.NOBODY_ON_DUTY, minute(600))]
    assert told((Kind.DUTY_GAP, subject)) == [
        (Kind.NOBODY_ON_DUTY, minute(600)),
        (Kind.DUTY_GAP, minute(600)),
    ]
    mere_list = DutyGroup.model_validate(GROUP | {"shifts": []})
    with change(town.database) as connection:
        service.replace_group(connection, town.scope, mere_list)
    assert told() == []
