"""Brings rule files into a town, each rule in a transaction of its own.

Should the process be killed between two, applying again goes on and leads to the same: what a rule
became and from which folder it came are written together. What somebody changes meanwhile is
seen in the transaction and refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict, NotFound
from stadtsinn.cloud.alarms.alerts import repository as rule_repository
from stadtsinn.cloud.alarms.alerts import service
from stadtsinn.cloud.alarms.rule_files import repository
from stadtsinn.cloud.alarms.rule_files.planning import Action, Planned, Wish, digest_of
from stadtsinn.cloud.alarms.rule_files.repository import Origin
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.service import change


def apply(
    database: Database, scope: Scope, planned: Sequence[Planned], wish: Wish, now: Instant
) -> Iterator[Planned]:
    """Each that was done, once it is. Raises Conflict where a rule is not as it was planned by."""
    for number, one in enumerate(planned):
        if one.action in (Action.KEEP, Action.CONFLICT):
            continue
        if number:
            database.let_others_write()
        if one.action is Action.REMOVE:
            _remove(database, scope, one, now)
        else:
            with change(database, scope, now) as connection:
                _bring(connection, scope, one, wish, now)
        crash_point("rule_files.applied")
        yield one


def _bring(connection: Connection, scope: Scope, one: Planned, wish: Wish, now: Instant) -> None:
    assert one.wanted is not None
    rule = one.wanted.rule
    rule_repository.lock_rules(connection)
    _require_as_planned(connection, scope, one)
    if one.action is Action.CREATE:
        service.create_rule(connection, scope, rule)
    elif one.action is Action.CHANGE:
        service.replace_rule(connection, scope, rule)
    stored = rule_repository.rule(connection, scope, rule.slug)
    repository.set_origin(connection, stored.id, Origin(wish.folder, digest_of(rule), now))


def _remove(database: Database, scope: Scope, one: Planned, now: Instant) -> None:
    is_first = True
    while True:
        with change(database, scope, now) as connection:
            rule_repository.lock_rules(connection)
            if is_first:  # where it has many open alarms the first slice switches it off
                _require_as_planned(connection, scope, one)
            if service.delete_rule(connection, scope, one.slug, now):
                return
        is_first = False
        database.let_others_write()


def _require_as_planned(connection: Connection, scope: Scope, one: Planned) -> None:
    try:
        seen = digest_of(rule_repository.rule(connection, scope, one.slug).rule)
    except NotFound:
        seen = None
    origin = repository.origins(connection, scope, one.slug).get(one.slug)
    if seen != one.seen or origin != one.origin:
        raise Conflict(
            f"Somebody changed the rule '{one.slug}' just now: look at the plan again.",
            f"Die Regel '{one.slug}' wurde gerade geändert: den Plan noch einmal ansehen.",
        )
