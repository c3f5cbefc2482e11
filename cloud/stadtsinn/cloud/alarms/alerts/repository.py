"""The SQL of rules and of who gets their messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.active import ActiveTime
from stadtsinn.cloud.alarms.alerts.rule import EscalationStep, Group, Rule
from stadtsinn.cloud.alarms.alerts.tables import rule_groups, rule_recipients, rule_states, rules
from stadtsinn.cloud.alarms.duty.tables import duty_groups
from stadtsinn.cloud.alarms.notify.message import Addressee, Severity
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import serialize
from stadtsinn.cloud.town.stations.tables import stations
from stadtsinn.cloud.town.tables import sites
from stadtsinn.rules.kinds.registry import KINDS

ALARM, TECHNICAL = "alarm", "technical"


def step(number: int) -> str:
    """The purpose of those whom a step of the escalation tells, from 1."""
    return f"step{number}"


_COLUMNS = (
    "slug",
    "name",
    "quantity",
    "channel",
    "kind",
    "for_s",
    "min_samples",
    "keep_firing_s",
    "stale_after_s",
    "max_age_s",
    "resolve_notice",
    "alert_on_stale",
    "enabled",
    "severity",
    "repeat_s",
)
"""What rule and table have under the same name."""


@dataclass(frozen=True)
class StoredRule:
    """A rule and what the table adds to it.

    `revision` is counted up by every edit; samples from before `valid_from` are not judged by
    what the rule says now.
    """

    id: int
    tenant_id: str
    station_id: int | None
    zone_id: int | None
    revision: int
    valid_from: Instant
    rule: Rule


def lock_rules(connection: Connection) -> None:
    """Until the end of the transaction nobody else judges by rules or changes them.

    Who deletes a rule must see the incident that is being opened just now, and who opens one that
    its rule is gone.
    """
    serialize(connection, "rules")


def read_rules(connection: Connection) -> list[StoredRule]:
    """All rules of all tenants."""
    rows = connection.execute(_all().order_by(rules.c.id)).all()
    return _stored(rows, _slugs_of(connection, None))


def rules_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[StoredRule]:
    """The caller's rules in the order of their slugs."""
    query = _mine(scope)
    if after is not None:
        query = query.where(rules.c.slug > after)
    rows = connection.execute(query.order_by(rules.c.slug).limit(limit)).all()
    return _stored(rows, _slugs_of(connection, [row.id for row in rows]))


def rule(connection: Connection, scope: Scope, slug: str) -> StoredRule:
    """A rule of the caller's tenant; raises NotFound."""
    row = only_row(connection, _mine(scope).where(rules.c.slug == slug), "rule", slug)
    return _stored([row], _slugs_of(connection, [row.id]))[0]


def rule_of(connection: Connection, rule_id: int) -> StoredRule | None:
    """A rule by its key, whoever's; None where it was deleted."""
    row = connection.execute(_all().where(rules.c.id == rule_id)).one_or_none()
    return None if row is None else _stored([row], _slugs_of(connection, [rule_id]))[0]


@dataclass(frozen=True)
class Subject:
    """Keys of the station or zone that a rule names; neither for a group."""

    station_id: int | None = None
    zone_id: int | None = None


def insert_rule(connection: Connection, scope: Scope, wanted: Rule, subject: Subject) -> int:
    """Returns the rule's id."""
    values = _values(wanted, subject) | {"tenant_id": scope.tenant_id}
    statement = insert(rules).values(revision=1, valid_from=0, **values).returning(rules.c.id)
    return int(connection.execute(statement).scalar_one())


def update_rule(connection: Connection, stored: StoredRule, subject: Subject) -> None:
    """Write a rule as it is in `stored`."""
    values = _values(stored.rule, subject)
    connection.execute(
        update(rules)
        .where(rules.c.tenant_id == stored.tenant_id, rules.c.id == stored.id)
        .values(revision=stored.revision, valid_from=stored.valid_from, **values)
    )


def switch_off(connection: Connection, stored: StoredRule) -> None:
    """Judge by a rule no more. Its revision stays: nobody ends its alarms for this."""
    connection.execute(
        update(rules)
        .where(rules.c.tenant_id == stored.tenant_id, rules.c.id == stored.id)
        .values(enabled=False)
    )


def delete_rule(connection: Connection, stored: StoredRule) -> None:
    connection.execute(delete(rule_states).where(rule_states.c.rule_id == stored.id))
    connection.execute(
        delete(rules).where(rules.c.tenant_id == stored.tenant_id, rules.c.id == stored.id)
    )


def _all() -> Select[Any]:
    return (
        select(rules, zones.c.slug.label("zone"), stations.c.slug.label("station"))
        .outerjoin(zones, zones.c.id == rules.c.zone_id)
        .outerjoin(stations, stations.c.id == rules.c.station_id)
    )


def _mine(scope: Scope) -> Select[Any]:
    return _all().where(rules.c.tenant_id == scope.tenant_id)


def _values(wanted: Rule, subject: Subject) -> dict[str, Any]:
    return {
        **{name: getattr(wanted, name) for name in _COLUMNS},
        "severity": wanted.severity.value,
        "parameters": wanted.parameters.model_dump(mode="json"),
        "active": [one.model_dump(mode="json") for one in wanted.active],
        "station_id": subject.station_id,
        "station_group": wanted.group.model_dump(exclude_none=True) if wanted.group else None,
        "zone_id": subject.zone_id,
        "escalation_after_s": [one.after_s for one in wanted.escalation],
    }


def _stored(
    rows: Iterable[Row[Any]], slugs: Mapping[tuple[int, str], Sequence[str]]
) -> list[StoredRule]:
    return [
        StoredRule(
            id=row.id,
            tenant_id=row.tenant_id,
            station_id=row.station_id,
            zone_id=row.zone_id,
            revision=row.revision,
            valid_from=Instant(row.valid_from),
            rule=_rule(row, slugs),
        )
        for row in rows
    ]


def _rule(row: Row[Any], slugs: Mapping[tuple[int, str], Sequence[str]]) -> Rule:
    # What stands in the table was checked when it was written.
    return Rule.model_construct(
        **({name: getattr(row, name) for name in _COLUMNS} | {"severity": Severity(row.severity)}),
        parameters=KINDS[row.kind].model_validate(row.parameters),
        active=tuple(ActiveTime.model_validate(one) for one in row.active),
        station=row.station,
        group=Group.model_construct(**row.station_group) if row.station_group else None,
        zone=row.zone,
        recipients=tuple(slugs.get((row.id, ALARM), ())),
        technicians=tuple(slugs.get((row.id, TECHNICAL), ())),
        escalation=tuple(
            EscalationStep.model_construct(
                after_s=after_s, to=tuple(slugs.get((row.id, step(number)), ()))
            )
            for number, after_s in enumerate(row.escalation_after_s, 1)
        ),
    )


def station_slugs(connection: Connection, scope: Scope, ids: Collection[int]) -> dict[int, str]:
    """Slugs by id, for the members of groups."""
    query = select(stations.c.id, stations.c.slug).where(
        stations.c.tenant_id == scope.tenant_id, stations.c.id.in_(ids)
    )
    return {row.id: row.slug for row in connection.execute(query)}


def longest_station_name(connection: Connection, stored: StoredRule) -> str:
    """Of the stations that a rule watches, that with the longest name; empty for a zone."""
    table, group = stations.c, stored.rule.group
    if stored.zone_id is not None:
        return ""
    if group is None:
        query = select(table.name).where(
            table.tenant_id == stored.tenant_id, table.id == stored.station_id
        )
        names = list(connection.scalars(query))
    else:
        names = [row.name for row in _in_group(connection, stored.tenant_id, group)]
    return max(names, key=len, default="")


def members(connection: Connection, scope: Scope, group: Group) -> list[str]:
    """The slugs of the stations of a group."""
    return [row.slug for row in _in_group(connection, scope.tenant_id, group)]


def _in_group(connection: Connection, tenant_id: str, group: Group) -> list[Any]:
    table = stations.c
    query = select(table.slug, table.name, table.tags).where(table.tenant_id == tenant_id)
    if group.kind is not None:
        query = query.where(table.kind == group.kind)
    if group.site is not None:
        here = select(sites.c.id).where(sites.c.tenant_id == tenant_id, sites.c.slug == group.site)
        query = query.where(table.site_id.in_(here))
    rows = connection.execute(query.order_by(table.id))
    return [row for row in rows if group.tag is None or group.tag in row.tags]


# --- who gets the messages -------------------------------------------------------------


def set_recipients(
    connection: Connection,
    rule_id: int,
    people: Collection[tuple[str, int]],
    groups: Collection[tuple[str, int]],
) -> None:
    """Make these recipients and duty groups, each with its purpose, those of a rule, and no
    others."""
    for table, column, wanted in (
        (rule_recipients, "recipient_id", people),
        (rule_groups, "group_id", groups),
    ):
        connection.execute(delete(table).where(table.c.rule_id == rule_id))
        rows = [
            {"rule_id": rule_id, column: one, "purpose": purpose}
            for purpose, one in sorted(set(wanted))
        ]
        if rows:
            connection.execute(insert(table), rows)


def recipient_ids(connection: Connection, scope: Scope, slugs: Sequence[str]) -> dict[str, int]:
    """Ids of those of the slugs that exist in the caller's tenant."""
    query = select(recipients.c.slug, recipients.c.id).where(
        recipients.c.tenant_id == scope.tenant_id, recipients.c.slug.in_(slugs)
    )
    return {row.slug: row.id for row in connection.execute(query)}


def addressees_of(connection: Connection, rule_id: int, purpose: str) -> list[Addressee]:
    """Where a rule's alarms go to, or its messages about missing data."""
    query = (
        select(recipients.c.id, recipients.c.channel, recipients.c.address, recipients.c.language)
        .join(rule_recipients, rule_recipients.c.recipient_id == recipients.c.id)
        .where(rule_recipients.c.rule_id == rule_id, rule_recipients.c.purpose == purpose)
        .order_by(recipients.c.id)
    )
    return [Addressee.of(*row) for row in connection.execute(query)]


def groups_of(connection: Connection, rule_id: int, purpose: str) -> list[int]:
    """The duty groups to which a rule's alarms go, or its messages about missing data."""
    query = select(rule_groups.c.group_id).where(
        rule_groups.c.rule_id == rule_id, rule_groups.c.purpose == purpose
    )
    return list(connection.scalars(query.order_by(rule_groups.c.group_id)))


def _slugs_of(
    connection: Connection, rule_ids: Collection[int] | None
) -> Mapping[tuple[int, str], Sequence[str]]:
    """Slugs of recipients and duty groups by rule and purpose; None: of all rules."""
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for link, named, column in (
        (rule_recipients, recipients, rule_recipients.c.recipient_id),
        (rule_groups, duty_groups, rule_groups.c.group_id),
    ):
        query = select(link.c.rule_id, link.c.purpose, named.c.slug).join(
            named, column == named.c.id
        )
        if rule_ids is not None:
            query = query.where(link.c.rule_id.in_(rule_ids))
        for row in connection.execute(query.order_by(named.c.slug)):
            found[row.rule_id, row.purpose].append(row.slug)
    return found
