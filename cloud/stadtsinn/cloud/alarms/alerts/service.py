"""Changes rules. The follower sees the new revision and ends what the old rule had begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.alarms.alerts import attention_repository, incident_repository, repository
from stadtsinn.cloud.alarms.alerts.evaluation import rows_of
from stadtsinn.cloud.alarms.alerts.recorder import end_what_was_open
from stadtsinn.cloud.alarms.alerts.repository import ALARM, TECHNICAL, StoredRule, Subject, step
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.sense import require_sense
from stadtsinn.cloud.alarms.alerts.slices import WRITTEN_AT_ONCE
from stadtsinn.cloud.alarms.alerts.tables import rules
from stadtsinn.cloud.alarms.duty.model import not_one_of
from stadtsinn.cloud.alarms.duty.repository import group_ids
from stadtsinn.cloud.alarms.duty.repository import people as every_person
from stadtsinn.cloud.alarms.duty.repository import slugs as every_group
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.repository import zone, zone_id
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room
from stadtsinn.cloud.town import repository as registry
from stadtsinn.cloud.town.stations.repository import station_id
from stadtsinn.decoders.vocabulary import Quantity, VocabularyError, quantity
from stadtsinn.rules.state import CloseReason

_NOT_JUDGED_BY = (
    "name",
    "max_age_s",
    "resolve_notice",
    "severity",
    "recipients",
    "technicians",
    "repeat_s",
    "escalation",
)
"""Changing these does not end an open alarm: what is an alarm stays the same."""


def create_rule(connection: Connection, scope: Scope, wanted: Rule) -> None:
    """Raises Conflict when the slug is taken or there is no room, Invalid for an unknown subject or
    recipient."""
    try:
        repository.rule(connection, scope, wanted.slug)
    except NotFound:
        subject = subject_of(connection, scope, wanted)
        require_sense(connection, scope, wanted)
        require_room(connection, scope, "rules", rules)
        rule_id = repository.insert_rule(connection, scope, wanted, subject)
        _set_recipients(connection, scope, rule_id, wanted)
    else:
        raise Conflict(
            f"There is already a rule '{wanted.slug}'. Change it with PUT.",
            f"Es gibt schon eine Regel '{wanted.slug}'. Sie mit PUT ändern.",
        )


def replace_rule(connection: Connection, scope: Scope, wanted: Rule) -> bool:
    """Bring a rule to what is wanted; False when it was so already.

    A change of what it judges ends an open alarm and applies from the next sample on. Raises
    NotFound, and Invalid as `create_rule`.
    """
    repository.lock_rules(connection)
    stored = repository.rule(connection, scope, wanted.slug)
    if comparable(stored.rule) == comparable(wanted):
        return False
    subject, changed = subject_of(connection, scope, wanted), replace(stored, rule=wanted)
    if _judged_by(stored.rule) != _judged_by(wanted):
        require_sense(connection, scope, wanted)
        changed = _new_revision(connection, changed)
    repository.update_rule(connection, changed, subject)
    _set_recipients(connection, scope, stored.id, wanted)
    attention_repository.look_again(connection, stored.id)
    return True


def delete_rule(connection: Connection, scope: Scope, slug: str, now: Instant) -> bool:
    """Forget a rule and end its open alarms; its incidents stay on record. Raises NotFound.

    A rule for a large group may have many: then this ends some, switches the rule off and answers
    False. Call it again in the next transaction.
    """
    repository.lock_rules(connection)
    stored = repository.rule(connection, scope, slug)
    at_once = max(1, WRITTEN_AT_ONCE // rows_of(stored))
    states = incident_repository.read_states(connection, [stored.id], at_once)
    for key, standing in states.items():
        end_what_was_open(connection, stored, key, standing.state, now, CloseReason.RULE_DELETED)
        incident_repository.delete_state(connection, key)
    if len(states) < at_once:
        repository.delete_rule(connection, stored)
        return True
    repository.switch_off(connection, stored)
    return False


def apply_rules(
    connection: Connection, scope: Scope, wanted: Sequence[Rule]
) -> list[tuple[str, str]]:
    """Bring rules to what a town file says; rules it does not name stay.

    Returns what changed as (``created`` or ``changed``, what). Raises Invalid naming the rule.
    """
    changes = []
    for rule in wanted:
        try:
            if change := _create_or_replace(connection, scope, rule):
                changes.append((change, f"rule {rule.slug}"))
        except Invalid as problem:
            raise Invalid(
                f"rule {rule.slug}: {problem.sentence.english}",
                f"Regel {rule.slug}: {problem.sentence.german}",
            ) from None
    return changes


def _create_or_replace(connection: Connection, scope: Scope, wanted: Rule) -> str | None:
    try:
        return "changed" if replace_rule(connection, scope, wanted) else None
    except NotFound:
        create_rule(connection, scope, wanted)
        return "created"


def _new_revision(connection: Connection, stored: StoredRule) -> StoredRule:
    """The new revision judges from the event time on at which the former one stopped."""
    judged_until = incident_repository.judged_until(connection, stored.id)
    valid_from = Instant(max(stored.valid_from, judged_until + 1))
    return replace(stored, revision=stored.revision + 1, valid_from=valid_from)


def comparable(rule: Rule) -> dict[str, Any]:
    """What makes it another rule: neither the order of recipients nor a repeated one."""
    values = rule.model_dump()
    for purpose in ("recipients", "technicians"):
        values[purpose] = sorted(set(values[purpose]))
    for one in values["escalation"]:
        one["to"] = sorted(set(one["to"]))
    return values


def _judged_by(rule: Rule) -> dict[str, Any]:
    return {name: value for name, value in rule.model_dump().items() if name not in _NOT_JUDGED_BY}


def subject_of(connection: Connection, scope: Scope, wanted: Rule) -> Subject:
    """Raises Invalid for a station, zone, site or quantity that is not there."""
    try:
        if wanted.zone is not None:
            _require_permit(wanted, zone(connection, scope, wanted.zone))
            return Subject(zone_id=zone_id(connection, scope, wanted.zone))
        known = quantity(wanted.quantity)
        if reason := wanted.parameters.refuses(known.name, known.aggregate):
            raise Invalid(reason.english, reason.german)
        _require_others(connection, scope, wanted, known)
        if wanted.station is not None:
            return Subject(station_id=station_id(connection, scope, wanted.station))
        if wanted.group is not None and wanted.group.site is not None:
            registry.site(connection, scope, wanted.group.site)
    except NotFound as missing:
        raise Invalid(
            f"{missing.detail} Register it first.",
            f"{missing.sentence.german} Erst anlegen.",
        ) from None
    except VocabularyError as unknown:
        said = unknown.sentence
        raise Invalid(f"{said.english}.", f"{said.german}.") from None
    return Subject()


def _require_others(connection: Connection, scope: Scope, wanted: Rule, own: Quantity) -> None:
    """The datastreams beside the rule's own are there, and of one unit where they are compared."""
    for other in wanted.parameters.others:
        if other.station is not None:
            station_id(connection, scope, other.station)
        unit = own.unit if other.quantity is None else quantity(other.quantity).unit
        if wanted.parameters.of_one_unit and unit != own.unit:
            raise Invalid(
                f"'{other.quantity}' is measured in {unit}, '{own.name}' in "
                f"{own.unit}: compare quantities of one unit.",
                f"'{other.quantity}' wird in {unit} gemessen, '{own.name}' in "
                f"{own.unit}: Größen derselben Einheit vergleichen.",
            )


def _require_permit(wanted: Rule, watched: Zone) -> None:
    if wanted.parameters.of_permit and watched.permitted is None:
        raise Invalid(
            f"The zone '{watched.slug}' has no permitted number: set 'permitted' first, or use the "
            "kind 'threshold'.",
            f"Die Zone '{watched.slug}' hat keine zulässige Zahl: erst 'permitted' setzen, oder "
            "die Art 'threshold' nehmen.",
        )


def require_known(connection: Connection, scope: Scope, wanted: Rule) -> None:
    """Raises Invalid for a recipient that is not there."""
    _known(connection, scope, wanted)


def _set_recipients(connection: Connection, scope: Scope, rule_id: int, wanted: Rule) -> None:
    people, groups = _known(connection, scope, wanted)
    named = _named(wanted)
    repository.set_recipients(
        connection,
        rule_id,
        [(purpose, people[slug]) for purpose, slug in named if slug in people],
        [(purpose, groups[slug]) for purpose, slug in named if slug in groups],
    )


def _named(wanted: Rule) -> list[tuple[str, str]]:
    """Everybody whom the rule names, each with the purpose."""
    return [
        (purpose, slug)
        for purpose, slugs in (
            (ALARM, wanted.recipients),
            (TECHNICAL, wanted.technicians),
            *((step(number), one.to) for number, one in enumerate(wanted.escalation, 1)),
        )
        for slug in slugs
    ]


def _known(
    connection: Connection, scope: Scope, wanted: Rule
) -> tuple[dict[str, int], dict[str, int]]:
    """Ids of the recipients and of the duty groups that a rule names."""
    slugs = [slug for _, slug in _named(wanted)]
    people = repository.recipient_ids(connection, scope, slugs)
    others = [slug for slug in slugs if slug not in people]
    groups = group_ids(connection, scope, others) if others else {}
    if missing := [slug for slug in others if slug not in groups]:
        known = [*every_person(connection, scope.tenant_id), *every_group(connection, scope)]
        said = not_one_of(missing[0], known, "recipient")
        raise Invalid(f"{said.english} Create it first.", f"{said.german} Erst anlegen.")
    return people, groups
