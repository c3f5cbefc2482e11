"""What an uplink says about gates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd.counting import STORED_RECORD, Report
from stadtsinn.cloud.domains.crowd.gate_repository import LineKey
from stadtsinn.cloud.domains.crowd.setup import COUNTS, TOTALS
from stadtsinn.cloud.domains.crowd.zone_live import GateReport
from stadtsinn.cloud.domains.crowd.zones.directory import Zones
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town.stations.measuring import readings_at_stations
from stadtsinn.decoders.reading import Quality

_MOST = 2**31 - 1
"""No counter of persons goes further; a larger number is none, and fits no column."""

_DIRECTIONS = {
    **{quantity: (direction, True) for direction, quantity in TOTALS.items()},
    **{quantity: (direction, False) for direction, quantity in COUNTS.items()},
}


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
        if not 0 <= reading.value <= _MOST:
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
