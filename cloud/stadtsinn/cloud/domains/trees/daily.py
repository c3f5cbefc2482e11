"""Judges the groups of a town once a day, from the hour at which it wants its list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from stadtsinn.base.batches import batched
from stadtsinn.base.berlin import at, local
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.trees import day_repository, repository
from stadtsinn.cloud.domains.trees.day_repository import GroupDay
from stadtsinn.cloud.domains.trees.judging import Level, judge
from stadtsinn.cloud.domains.trees.measuring import rain_mm, read_profile, soil_of
from stadtsinn.cloud.domains.trees.model import TreeGroup, TreeSettings
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesReader
from stadtsinn.cloud.town.stations import repository as stations
from stadtsinn.cloud.town.stations.model import PlacedDeployment, Station

_AT_ONCE = 200
"""Groups whose verdicts are written in one transaction."""
_REMEMBERED = timedelta(days=14)
"""An older level says nothing of today."""
RAIN_DAYS = 7


def judge_due(database: Database, store: SeriesReader, scope: Scope, now: Instant) -> int:
    """Judge the groups that have not been judged today, once the town's hour has come; how many.

    Raises SeriesUnavailable.
    """
    today = local(now).date()
    with database.read() as connection:
        settings = repository.settings(connection, scope)
        if now < at(today, settings.list_at):
            return 0
        wanted = repository.group_ids(connection, scope)
        done = day_repository.judged(connection, scope.tenant_id, today)
    missing = {slug for slug, number in wanted.items() if number not in done}
    if missing:
        judge_groups(database, store, scope, missing, now)
    return len(missing)


def judge_groups(
    database: Database, store: SeriesReader, scope: Scope, slugs: Collection[str], now: Instant
) -> None:
    """Judge these groups as they are now, for the day of now. Raises SeriesUnavailable."""
    today = local(now).date()
    with database.read() as connection:
        settings = repository.settings(connection, scope)
        groups = [
            one
            for one in repository.groups_page(connection, scope, None, None)
            if one.slug in slugs
        ]
        numbers = repository.group_ids(connection, scope)
    rain = _rain(store, scope, settings, now)
    for some in batched(groups, _AT_ONCE):
        with database.read() as connection:
            town = _Town(connection, scope, some, numbers, today)
        found = {numbers[one.slug]: town.verdict(store, one, rain, now) for one in some}
        with database.write() as connection:
            present = set(repository.group_ids(connection, scope).values())
            still = {number: day for number, day in found.items() if number in present}
            day_repository.write_days(connection, today, still)


def _rain(store: SeriesReader, scope: Scope, settings: TreeSettings, now: Instant) -> float | None:
    start = Instant(max(now - RAIN_DAYS * DAY, 0))
    return rain_mm(store, scope.tenant_id, settings.rain_station, start, now)


class _Town:
    """What is needed of the registry to judge some groups, read at once."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        groups: Sequence[TreeGroup],
        numbers: dict[str, int],
        today: date,
    ) -> None:
        self._tenant_id = scope.tenant_id
        self._today = today
        slugs = {one.station for one in groups}
        self._stations: dict[str, Station] = stations.stations_named(connection, scope, slugs)
        self._places: dict[str, list[PlacedDeployment]] = {
            slug: stations.deployments_page(connection, scope, None, None, station=slug)
            for slug in slugs
        }
        levels = day_repository.last_levels(
            connection, [numbers[one.slug] for one in groups], today, today - _REMEMBERED
        )
        self._before = {one.slug: levels.get(numbers[one.slug]) for one in groups}

    def verdict(
        self, store: SeriesReader, group: TreeGroup, rain: float | None, now: Instant
    ) -> GroupDay:
        places = self._places[group.station]
        profile = read_profile(store, self._tenant_id, group.station, places, now)
        soil = soil_of(group, self._stations[group.station].attributes)
        before = self._before[group.slug] or Level.UNKNOWN
        judged = judge(profile.depths, soil, group.judged_by(), before, now, self._today)
        return GroupDay(now, judged, rain)
