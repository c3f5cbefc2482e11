"""The live follower: from people counters in the uplink log to the occupancy of zones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import DAY, MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd import zone_repository
from stadtsinn.cloud.domains.crowd.counting import STORED_RECORD, Report
from stadtsinn.cloud.domains.crowd.gate_repository import LineKey
from stadtsinn.cloud.domains.crowd.setup import COUNTS, TOTALS
from stadtsinn.cloud.domains.crowd.zone_live import GateReport, ZoneLive
from stadtsinn.cloud.domains.crowd.zones.directory import Zones, read_zones
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.log.cursors.tables import follower_cursors
from stadtsinn.cloud.log.uplinks.tables import uplinks as log
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.cloud.town.stations.measuring import readings_at_stations
from stadtsinn.decoders.reading import Quality

SAMPLES_KEPT = 7 * DAY
"""Samples are a stream for followers; the history is computed from the counts of gates."""

_PRUNE_EVERY = 10 * MINUTE
_MAY_LAG = 10 * SECOND

_DIRECTIONS = {
    **{quantity: (direction, True) for direction, quantity in TOTALS.items()},
    **{quantity: (direction, False) for direction, quantity in COUNTS.items()},
}


class LiveFollower:
    """Counts the reports of gates and emits samples of their zones' occupancy."""

    name = "live"

    def __init__(self, directory: DirectoryCache, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._zones: dict[int, ZoneLive] = {}
        self._pruned_at = 0

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing to do: all effects are in the database."""

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        """Count what these uplinks report about gates; all others cost one look-up each."""
        directory = self._directory.as_of(connection)
        zones = self._directory.part(read_zones)
        reporting: dict[int, list[GateReport]] = defaultdict(list)
        for uplink in uplinks:
            for zone_id, report in reports_of(uplink, directory, zones):
                reporting[zone_id].append(report)
        if not reporting:
            return
        now = self._clock.now()
        states = zone_repository.states(connection)
        for zone_id, reports in reporting.items():
            live = self._zone(connection, zones, zone_id, states.get(zone_id), now)
            live.take(reports)
            live.finish()

    def tick(self, connection: Connection, now: Instant) -> None:
        """Nightly resets, gates that fell silent, numbers that staff entered."""
        zones = self._directory.part(read_zones)
        if self._is_behind(connection, now):
            return  # uplinks that wait in the log come first; a later tick catches up
        for zone_id, state in zone_repository.states(connection).items():
            if zone_id not in zones.by_id:
                self._zones.pop(zone_id, None)
                continue
            known = self._zones.get(zone_id)
            live = self._zone(connection, zones, zone_id, state, now)
            if live is not known and (known or _permit_changed(connection, live.zone)):
                live.emit_again()
            live.pass_time(now)
            live.finish()
        if now - self._pruned_at >= _PRUNE_EVERY:
            zone_repository.delete_samples_before(connection, now - SAMPLES_KEPT)
            self._pruned_at = now

    def reset(self, connection: Connection) -> None:
        """Forget what was made from the log; the numbers that staff entered stay."""
        zone_repository.delete_derived(connection)
        self._zones.clear()

    def _zone(
        self,
        connection: Connection,
        zones: Zones,
        zone_id: int,
        state: zone_repository.ZoneState | None,
        now: Instant,
    ) -> ZoneLive:
        """The zone in memory if it mirrors the database and the registry, else loaded anew."""
        registered = zones.by_id[zone_id]
        live = self._zones.get(zone_id)
        if live is None or live.state != state or live.zone != registered:
            live = ZoneLive(connection, registered, state, now, changed=live is not None)
            self._zones[zone_id] = live
        live.begin(connection, now, now - SAMPLES_KEPT)
        return live

    def _is_behind(self, connection: Connection, now: Instant) -> bool:
        """Whether uplinks have been waiting in the log for this follower."""
        position = connection.scalar(
            select(follower_cursors.c.position).where(follower_cursors.c.name == self.name)
        )
        waiting = connection.scalar(
            select(log.c.committed_at)
            .where(log.c.position > (position or 0))
            .order_by(log.c.position)
            .limit(1)
        )
        return waiting is not None and now - waiting > _MAY_LAG


def _permit_changed(connection: Connection, zone: ZoneEntry) -> bool:
    """Whether the permit was changed while no process was there to see it."""
    latest = zone_repository.latest_sample(connection, zone.id)
    return latest is not None and latest.permitted != zone.permitted


def reports_of(
    uplink: LoggedUplink, directory: Directory, zones: Zones
) -> Iterator[tuple[int, GateReport]]:
    """What an uplink says about the two directions of gates, each with the zone's key."""
    places = directory.deployments_of(uplink.dev_eui)
    if not any(zones.at_station(place.station.id) for place in places):
        return
    found: dict[tuple[int, LineKey, Instant], dict[bool, int]] = defaultdict(dict)
    for reading in readings_at_stations(
        directory, uplink.tenant_id, uplink.dev_eui, uplink.event_time, uplink.outcome
    ):
        known = _DIRECTIONS.get(reading.quantity)
        if known is None or reading.quality is not Quality.GOOD:
            continue
        direction, is_total = known
        for zone, gate in zones.at_station(reading.station.id):
            if gate.channel == reading.channel:
                key = (zone.id, (gate.id, direction), reading.time)
                found[key][is_total] = round(reading.value)
    for (zone_id, line, time), values in found.items():
        yield zone_id, (line, _report(uplink, time, values))


def _report(uplink: LoggedUplink, time: Instant, values: Mapping[bool, int]) -> Report:
    """`values` holds the running total under True and the interval count under False."""
    return Report(
        time=time,
        dev_eui=uplink.dev_eui,
        dev_addr=uplink.dev_addr,
        generation=uplink.generation,
        f_cnt=uplink.f_cnt if time == uplink.event_time else STORED_RECORD,
        total=values.get(True),
        count=values.get(False),
    )
