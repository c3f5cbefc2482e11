"""Which rules watch which stations and zones, by the present rules and the present registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda, next_start
from stadtsinn.cloud.domains.crowd.zones.directory import Zones
from stadtsinn.cloud.domains.crowd.zones.permits import permitted_at
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town.stations.directory import DeploymentEntry, StationEntry
from stadtsinn.cloud.town.stations.model import FOR_EVER
from stadtsinn.rules.state import CloseReason
from stadtsinn.rules.terms import ALWAYS, NEVER

NAMED = 0
"""The `member` of a rule that names one station or one zone."""

_DEFAULT_INTERVAL_S = 3_600
"""Used where no device is known whose interval could be taken."""


@dataclass(frozen=True)
class Watched:
    """One station or zone that a rule watches; it has a state and incidents of its own.

    `member` is the station's id where the rule is for a group, else `NAMED`.
    """

    stored: StoredRule
    member: int = NAMED
    station: StationEntry | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.stored.id, self.member


class Watching:
    """All rules, found by what they watch. Disabled ones are found by their id only."""

    def __init__(self, found: Iterable[StoredRule], directory: Directory, zones: Zones) -> None:
        self.by_id = {stored.id: stored for stored in found}
        self.directory = directory
        self._zones = zones
        self._naming: dict[int, list[StoredRule]] = defaultdict(list)
        self._groups: dict[str, list[StoredRule]] = defaultdict(list)
        self._of_zone: dict[int, list[StoredRule]] = defaultdict(list)
        self._of_station: dict[int, tuple[Watched, ...]] = {}
        self._footings: dict[int, str] = {}
        for stored in self.by_id.values():
            if stored.rule.enabled:
                self._add(stored)
        self.awaited = list(self._find_awaited())
        """The keys of all that rules watch which fire for missing data, in their order. Made here,
        because nobody may look through rules × stations inside a transaction."""

    def _add(self, stored: StoredRule) -> None:
        if stored.zone_id is not None:
            self._of_zone[stored.zone_id].append(stored)
        elif stored.station_id is not None:
            self._naming[stored.station_id].append(stored)
        else:
            self._groups[stored.tenant_id].append(stored)

    def at_station(self, station: StationEntry) -> Sequence[Watched]:
        """Where rules watch this station."""
        found = self._of_station.get(station.id)
        if found is None:
            named = [Watched(one, NAMED, station) for one in self._naming.get(station.id, ())]
            groups = [
                Watched(one, station.id, station)
                for one in self._groups.get(station.tenant_id, ())
                if one.rule.group is not None and one.rule.group.holds(station)
            ]
            found = self._of_station[station.id] = (*named, *groups)
        return found

    def in_zone(self, zone_id: int, tenant_id: str) -> Iterable[Watched]:
        """Where rules watch this zone."""
        for stored in self._of_zone.get(zone_id, ()):
            if stored.tenant_id == tenant_id:
                yield Watched(stored)

    def watches_device(self, dev_eui: str) -> bool:
        """Whether any rule watches a station that this device ever feeds."""
        return any(
            self.at_station(place.station) for place in self.directory.deployments_of(dev_eui)
        )

    def find(self, rule_id: int, member: int) -> Watched | None:
        """The subject of a state; None where the rule no longer watches it or was deleted."""
        stored = self.by_id.get(rule_id)
        if stored is None:
            return None
        group = stored.rule.group
        if member == NAMED:
            if group is not None:
                return None
            return Watched(stored, NAMED, self.directory.stations.get(stored.station_id or 0))
        station = self.directory.stations.get(member)
        if group is None or station is None or station.tenant_id != stored.tenant_id:
            return None
        return Watched(stored, member, station) if group.holds(station) else None

    def permitted(self, watched: Watched, now: Instant) -> int | None:
        """What the permit of the zone allows now; None for stations and without a permit."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is None:
            return None
        return permitted_at(Agenda(zone.events), zone.planned, zone.permitted, now)

    def footing(self, watched: Watched) -> str | None:
        """Names the gates of a zone that is watched: with others its number is another one. None
        for a station, whose values stay its own when a device is replaced."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is None:
            return None
        known = self._footings.get(zone.id)
        if known is None:
            lines = sorted((gate.station_id, gate.channel, gate.swapped) for gate in zone.gates)
            known = self._footings[zone.id] = sha256(repr(lines).encode()).hexdigest()[:16]
        return known

    def _find_awaited(self) -> Iterator[tuple[int, int]]:
        for rule_id, stored in sorted(self.by_id.items()):
            group = stored.rule.group
            if not stored.rule.enabled or not stored.rule.parameters.of_silence:
                continue
            if group is None:
                yield rule_id, NAMED
                continue
            yield from sorted(
                (rule_id, station.id)
                for station in self.directory.stations.values()
                if station.tenant_id == stored.tenant_id and group.holds(station)
            )

    def awaited_since(self, watched: Watched, at: Instant) -> Instant:
        """Since when, without a break, a device is where the values come from at this time; where
        none is, when the next one comes; `NEVER`: none does. Of a zone with events: of the one
        that takes place."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is not None and zone.events and self._devices_at(watched, at):
            occurrence = Agenda(zone.events).occurrence_at(at)
            found = occurrence.start if occurrence else next_start(zone.events, at)
            return NEVER if found is None else found
        since = until = ALWAYS
        for place in sorted(self._places(watched), key=lambda one: one.start):
            if place.start > until or until == ALWAYS:
                if at < until:
                    break
                since = place.start
            until = max(until, place.end)
        return since if at < until else NEVER

    def _devices_at(self, watched: Watched, at: Instant) -> bool:
        return any(place.holds(at) for place in self._places(watched))

    def devices_since(self, watched: Watched, since: Instant) -> set[str]:
        """The devices that measured there since then."""
        return {place.dev_eui for place in self._places(watched) if place.end > since}

    def lost(self, watched: Watched, now: Instant) -> CloseReason | None:
        """Why no value can come any more that an alarm is judged by; None: values may."""
        if self._closes_at(watched, now) <= now:
            return CloseReason.ZONE_CLOSED
        if watched.stored.rule.parameters.of_permit and self.permitted(watched, now) is None:
            return CloseReason.PERMIT_REMOVED
        return CloseReason.NOT_MEASURED if self.measured_until(watched, now) <= now else None

    def measured_until(self, watched: Watched, now: Instant) -> Instant:
        """When the last device leaves from where the values come, or what takes place there ends;
        `FOR_EVER`: neither is to be."""
        leaves = max((place.end for place in self._places(watched)), default=ALWAYS)
        return min(leaves, self._closes_at(watched, now))

    def _closes_at(self, watched: Watched, now: Instant) -> Instant:
        """When what takes place in the zone now ends: nobody is counted outside of events."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is None or not zone.events:
            return FOR_EVER
        return Agenda(zone.events).open_until(now) or ALWAYS

    def _places(self, watched: Watched) -> Iterator[DeploymentEntry]:
        """The deployments of all times from which the values come."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is not None:
            sources = [(gate.station_id, gate.channel) for gate in zone.gates]
        elif watched.station is not None:
            sources = [(watched.station.id, watched.stored.rule.channel)]
        else:
            sources = []
        for station, channel in sources:
            for place in self.directory.deployments_at(station):
                if place.feeds(channel):
                    yield place

    def interval_s(self, watched: Watched, at: Instant) -> int:
        """How often a value is expected at this time: the longest interval of the devices that
        are deployed there then, else of the one that was there last."""
        if watched.station is not None:
            return _station_interval_s(self.directory, watched.station.id, at)
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        return zone.interval_s if zone else _DEFAULT_INTERVAL_S


def _station_interval_s(directory: Directory, station_id: int, at: Instant) -> int:
    places = directory.deployments_at(station_id)
    present = [place for place in places if place.holds(at)]
    intervals = [
        device.interval_s
        for place in (present or places[-1:])
        if (device := directory.devices.get(place.dev_eui)) is not None
    ]
    return max(intervals, default=_DEFAULT_INTERVAL_S)
