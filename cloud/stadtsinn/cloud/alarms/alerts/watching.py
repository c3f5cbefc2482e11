"""Which rules watch which stations and zones, by the present rules and the present registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.incident_repository import NAMED, Key
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda, next_start
from stadtsinn.cloud.domains.crowd.zones.directory import Zones
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.permits import permitted_at
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town.stations.directory import DeploymentEntry, StationEntry
from stadtsinn.cloud.town.stations.model import FOR_EVER, comparison_of
from stadtsinn.rules.kind import OWN, Stream
from stadtsinn.rules.state import CloseReason
from stadtsinn.rules.terms import ALWAYS, NEVER

_DEFAULT_INTERVAL_S = 3_600
"""Used where no device is known whose interval could be taken."""


@dataclass(frozen=True)
class Watched:
    """One station or zone that a rule watches; it has a state and incidents of its own.

    `member` is the station's id where the rule is for each of a group, else `NAMED`. There is no
    `station` for a zone, and where the stations of a group are judged together.
    """

    stored: StoredRule
    member: int = NAMED
    station: StationEntry | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.stored.id, self.member


@dataclass(frozen=True)
class Heard:
    """What a value of a station is for a rule. `stream` is its number among those that are judged
    together; `second`: a comparison sensor measured it."""

    watched: Watched
    stream: int = OWN
    second: bool = False


Values = Mapping[tuple[str, str], Sequence[Heard]]
"""By quantity and channel."""


class Watching:
    """All rules, found by what they watch. Disabled ones are found by their id only."""

    def __init__(self, found: Iterable[StoredRule], directory: Directory, zones: Zones) -> None:
        self.by_id = {stored.id: stored for stored in found}
        self.directory = directory
        self._zones = zones
        self._naming: dict[int, list[StoredRule]] = defaultdict(list)
        self._groups: dict[str, list[StoredRule]] = defaultdict(list)
        self._of_zone: dict[int, list[StoredRule]] = defaultdict(list)
        self._beside: dict[tuple[str, str], list[tuple[StoredRule, int]]] = defaultdict(list)
        """By town and slug of a station: the rules that judge it with the one that they name."""
        self._values: dict[int, Values] = {}
        self._members: dict[int, tuple[StationEntry, ...]] = {}
        self._awaited_since: dict[Key, tuple[int, int]] = {}
        self._agendas: dict[int, Agenda] = {}
        self._footings: dict[int, str] = {}
        """By zone; by rule, below zero, where a group is judged together."""
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
            for number, other in enumerate(stored.rule.parameters.others, OWN + 1):
                if other.station is not None:
                    self._beside[stored.tenant_id, other.station].append((stored, number))
        else:
            self._groups[stored.tenant_id].append(stored)

    def values_of(self, station: StationEntry) -> Values:
        """What rules hear of this station."""
        found = self._values.get(station.id)
        if found is None:
            by_name: dict[tuple[str, str], list[Heard]] = defaultdict(list)
            for name, heard in self._heard(station):
                by_name[name].append(heard)
            found = self._values[station.id] = dict(by_name)
        return found

    def _heard(self, station: StationEntry) -> Iterator[tuple[tuple[str, str], Heard]]:
        for watched in self._at_station(station):
            rule = watched.stored.rule
            together = rule.parameters.of_group
            own = station.id if together else OWN
            yield (rule.quantity, rule.channel), Heard(watched, own)
            if rule.parameters.of_second_sensor:
                second = comparison_of(rule.channel)
                yield (rule.quantity, second), Heard(watched, second=True)
            for number, other in enumerate(rule.parameters.others, OWN + 1):
                if other.station is None:
                    yield named(rule, other), Heard(watched, number)
        for stored, number in self._beside.get((station.tenant_id, station.slug), ()):
            other = stored.rule.parameters.others[number - OWN - 1]
            watched = Watched(stored, NAMED, self.directory.stations.get(stored.station_id or 0))
            yield named(stored.rule, other), Heard(watched, number)

    def members(self, stored: StoredRule) -> Sequence[StationEntry]:
        """The stations of a rule's group."""
        found = self._members.get(stored.id)
        if found is None:
            group = stored.rule.group
            found = self._members[stored.id] = tuple(
                station
                for _, station in sorted(self.directory.stations.items())
                if group is not None
                and station.tenant_id == stored.tenant_id
                and group.holds(station)
            )
        return found

    def _at_station(self, station: StationEntry) -> Iterator[Watched]:
        """Where rules watch this station."""
        for stored in self._naming.get(station.id, ()):
            yield Watched(stored, NAMED, station)
        for stored in self._groups.get(station.tenant_id, ()):
            if stored.rule.group is None or not stored.rule.group.holds(station):
                continue
            if stored.rule.parameters.of_group:
                yield Watched(stored)
            else:
                yield Watched(stored, station.id, station)

    def in_zone(self, zone_id: int, tenant_id: str) -> Iterable[Watched]:
        """Where rules watch this zone."""
        for stored in self._of_zone.get(zone_id, ()):
            if stored.tenant_id == tenant_id:
                yield Watched(stored)

    def watches_device(self, dev_eui: str) -> bool:
        """Whether any rule watches a station that this device ever feeds."""
        return any(
            self.values_of(place.station) for place in self.directory.deployments_of(dev_eui)
        )

    def find(self, rule_id: int, member: int) -> Watched | None:
        """The subject of a state; None where the rule no longer watches it or was deleted."""
        stored = self.by_id.get(rule_id)
        if stored is None:
            return None
        group = stored.rule.group
        together = stored.rule.parameters.of_group
        if member == NAMED:
            if group is not None:
                return Watched(stored) if together else None
            return Watched(stored, NAMED, self.directory.stations.get(stored.station_id or 0))
        station = self.directory.stations.get(member)
        if group is None or together or station is None or station.tenant_id != stored.tenant_id:
            return None
        return Watched(stored, member, station) if group.holds(station) else None

    def permitted(self, watched: Watched, now: Instant) -> int | None:
        """What the permit of the zone allows now; of a group that is judged together, how many
        stations it has. None for one station and without a permit."""
        if watched.stored.rule.parameters.of_group:
            return len(self.members(watched.stored))
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is None:
            return None
        return permitted_at(self._agenda(zone), zone.planned, zone.permitted, now)

    def footing(self, watched: Watched) -> str | None:
        """Names the gates of a zone that is watched, or the stations of a group that is judged
        together: with others its number is another one. None for a station, whose values stay its
        own when a device is replaced."""
        if watched.stored.rule.parameters.of_group:
            known = self._footings.get(-watched.stored.id)
            if known is None:
                members = [station.id for station in self.members(watched.stored)]
                known = self._footings[-watched.stored.id] = _short(repr(members))
            return known
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is None:
            return None
        known = self._footings.get(zone.id)
        if known is None:
            lines = sorted((gate.station_id, gate.channel, gate.swapped) for gate in zone.gates)
            known = self._footings[zone.id] = _short(repr(lines))
        return known

    def _find_awaited(self) -> Iterator[tuple[int, int]]:
        for rule_id, stored in sorted(self.by_id.items()):
            group = stored.rule.group
            if not stored.rule.enabled or not stored.rule.parameters.of_silence:
                continue
            if group is None:
                yield rule_id, NAMED
                continue
            yield from ((rule_id, station.id) for station in self.members(stored))

    def awaited_since(self, watched: Watched, at: Instant) -> Instant:
        """Since when, without a break, a device is where the values come from at this time; where
        none is, when the next one comes; `NEVER`: none does. Of a zone with events: of the one
        that takes place."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is not None and zone.events and self._devices_at(watched, at):
            occurrence = self._agenda(zone).occurrence_at(at)
            found = occurrence.start if occurrence else next_start(zone.events, at)
            return NEVER if found is None else found
        since, until = self._awaited_since.get(watched.key, (0, 0))
        if not since <= at < until:
            since, until = self._present(watched, at)
            self._awaited_since[watched.key] = since, until
        return Instant(since)

    def _present(self, watched: Watched, at: Instant) -> tuple[int, int]:
        """The time that `awaited_since` is about, and up to when it is the same."""
        since = until = ALWAYS
        for place in sorted(self._places(watched), key=lambda one: one.start):
            if place.start > until or until == ALWAYS:
                if at < until:
                    break
                since = place.start
            until = max(until, place.end)
        return (since, until) if at < until else (NEVER, NEVER)

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
        `FOR_EVER`: neither is to be. Of datastreams that are needed together: from where the first
        of them comes."""
        if watched.stored.rule.parameters.others:
            sources = (self._feeding(*source) for source in self._sources(watched))
            return min(map(_last_end, sources), default=ALWAYS)
        return min(_last_end(self._places(watched)), self._closes_at(watched, now))

    def _agenda(self, zone: ZoneEntry) -> Agenda:
        """One for each zone: it remembers what takes place, and is asked with each sample."""
        return self._agendas.setdefault(zone.id, Agenda(zone.events))

    def _closes_at(self, watched: Watched, now: Instant) -> Instant:
        """When what takes place in the zone now ends: nobody is counted outside of events."""
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        if zone is None or not zone.events:
            return FOR_EVER
        return self._agenda(zone).open_until(now) or ALWAYS

    def _places(self, watched: Watched) -> Iterator[DeploymentEntry]:
        """The deployments of all times from which the values come."""
        for source in self._sources(watched):
            yield from self._feeding(*source)

    def _feeding(self, station: int, channel: str) -> Iterator[DeploymentEntry]:
        for place in self.directory.deployments_at(station):
            if place.feeds(channel):
                yield place

    def _sources(self, watched: Watched) -> Iterator[tuple[int, str]]:
        """The stations and channels from which the values come."""
        stored, rule = watched.stored, watched.stored.rule
        zone = self._zones.by_id.get(stored.zone_id or 0)
        if zone is not None:
            yield from ((gate.station_id, gate.channel) for gate in zone.gates)
        elif rule.parameters.of_group:
            yield from ((station.id, rule.channel) for station in self.members(stored))
        elif watched.station is not None:
            yield watched.station.id, rule.channel
            for other in rule.parameters.others:
                there: StationEntry | None = watched.station
                if other.station is not None:
                    there = self.directory.station(stored.tenant_id, other.station)
                yield (0 if there is None else there.id), named(rule, other)[1]

    def interval_s(self, watched: Watched, at: Instant) -> int:
        """How often a value is expected at this time: the longest interval of the devices that
        are deployed there then, else of the one that was there last."""
        if watched.station is not None:
            return _station_interval_s(self.directory, watched.station.id, at)
        zone = self._zones.by_id.get(watched.stored.zone_id or 0)
        return zone.interval_s if zone else _DEFAULT_INTERVAL_S


def _last_end(places: Iterable[DeploymentEntry]) -> Instant:
    return max((place.end for place in places), default=ALWAYS)


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def named(rule: Rule, other: Stream) -> tuple[str, str]:
    """Quantity and channel of a datastream beside a rule's own. Where it has another quantity, the
    channel is not that of the rule unless it says so."""
    channel = other.channel
    if channel is None:
        channel = rule.channel if other.quantity in (None, rule.quantity) else ""
    return other.quantity or rule.quantity, channel


def _station_interval_s(directory: Directory, station_id: int, at: Instant) -> int:
    places = directory.deployments_at(station_id)
    present = [place for place in places if place.holds(at)]
    intervals = [
        device.interval_s
        for place in (present or places[-1:])
        if (device := directory.devices.get(place.dev_eui)) is not None
    ]
    return max(intervals, default=_DEFAULT_INTERVAL_S)
