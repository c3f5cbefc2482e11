"""Parts of stations' series, and the devices whose uplinks fill them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.series.rewriting.staging import Feed
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.decoders.catalogue import Catalogue

LATEST = Instant(2**63 // 1000 - 1)
"""What every store can be asked for; deployments without an end last until then."""

_AHEAD = DAY
"""How far a sensor's own clock may be ahead of the frame that brought its value."""


def parts_fed_by(
    directory: Directory, tenant_id: str, dev_eui: str, first: Instant, last: Instant
) -> list[SeriesPart]:
    """Where the points from `first` to `last` of a device lie, by its deployments."""
    return [
        SeriesPart(
            tenant_id,
            place.station.slug,
            max(first, place.start),
            Instant(min(last + 1, place.end)),
        )
        for place in directory.deployments_of(dev_eui)
        if place.station.tenant_id == tenant_id and place.start <= last and first < place.end
    ]


def joined(parts: Iterable[SeriesPart]) -> list[SeriesPart]:
    """One part for each station, from the first beginning to the last end; sorted."""
    found: dict[tuple[str, str], SeriesPart] = {}
    for part in parts:
        name = (part.tenant_id, part.station)
        other = found.get(name, part)
        start, end = min(part.start, other.start), max(part.end, other.end)
        found[name] = SeriesPart(*name, start, Instant(min(end, LATEST)))
    return [found[name] for name in sorted(found)]


def meeting(parts: Iterable[SeriesPart]) -> list[SeriesPart]:
    """Parts of stations where those that overlap or touch are one; sorted."""
    by_station: dict[tuple[str, str], list[SeriesPart]] = defaultdict(list)
    for part in sorted(parts, key=lambda part: (part.tenant_id, part.station, part.start)):
        own = by_station[part.tenant_id, part.station]
        if own and part.start <= own[-1].end:
            own[-1] = joined((own[-1], part))[0]
        else:
            own.append(joined((part,))[0])
    return [part for own in by_station.values() for part in own]


def feeds_of(
    directory: Directory, parts: Iterable[SeriesPart], delays: Callable[[str], bool]
) -> list[Feed]:
    """The devices that fed these parts, by the deployments of now, and which of their uplinks.

    `delays`: whether a device's values can be older than their frame; values of a part may have
    come, or come again, any time later then.
    """
    found: list[Feed] = []
    for part in parts:
        station = directory.station(part.tenant_id, part.station)
        for place in directory.deployments_at(station.id) if station is not None else ():
            start, end = max(part.start, place.start), Instant(min(part.end, place.end))
            if start >= end:
                continue
            if delays(place.dev_eui):
                start, end = Instant(start - _AHEAD), LATEST
            found.append(Feed(part.tenant_id, place.dev_eui, start, end))
    return found


def delays_by(directory: Directory, known: Catalogue) -> Callable[[str], bool]:
    """Whether a device's values can be older than their frame: by its type; true for a type that
    is not known."""

    def delays(dev_eui: str) -> bool:
        entry = directory.devices.get(dev_eui)
        kind = None if entry is None else known.find(entry.device_type)
        return kind is None or kind.has_event_times

    return delays
