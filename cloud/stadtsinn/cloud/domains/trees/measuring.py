"""What the soil says at a station: its good values, by depth. And how much it rained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.trees.depths import LOOKED_BACK, DepthValues, Value
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.domains.trees.soil import SOIL_CLASSES, Soil, site_soil
from stadtsinn.cloud.series.stores.store import Aggregate, SeriesReader, Window
from stadtsinn.cloud.town.stations.kinds import AttributeValue
from stadtsinn.cloud.town.stations.model import PlacedDeployment, is_comparison

TENSION, MOISTURE, TEMPERATURE = "soil_tension", "soil_moisture", "soil_temperature"
_SOIL = (TENSION, MOISTURE, TEMPERATURE)
_IN_NAME = re.compile(r"(?:^|[_.-])(\d{1,3})(?:_?cm)?(?:$|[_.-])")
"""``30cm``, ``soil_60``, ``90``"""
_RAIN = {"precipitation": Aggregate.SUM, "precipitation_total": Aggregate.COUNTER_DELTA}
_MOST_VALUES = 50_000


@dataclass(frozen=True)
class SoilProfile:
    """The depths of a station, from the top. `unplaced`: channels of which nobody has said how deep
    they measure; they decide nothing."""

    depths: tuple[DepthValues, ...]
    unplaced: tuple[str, ...] = ()


def read_profile(
    store: SeriesReader,
    tenant_id: str,
    station: str,
    places: Sequence[PlacedDeployment],
    now: Instant,
    *,
    since: Instant | None = None,
) -> SoilProfile:
    """The good values of a station in the last two weeks, or `since` a moment."""
    start = Instant(max(now - LOOKED_BACK - 1, 0)) if since is None else since
    found: dict[float, dict[str, list[Value]]] = {}
    unplaced = set()
    for key in store.series(tenant_id, station):
        if key.quantity not in _SOIL or is_comparison(key.channel):
            continue
        depth = depth_of(key.channel, places, now)
        if depth is None:
            unplaced.add(key.channel)
            continue
        samples = store.read(tenant_id, key, start, Instant(now + 1), limit=_MOST_VALUES)
        values = [Value(one.time, one.value) for one in samples]
        found.setdefault(depth, {}).setdefault(key.quantity, []).extend(values)
    return SoilProfile(tuple(_profile(found)), tuple(sorted(unplaced)))


def _profile(found: Mapping[float, Mapping[str, list[Value]]]) -> Iterable[DepthValues]:
    """A depth without a thermometer of its own has the nearest one's temperature."""
    warm = {depth: sorted(of[TEMPERATURE]) for depth, of in found.items() if TEMPERATURE in of}
    for depth, of in sorted(found.items()):
        if TENSION not in of and MOISTURE not in of:
            continue
        nearest = min(warm, key=lambda other: abs(other - depth), default=None)
        yield DepthValues(
            depth,
            tension=sorted(of.get(TENSION, ())),
            moisture=sorted(of.get(MOISTURE, ())),
            temperature=() if nearest is None else warm[nearest],
        )


def depth_of(channel: str, places: Sequence[PlacedDeployment], now: Instant) -> float | None:
    """How deep a channel of a station measures: as its newest deployment says, else its name."""
    begun = [place for place in places if place.starts <= now]
    for place in sorted(begun, key=lambda one: one.starts, reverse=True):
        if channel in place.depths_cm:
            return place.depths_cm[channel]
    named = _IN_NAME.search(channel)
    return float(named[1]) if named else None


def soil_of(group: TreeGroup, attributes: Mapping[str, AttributeValue]) -> Soil:
    """The group's soil class, over it what was measured at the station.

    Where the two contradict each other the class alone counts.
    """
    soil_class = SOIL_CLASSES[group.soil_class]
    stated = {
        name: float(value)
        for name in ("field_capacity", "wilting_point", "stones")
        if isinstance(value := attributes.get(name), int | float)
    }
    try:
        return site_soil(soil_class, **stated)
    except ValueError:
        return site_soil(soil_class)


def rain_mm(
    store: SeriesReader, tenant_id: str, station: str | None, start: Instant, end: Instant
) -> float | None:
    """How much rain fell at a station; None where nobody measured it."""
    if station is None:
        return None
    for key in store.series(tenant_id, station):
        if (how := _RAIN.get(key.quantity)) is None or is_comparison(key.channel):
            continue
        hours = store.aggregate(tenant_id, key, start, end, Window.HOUR, how)
        if hours:
            return sum(one.value for one in hours)
    return None
