"""Looks back: what the soil answered to waterings, what they calibrate, and a whole season."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stadtsinn.base.berlin import at, local
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.trees import day_repository, repository, watering_repository
from stadtsinn.cloud.domains.trees.answers import Answer, Calibration, answer_of, calibrate
from stadtsinn.cloud.domains.trees.grouping import Grouping
from stadtsinn.cloud.domains.trees.measuring import rain_mm, read_profile
from stadtsinn.cloud.domains.trees.season import Season, season
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesReader
from stadtsinn.cloud.town.stations import repository as stations

_MOST_ANSWERS = 100
"""Waterings of one tree that are looked at, the newest."""


@dataclass(frozen=True)
class Answers:
    """Of a group: the tree at its station, its waterings, and what 100 litres do."""

    reference_tree: str | None
    answers: tuple[Answer, ...]
    calibration: tuple[Calibration, ...]


def answers_of(
    database: Database, store: SeriesReader, scope: Scope, slug: str, days: int, now: Instant
) -> Answers:
    """The waterings of the last days of the tree at a group's station, the newest first. Only it
    can answer: the others have no sensor. Raises NotFound, SeriesUnavailable."""
    since = Instant(max(now - days * DAY, 0))
    with database.read() as connection:
        group = repository.group(connection, scope, slug)
        station = stations.station(connection, scope, group.station)
        places = stations.deployments_page(connection, scope, None, None, station=group.station)
        settings = repository.settings(connection, scope)
        tree = group.reference_tree or str(station.attributes.get("tree_id", ""))
        if not tree:
            return Answers(None, (), ())
        found = watering_repository.waterings_between(
            connection, scope, since, Instant(now + 1), [tree]
        )
    found = found[-_MOST_ANSWERS:]
    made = []
    for one in reversed(found):
        after = Instant(min(one.watered_at + DAY, now))
        profile = read_profile(
            *(store, scope.tenant_id, group.station, places, after),
            since=Instant(max(one.watered_at - DAY, 0)),
        )
        rain = rain_mm(store, scope.tenant_id, settings.rain_station, one.watered_at, after)
        made.append(answer_of(one, profile.depths, now, rain))
    return Answers(tree, tuple(made), tuple(calibrate(made)))


def season_of(database: Database, scope: Scope, year: int, now: Instant) -> Season:
    """A calendar year until now; trees count in the groups that they are in at its end."""
    first, last = date(year, 1, 1), min(date(year, 12, 31), local(now).date())
    with database.read() as connection:
        groups = repository.groups_page(connection, scope, None, None)
        levels = day_repository.levels_between(connection, scope, first, last)
        start, end = at(first), at(date(year + 1, 1, 1))
        waterings = watering_repository.waterings_between(connection, scope, start, end)
        trees = repository.all_trees(connection, scope)
        return season(groups, trees, Grouping(groups, max(first, last)), levels, waterings)
