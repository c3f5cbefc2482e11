"""Changes rules. The evaluator notices by itself and ends what the old rule had begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import ValidationError
from sqlalchemy import Connection, Row

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.alarms.alerts import machine, repository, rules
from stadtsinn.cloud.alarms.alerts.machine import CloseReason
from stadtsinn.cloud.alarms.alerts.recorder import Recorder
from stadtsinn.cloud.alarms.alerts.repository import ALARM, TECHNICAL
from stadtsinn.cloud.alarms.alerts.schemas import NewRule
from stadtsinn.cloud.domains.crowd.zones.repository import zone_id
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town import repository as registry
from stadtsinn.cloud.town_file.model import RuleSpec
from stadtsinn.decoders.vocabulary import VocabularyError, quantity

_NOT_JUDGED_BY = {"name", "max_age_s", "resolve_notice", "recipients", "technicians"}
"""Changing these does not end an open alarm: what is an alarm stays the same."""


def create_rule(connection: Connection, scope: Scope, wanted: NewRule) -> None:
    """Raises Conflict when the slug is taken, Invalid for a subject or recipient unknown here."""
    try:
        rules.rule_row(connection, scope, wanted.slug)
    except NotFound:
        values = rules.columns_of(wanted, _zone_id(connection, scope, wanted))
        rule_id = rules.insert_rule(connection, scope, values)
        _set_people(connection, scope, rule_id, wanted)
    else:
        raise Conflict(f"There is already a rule '{wanted.slug}'. Change it with PUT.")


def replace_rule(connection: Connection, scope: Scope, wanted: NewRule) -> bool:
    """Bring a rule to what is wanted; False when it was so already.

    A change of what it judges ends an open alarm and applies from the next sample on. Raises
    NotFound, and Invalid as `create_rule`.
    """
    row = rules.rule_row(connection, scope, wanted.slug)
    present = rules.record_of(connection, row)
    if _comparable(present) == _comparable(wanted):
        return False
    values = rules.columns_of(wanted, _zone_id(connection, scope, wanted))
    if present.model_dump(exclude=_NOT_JUDGED_BY) != wanted.model_dump(exclude=_NOT_JUDGED_BY):
        valid_from = max(row.valid_from, rules.judged_until(connection, row.id) + 1)
        values |= {"revision": row.revision + 1, "valid_from": valid_from}
    rules.update_rule(connection, scope, row.id, values)
    _set_people(connection, scope, row.id, wanted)
    return True


def delete_rule(connection: Connection, scope: Scope, slug: str, now: Instant) -> None:
    """Forget a rule and end its open alarm; its incidents stay on record. Raises NotFound."""
    row = rules.rule_row(connection, scope, slug)
    _end_alarm(connection, row, now)
    rules.delete_rule(connection, scope, row.id)


def _end_alarm(connection: Connection, row: Row[Any], now: Instant) -> None:
    standing = repository.read_states(connection, [row.id]).get(row.id)
    if standing is None:
        return
    _, effects = machine.edit(standing.state, now, CloseReason.RULE_DELETED)
    Recorder(connection, repository.rule_of(row), standing.state, now).record(effects)


def apply_rules(
    connection: Connection, scope: Scope, specs: Sequence[RuleSpec]
) -> list[tuple[str, str]]:
    """Bring rules to what a town file says; rules it does not name stay.

    Returns what changed as (``created`` or ``changed``, what). Raises Invalid naming the rule.
    """
    changes = []
    for spec in specs:
        try:
            wanted = NewRule.model_validate(msgspec.structs.asdict(spec))
            if change := _bring(connection, scope, wanted):
                changes.append((change, f"rule {wanted.slug}"))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'rule'}: {item['msg']}"
                for item in error.errors()
            )
            raise Invalid(f"rule {spec.slug}: {wrong}") from None
        except Invalid as problem:
            raise Invalid(f"rule {spec.slug}: {problem.detail}") from None
    return changes


def _bring(connection: Connection, scope: Scope, wanted: NewRule) -> str | None:
    try:
        return "changed" if replace_rule(connection, scope, wanted) else None
    except NotFound:
        create_rule(connection, scope, wanted)
        return "created"


def _comparable(record: NewRule) -> dict[str, Any]:
    values = record.model_dump()
    for people in ("recipients", "technicians"):
        values[people] = sorted(set(values[people]))
    return values


def _zone_id(connection: Connection, scope: Scope, wanted: NewRule) -> int | None:
    """The id of the rule's zone, None for a device's rule. Raises Invalid for what is not there."""
    try:
        if wanted.zone is not None:
            return zone_id(connection, scope, wanted.zone)
        assert wanted.device is not None
        registry.device(connection, scope, wanted.device)
        quantity(wanted.quantity)
    except NotFound as missing:
        raise Invalid(f"{missing.detail} Register it first.") from None
    except VocabularyError as unknown:
        raise Invalid(f"{unknown}.") from None
    return None


def _set_people(connection: Connection, scope: Scope, rule_id: int, wanted: NewRule) -> None:
    for purpose, slugs in ((ALARM, wanted.recipients), (TECHNICAL, wanted.technicians)):
        known = rules.recipient_ids(connection, scope, slugs)
        if missing := [slug for slug in slugs if slug not in known]:
            raise Invalid(f"There is no recipient '{missing[0]}'. Create it first.")
        rules.set_told(connection, rule_id, purpose, sorted(known.values()))
