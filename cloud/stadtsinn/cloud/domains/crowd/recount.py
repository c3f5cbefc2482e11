"""What gates counted is made anew where deployments were put right: a swap that was noted late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd.recount_repository import Uncounted
from stadtsinn.cloud.domains.crowd.reports import reports_of
from stadtsinn.cloud.domains.crowd.zone_live import GateReport, Recount
from stadtsinn.cloud.domains.crowd.zones.directory import Zones
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchiveUnreadable
from stadtsinn.cloud.log.followers.culprits import blames_uplinks, sentence_of
from stadtsinn.cloud.log.reader import uplinks_of
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.series.rewriting.parts import delays_by, feeds_of
from stadtsinn.cloud.series.rewriting.staging import Feed
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.decoders.catalogue import catalogue

log = structlog.get_logger()

COUNTED_ANEW = 7 * DAY
"""How far back: what is older stays as it was counted until 'stadtsinn cloud rebuild live'."""


@dataclass(frozen=True)
class Waiting:
    """What waits to be counted anew together, read from the log.

    In the order of zones. It holds for this revision of the registry, and while the log is counted
    up to `position`.
    """

    ids: Sequence[int]
    recounts: Sequence[Recount]
    revision: int
    position: int


def read_waiting(
    parts: Sequence[Uncounted], directory: Directory, zones: Zones, history: History, now: Instant
) -> Waiting:
    """The first of these parts, with those that concern the same zones: one without the other
    would show a number that never was. Parts at stations without gates come with any. Zones that
    all of them are counted anew in are left out."""
    first: set[int] = set()
    chosen = []
    for part in parts:
        own = _zones_of(part, directory, zones)
        first = first or own
        if not own or own & first:
            chosen.append(part)
    done = min(part.counted_to for part in chosen)
    found = sorted(
        recounts(chosen, directory, zones, history, now, done), key=lambda one: one.zone_id
    )
    return Waiting([part.id for part in chosen], found, directory.revision, history.position)


def _zones_of(part: Uncounted, directory: Directory, zones: Zones) -> set[int]:
    station = directory.station(part.tenant_id, part.station)
    return set() if station is None else {zone.id for zone, _ in zones.at_station(station.id)}


@dataclass(frozen=True)
class History:
    """The log as far as it was counted: up to `position`."""

    connection: Connection
    archive: Archive | None
    position: int


def recounts(
    parts: Sequence[Uncounted],
    directory: Directory,
    zones: Zones,
    history: History,
    now: Instant,
    done: int,
) -> Iterator[Recount]:
    """What is to be counted anew of these parts, station by station, in the zones behind `done`."""
    delays = delays_by(directory, catalogue())
    for (tenant_id, slug), (start, end) in _joined(parts, now).items():
        station = directory.station(tenant_id, slug)
        at_station = zones.at_station(station.id) if station is not None else ()
        gates = [(zone, gate) for zone, gate in at_station if zone.id > done]
        if not gates or start >= end:
            continue
        found: dict[int, list[GateReport]] = defaultdict(list)
        try:
            feeds = feeds_of(directory, [SeriesPart(tenant_id, slug, start, end)], delays)
            for uplink in _uplinks(feeds, history):
                for _, report in reports_of(uplink, directory, zones):
                    if start <= report[1].time < end:
                        found[report[0][0]].append(report)
        except Exception as error:
            # One station's uplinks must not keep the time of all zones from passing.
            if not isinstance(error, ArchiveUnreadable) and not blames_uplinks(error):
                raise
            log.warning(
                "zone_not_counted_anew",
                station=slug,
                reason=sentence_of(error),
                remedy="when its archive and uplinks can be read: 'stadtsinn cloud rebuild live'",
            )
            continue
        for zone, gate in gates:
            yield Recount(zone.id, gate.id, start, end, found[gate.id])


def _joined(
    parts: Sequence[Uncounted], now: Instant
) -> dict[tuple[str, str], tuple[Instant, Instant]]:
    """One time for each station, not longer ago than can be counted anew."""
    oldest = Instant(now - COUNTED_ANEW)
    found: dict[tuple[str, str], tuple[Instant, Instant]] = {}
    for part in parts:
        name = (part.tenant_id, part.station)
        start, end = max(part.start, oldest), part.end
        if start >= end:
            continue
        earlier = found.get(name, (start, end))
        found[name] = min(start, earlier[0]), max(end, earlier[1])
    return found


def _uplinks(feeds: Sequence[Feed], history: History) -> list[LoggedUplink]:
    """The uplinks that may hold reports of this time, each once."""
    found: dict[int, LoggedUplink] = {}
    for feed in feeds:
        named = (feed.tenant_id, feed.dev_eui, feed.start, feed.end, history.position)
        for uplink in uplinks_of(history.connection, history.archive, *named):
            found[uplink.position] = uplink
    return [found[position] for position in sorted(found)]
