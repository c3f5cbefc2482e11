"""Rain, gauges and lakes of a town as they are now, from the series of its stations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from stadtsinn.base.berlin import local
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.domains.water.gauges import Gauge, Reading, gauge_of
from stadtsinn.cloud.domains.water.lakes import NIGHTS, Lake, Value, lake_of, nights_of
from stadtsinn.cloud.domains.water.rain import (
    SPANS,
    Fall,
    Measured,
    RainSum,
    falls_of_amounts,
    falls_of_totals,
    sums,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.answers.repository import device_types
from stadtsinn.cloud.series.answers.service import counter_modulus
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey, SeriesReader
from stadtsinn.cloud.town.stations import repository as stations
from stadtsinn.cloud.town.stations.model import comparison_of, is_comparison
from stadtsinn.cloud.town.stations.present_repository import Place, places_of

AMOUNT, TOTAL = "precipitation", "precipitation_total"
LEVEL, OXYGEN, WARMTH = "water_level", "dissolved_oxygen", "water_temperature"
_HOUR_S = 3_600
_MOST = 50_000
_LEVEL_BACK = 6 * HOUR


@dataclass(frozen=True)
class RainNow:
    """The sums of a station that end at `until`; `measured_at` is its newest value."""

    place: Place
    until: Instant
    measured_at: Instant | None
    sums: tuple[RainSum, ...]


@dataclass(frozen=True)
class GaugeNow:
    """A gauge; None where it has not measured for six hours."""

    place: Place
    gauge: Gauge | None

    @property
    def above_sea(self) -> float | None:
        """Metres above sea level, where the station says where its zero is."""
        zero = self.place.attributes.get("gauge_zero_m")
        if self.gauge is None or not isinstance(zero, int | float) or isinstance(zero, bool):
            return None
        return round(zero + self.gauge.reading.level, 3)


@dataclass(frozen=True)
class LakeNow:
    place: Place
    lake: Lake


def rain_now(
    database: Database,
    store: SeriesReader,
    scope: Scope,
    now: Instant,
    station: str | None = None,
) -> list[RainNow]:
    """Where rain is measured, or at one station; raises NotFound, SeriesUnavailable."""
    keys = _keys(store, scope, (AMOUNT, TOTAL), station)
    found = []
    for one in _places(database, scope, now, keys, station):
        key = _best(keys, one.slug)
        modulus = _modulus(database, scope, key, now) if key.quantity == TOTAL else None
        found.append(_rain(store, scope, one, key, modulus, now))
    return found


def _modulus(database: Database, scope: Scope, key: SeriesKey, now: Instant) -> float | None:
    """Where the total of the device there wraps; None where nobody knows."""
    with database.read() as connection:
        places = stations.deployments_page(connection, scope, None, None, station=key.station)
        types = device_types(connection, scope, {place.dev_eui for place in places})
    return counter_modulus(key, places, types, now)


def _best(keys: Collection[SeriesKey], slug: str) -> SeriesKey:
    """A total heals what an uplink lost; of several channels the first."""
    mine = [key for key in keys if key.station == slug]
    return min(mine, key=lambda key: (key.quantity != TOTAL, key.channel))


def _rain(
    store: SeriesReader,
    scope: Scope,
    place: Place,
    key: SeriesKey,
    modulus: float | None,
    now: Instant,
) -> RainNow:
    interval = place.interval_s or _HOUR_S
    samples = _read(store, scope, key, Instant(now - SPANS[-1] - DAY), now)
    values = [Measured(one.time, one.value, one.dev_eui) for one in samples]
    falls: list[Fall]
    if key.quantity == TOTAL:
        falls = falls_of_totals(values, interval, modulus)
    else:
        falls = falls_of_amounts(values, interval)
    newest = values[-1].time if values else None
    return RainNow(place, now, newest, tuple(sums(falls, now, interval)))


def gauges_now(
    database: Database,
    store: SeriesReader,
    scope: Scope,
    now: Instant,
    station: str | None = None,
) -> list[GaugeNow]:
    """Where a level is measured, or at one station; raises NotFound, SeriesUnavailable."""
    keys = _keys(store, scope, (LEVEL,), station)
    found = []
    for one in _places(database, scope, now, keys, station):
        channel = min(key.channel for key in keys if key.station == one.slug)
        mine, second = (
            [Reading(sample.time, sample.value) for sample in _read(store, scope, key, start, now)]
            for start in (Instant(now - _LEVEL_BACK),)
            for key in (
                SeriesKey(one.slug, LEVEL, channel),
                SeriesKey(one.slug, LEVEL, comparison_of(channel)),
            )
        )
        found.append(GaugeNow(one, gauge_of(mine, second)))
    return found


def lakes_now(
    database: Database,
    store: SeriesReader,
    scope: Scope,
    now: Instant,
    station: str | None = None,
) -> list[LakeNow]:
    """Where oxygen is measured, or at one station; raises NotFound, SeriesUnavailable."""
    keys = _keys(store, scope, (OXYGEN,), station)
    start = Instant(now - (NIGHTS + 1) * DAY)
    found = []
    for one in _places(database, scope, now, keys, station):
        channel = min(key.channel for key in keys if key.station == one.slug)
        oxygen = _read(store, scope, SeriesKey(one.slug, OXYGEN, channel), start, now)
        warmth = _read(store, scope, SeriesKey(one.slug, WARMTH, channel), start, now)
        nights = nights_of(_values(oxygen), _values(warmth))
        found.append(LakeNow(one, lake_of(nights, local(now).date())))
    return found


def _values(samples: Iterable[Sample]) -> list[Value]:
    return [Value(one.time, one.value) for one in samples]


def _keys(
    store: SeriesReader, scope: Scope, quantities: Sequence[str], station: str | None
) -> list[SeriesKey]:
    """The series of these quantities, without those that only compare."""
    only = None if station is None else [station]
    found = [
        key for name in quantities for key in store.latest(scope.tenant_id, only, quantity=name)
    ]
    return [key for key in found if not is_comparison(key.channel)]


def _places(
    database: Database,
    scope: Scope,
    now: Instant,
    keys: Iterable[SeriesKey],
    station: str | None,
) -> list[Place]:
    slugs = {key.station for key in keys}
    with database.read() as connection:
        found = places_of(connection, scope, now, slugs=slugs)
    if station is not None and not found:
        raise NotFound(
            f"The station '{station}' has not measured that, or there is none of that name: "
            "'stadtsinn station list' shows the stations.",
            f"Die Messstelle '{station}' hat das nicht gemessen, oder es gibt sie nicht: "
            "'stadtsinn station list' zeigt die Messstellen.",
        )
    return found


def _read(
    store: SeriesReader, scope: Scope, key: SeriesKey, start: Instant, now: Instant
) -> list[Sample]:
    start = Instant(max(start, 0))
    return store.read(scope.tenant_id, key, start, Instant(now + 1), limit=_MOST)
