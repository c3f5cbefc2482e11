"""Duty groups: their members, shifts and stand-ins."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

duty_groups = Table(
    "duty_groups",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("region", String(32)),  # whose public holidays count; NULL: there are none
    Column("quiet_hours", JSON, nullable=False),
    # When every member gets a test, e.g. {"enabled": true, "day": "mon", "time": "10:00"}.
    Column(
        "test_message",
        JSON,
        nullable=False,
        server_default='{"enabled": true, "day": "mon", "time": "10:00"}',
    ),
    # Whether every member gets the watering list, also an empty one.
    Column(
        "watering_list",
        JSON,
        nullable=False,
        server_default='{"send": false, "when_empty": false}',
    ),
    # The last day whose list was written to them, or not worth a mail.
    Column("watering_day", String(10)),
    UniqueConstraint("tenant_id", "slug"),
    sqlite_autoincrement=True,
    info=kept(
        "Bereitschaften: wer abwechselnd Meldungen bekommt",
        "duty groups: who takes turns in getting messages",
        Until.DELETED,
        key="id tenant_id",
        name="slug",
        text="name",
        setting="region quiet_hours test_message watering_list",
        fact="watering_day",
    ),
)


def _group() -> Column[Any]:
    return Column("group_id", Position, ForeignKey("duty_groups.id"), nullable=False)


def _recipient(name: str = "recipient_id") -> Column[Any]:
    key = ForeignKey("recipients.id", ondelete="CASCADE")
    return Column(name, Position, key, nullable=False)


duty_members = Table(
    "duty_members",
    metadata,
    Column("id", Position, primary_key=True),
    _group(),
    _recipient(),
    # A line for each name or mail address under which plans name the person.
    Column("known_as", Text, nullable=False, default=""),
    UniqueConstraint("group_id", "recipient_id"),
    sqlite_autoincrement=True,
    info=kept(
        "Mitglieder der Bereitschaften",
        "members of duty groups",
        Until.DELETED,
        owner="group_id",
        key="id group_id recipient_id",
        person="known_as",
    ),
)

duty_weekly = Table(
    "duty_weekly",
    metadata,
    Column("id", Position, primary_key=True),
    _group(),
    _recipient(),
    Column("days", String(63), nullable=False),  # e.g. "mon tue holiday"
    Column("start", String(5), nullable=False),  # local time of day
    Column("end", String(5), nullable=False),  # not after the start: on the next day
    sqlite_autoincrement=True,
    info=kept(
        "Schichten jeder Woche: wer wann Dienst hat",
        "shifts of every week: who is on duty when",
        Until.DELETED,
        owner="group_id",
        key="id group_id recipient_id",
        setting="days start end",
    ),
)

duty_shifts = Table(
    "duty_shifts",
    metadata,
    Column("id", Position, primary_key=True),
    _group(),
    _recipient(),
    Column("start", InstantColumn, nullable=False),
    Column("end", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Schichten eines eingelesenen Dienstplans; vergangene gehen mit den Meldungen",
        "shifts of an imported plan; past ones go with the messages",
        Until.DELETED,
        owner="group_id",
        key="id group_id recipient_id",
        setting="start end",
    ),
)

Index("ix_duty_shifts_group_end", duty_shifts.c.group_id, duty_shifts.c.end)

duty_substitutions = Table(
    "duty_substitutions",
    metadata,
    Column("id", Position, primary_key=True),
    _group(),
    _recipient("absent_id"),
    _recipient("stand_in_id"),
    Column("start", InstantColumn, nullable=False),
    Column("end", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Vertretungen: wer für wen von wann bis wann; vergangene gehen mit den Meldungen",
        "who stands in for whom from when to when; past ones go with the messages",
        Until.DELETED,
        owner="group_id",
        key="id group_id absent_id stand_in_id",
        setting="start end",
    ),
)

duty_pauses = Table(
    "duty_pauses",
    metadata,
    # Who answered STOP: until the end of the shift the group's messages go to others.
    Column("id", Position, primary_key=True),
    _group(),
    _recipient(),
    Column("start", InstantColumn, nullable=False),
    Column("end", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Wer bis zum Ende seiner Schicht keine Meldungen will; vergangene gehen mit den Meldungen",
        "who wants no messages until the end of the shift; past ones go with the messages",
        Until.DELETED,
        owner="group_id",
        key="id group_id recipient_id",
        setting="start end",
    ),
)

Index("ix_duty_pauses_group_end", duty_pauses.c.group_id, duty_pauses.c.end)
