"""Applies a town file to an installation.

Only what the file names is touched; applying it again changes nothing. Removing is left to the
API, where one thing is removed at a time and on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Problem
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.town import service
from stadtsinn.cloud.town.directory import read_directory
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import Refusal, TownRefused
from stadtsinn.cloud.town_file.repository import copy_town
from stadtsinn.cloud.town_file.sections import Applying, Change, Section

_SLICE = 500
"""The weight of what one transaction writes: everybody waits for it meanwhile."""


def apply_town(
    database: Database,
    town: Town,
    now: Instant,
    *,
    dry_run: bool = False,
    limits: Limits = DEFAULTS,
    on_idle: Callable[[Rule], None] | None = None,
) -> tuple[Change, ...]:
    """Bring the registry to what the town says; returns what changed.

    It is tried in a copy first, which finds every error and keeps nobody waiting. What changes is
    applied in one transaction, or in several where it is much. Should the process be killed
    between two, or somebody take a name meanwhile, applying again goes on and leads to the same.
    A `dry_run` ends after the copy. `on_idle` is called with each of the file's rules for a group
    that has no station yet. Raises TownRefused.
    """
    scope = operator_scope(town.tenant, limits)
    changes = _tried(database, town, scope, now, on_idle)
    if dry_run:
        return changes
    applying = Applying(scope, now)
    wanted = frozenset(change.what for change in changes)
    for number, piece in enumerate(_pieces(applying.sections(town, wanted))):
        if number:
            database.let_others_write()
        try:
            with service.change(database, scope, now) as connection:
                applying.run(connection, piece)
        except Problem as problem:
            said = problem.sentence
            if number:
                said = Sentence(
                    f"{said.english} What stands before it in the file is applied.",
                    f"{said.german} Was in der Datei davor steht, ist übernommen.",
                )
            raise TownRefused.by_registry([Refusal(applying.at, said)]) from problem
        crash_point("town_file.applied")
    return tuple(applying.changes)


def _tried(
    database: Database,
    town: Town,
    scope: Scope,
    now: Instant,
    on_idle: Callable[[Rule], None] | None,
) -> tuple[Change, ...]:
    """What applying would change, found out in a copy of the town's registry."""
    trying = Applying(scope, now, trying=True)
    copy = open_database(":memory:")
    try:
        with database.read() as connection:
            dev_euis = {section.dev_eui for section in town.devices}
            copy_town(connection, copy, town.tenant, dev_euis, {edge.id for edge in town.edges})
        with service.change(copy) as connection:
            trying.run(connection, trying.sections(town))
        if trying.refusals:
            raise TownRefused.by_registry(trying.refusals)
        if on_idle is not None:
            for rule in _idle(copy, town):
                on_idle(rule)
    except Problem as problem:
        refusals = [*trying.refusals, Refusal(trying.at, problem.sentence)]
        raise TownRefused.by_registry(refusals) from problem
    finally:
        copy.dispose()
    return tuple(trying.changes)


def _idle(copy: Database, town: Town) -> list[Rule]:
    """The town's rules for groups of which the registry has no station."""
    for_groups = [rule for rule in town.rules if rule.group is not None]
    if not for_groups:
        return []
    with copy.read() as connection:
        stations = read_directory(connection).stations.values()
    return [
        rule
        for rule in for_groups
        if rule.group is not None and not any(rule.group.holds(one) for one in stations)
    ]


def _pieces(sections: Iterable[Section]) -> Iterator[list[Section]]:
    """The same sections, in pieces that weigh `_SLICE` at most."""
    piece: list[Section] = []
    left = _SLICE
    for section in sections:
        things = section.things
        while things:
            count = max(left // section.weight, 0 if piece else 1)
            if count == 0:
                yield piece
                piece, left = [], _SLICE
                continue
            piece.append(replace(section, things=things[:count]))
            left -= len(things[:count]) * section.weight
            things = things[count:]
    if piece:
        yield piece
