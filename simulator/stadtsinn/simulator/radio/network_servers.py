"""Two network servers: the town's own beside the edge agent, and the county's, which hears some.

Each turns a frame into an event of its own: its own event id, its own gateways and times. The
county's server sends protobuf straight to the cloud; while the town's line is cut its messages
wait as well, because the county reaches the cloud over the same fibre.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.simulator.market_day.calendar import DayPlan
from stadtsinn.simulator.radio.chirpstack_events import (
    DeviceInfo,
    RxInfo,
    UpEvent,
    join_json,
    nanoseconds,
    topic,
    up_json,
    up_protobuf,
)
from stadtsinn.simulator.radio.radio import COUNTY, Frame, Heard, Join, reception
from stadtsinn.simulator.randomness import stream

_NAMESPACE = uuid.UUID("5a7f3c60-43c1-4d7e-9d0a-6f1f2b6f0d01")
_DEDUPLICATION = 200_000
_DRIFT_ALLOWED = 30 * SECOND
"""ChirpStack waits 200 ms for further gateways and takes a gateway's clock if it is this near."""

COUNTY_SHARE = 0.2


class NetworkServer(StrEnum):
    """Where an event comes from, and so which broker it is published to."""

    TOWN = "musterstadt"
    """Beside the edge agent, on its local broker."""
    COUNTY = "landkreis"
    """Central: straight to the cloud's broker."""


@dataclass(frozen=True)
class Publication:
    """One MQTT message, at the moment its server publishes it."""

    time: Instant
    server: NetworkServer
    topic: str
    payload: bytes


class TownServer:
    """The town's ChirpStack."""

    def __init__(self, town: Town, seed: int) -> None:
        self._devices = _device_infos(town, NetworkServer.TOWN)
        self._chance = stream(seed, "town server")

    def joined(self, join: Join) -> Publication:
        device = self._devices[join.dev_eui]
        payload = join_json(_uuid(self._chance), join.time, device, join.dev_addr)
        return Publication(join.time, NetworkServer.TOWN, topic(device, "join"), payload)

    def received(self, frame: Frame) -> Publication:
        device = self._devices[frame.sent.dev_eui]
        event = _event(frame, device, frame.heard, self._chance)
        ready = max(heard.delay for heard in frame.heard) + _DEDUPLICATION
        return Publication(
            time=Instant(frame.sent.time + ready),
            server=NetworkServer.TOWN,
            topic=topic(device, "up"),
            payload=up_json(event),
        )


class CountyServer:
    """The county's ChirpStack: hears a share of the frames by a gateway of its own."""

    def __init__(self, town: Town, plan: DayPlan, seed: int) -> None:
        self._devices = _device_infos(town, NetworkServer.COUNTY)
        self._plan = plan
        self._chance = stream(seed, "county server")

    def received(self, frame: Frame) -> Publication | None:
        """The copy of a frame, None where the county does not hear it."""
        if self._chance.random() >= COUNTY_SHARE:
            return None
        device = self._devices[frame.sent.dev_eui]
        heard = (reception(COUNTY, self._chance, near=False),)
        event = _event(frame, device, heard, self._chance, clock_skew=_skew(self._chance))
        return Publication(
            time=self._published(frame.sent.time),
            server=NetworkServer.COUNTY,
            topic=topic(device, "up"),
            payload=up_protobuf(event),
        )

    def _published(self, sent: Instant) -> Instant:
        """Mostly within a second and as often before the town's server; some minutes later."""
        late = self._chance.random() < 0.25
        delay = self._chance.uniform(30, 280) if late else self._chance.uniform(0.1, 0.7)
        moment = Instant(sent + int(delay * SECOND))
        if moment in self._plan.outage:
            return Instant(self._plan.outage.end + int(self._chance.uniform(5, 90) * SECOND))
        return moment


def _skew(chance: Random) -> int:
    """How far the county's gateway clock differs from the true time, in µs."""
    return round(chance.gauss(0, 8_000))


def _event(
    frame: Frame,
    device: DeviceInfo,
    heard: tuple[Heard, ...],
    chance: Random,
    clock_skew: int = 0,
) -> UpEvent:
    receptions = tuple(_rx_info(frame.sent.time, one, chance, clock_skew) for one in heard)
    return UpEvent(
        deduplication_id=_uuid(chance),
        time=_server_time(receptions),
        device=device,
        dev_addr=frame.dev_addr,
        data_rate=frame.data_rate,
        f_cnt=frame.f_cnt,
        f_port=frame.sent.f_port,
        data=frame.sent.payload,
        receptions=receptions,
        frequency=frame.frequency,
    )


def _rx_info(sent: Instant, heard: Heard, chance: Random, clock_skew: int) -> RxInfo:
    # Gateways count in nanoseconds; everything downstream keeps whole microseconds.
    stamped = nanoseconds(Instant(sent + clock_skew)) + chance.randrange(1000)
    gateway = heard.gateway
    return RxInfo(
        gateway=gateway,
        uplink_id=chance.randrange(1, 1 << 32),
        gw_time=stamped if gateway.stamps else None,
        ns_time=nanoseconds(Instant(sent + heard.delay)) + chance.randrange(1000),
        gps_time=stamped if gateway.gnss else None,
        rssi=heard.rssi,
        snr=heard.snr,
        context=chance.randbytes(4),
    )


def _server_time(receptions: tuple[RxInfo, ...]) -> int:
    """ChirpStack's rule: GNSS time, else a near gateway clock, else its own clock."""
    for one in receptions:
        if one.gps_time is not None:
            return one.gps_time
    for one in receptions:
        if one.gw_time is not None and abs(one.ns_time - one.gw_time) < _DRIFT_ALLOWED * 1000:
            return one.gw_time
    return max(one.ns_time for one in receptions) + _DEDUPLICATION * 1000


def _uuid(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _device_infos(town: Town, server: NetworkServer) -> dict[str, DeviceInfo]:
    return {device.dev_eui: _device_info(town, device, server) for device in town.devices}


def _device_info(town: Town, device: Device, server: NetworkServer) -> DeviceInfo:
    application = f"{town.tenant}-sensoren"
    return DeviceInfo(
        tenant_id=_fixed(server, "tenant"),
        tenant_name=town.name if server is NetworkServer.TOWN else "Landkreis Musterland",
        application_id=_fixed(server, application),
        application_name=application,
        profile_id=_fixed(server, device.device_type),
        profile_name=device.device_type,
        device_name=device.name,
        dev_eui=device.dev_eui,
        tags={"standort": device.site} if device.site else {},
    )


def _fixed(server: NetworkServer, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{server}/{name}"))
