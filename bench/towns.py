"""The two towns of `isolation.py`: A is small, B has as much of everything as it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import create_key
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.platform.limits.model import Limits
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.decoders.reading import Quality, Undecoded
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, encode

A, B = "town-a", "town-b"
EDGE_A, EDGE_B = "edge-a", "edge-b"
PAGE_A = f"/{A}/zaehler/platz?lang=de"

COUNTER_A, COUNTER_B = "70b3d5aaaa000001", "70b3d5bbbb000001"
TREE, MANY = "70b3d5bbbb000002", "70b3d5bbbb000003"
COUNTER, SOIL = "milesight/vs133", "dragino/lse01"
LIMITS = Limits(zones=1_000, rules=3_000, station_series=20_000)
"""What an operator has to allow a town for so much; a town has less by default."""

_PORTS = {COUNTER: 85, SOIL: 2}
DRY = bytes.fromhex("CE2900F107A5099B6E2890")
"""Of the soil sensor: moist enough for every rule of B to fire."""
_LEFT_OUT = Undecoded("unknown_device", "the cloud decodes it")


@dataclass(frozen=True)
class Size:
    """How much B has and does."""

    seconds: int = 60
    rules: int = 3_000
    zones: int = 1_000
    series: int = 20_000
    devices: int = 10_000
    """Of a list that is imported."""

    @classmethod
    def tiny(cls) -> Self:
        return cls(seconds=3, rules=20, zones=10, series=50, devices=30)


def counted(persons: int) -> bytes:
    """What the counter sends: totals of persons in and out of its line 1."""
    came, left = persons.to_bytes(4, "little"), (persons // 2).to_bytes(4, "little")
    return b"\x03\xd2" + came + b"\x04\xd2" + left


def uplink(
    dev_eui: str, device_type: str, number: int, payload: bytes, at: Instant, now: Instant
) -> Uplink:
    """Received now, whatever time it is from."""
    return Uplink(
        dev_eui=dev_eui,
        dev_addr="01020304",
        f_cnt=number,
        f_port=_PORTS[device_type],
        payload=payload,
        event_time=at,
        time_source=TimeSource.GATEWAY,
        received_at=now,
        deduplication_id=f"{dev_eui}-{number}",
        device_type=device_type,
    )


def batch(edge_id: str, stream: str, first: int, made: list[Uplink], now: Instant) -> bytes:
    items = tuple(UplinkItem(first + number, one, _LEFT_OUT) for number, one in enumerate(made))
    return encode(Batch(edge_id=edge_id, stream=stream, sent_at=now, items=items))


def batch_of_a(number: int, now: Instant) -> bytes:
    """A's next uplink: one more person came."""
    made = uplink(COUNTER_A, COUNTER, number, counted(number), now, now)
    return batch(EDGE_A, "a", number, [made], now)


def prepare(url: str, series_url: str, size: Size) -> str:
    """Register both towns in an empty database; returns B's key."""
    database = open_database(url)
    upgrade(database)
    now = SystemClock().now()
    for document in (_town_a(), _town_b(size)):
        apply_town(database, Town.read(document), now, limits=LIMITS)
    _, key = create_key(database, B, "bench", Role.EDITOR, now)
    many = [SeriesKey("viele", "soil_temperature", f"c{number}") for number in range(size.series)]
    store = open_store(series_url, database=database, clock=SystemClock())
    store.write(
        [
            Point(
                tenant_id=B,
                family="soil",
                key=one,
                time=now,
                value=1.0,
                quality=Quality.GOOD,
                dev_eui=MANY,
            )
            for one in many
        ]
    )
    store.close()
    with database.write() as connection:
        make_streams(connection, {(B, one): now for one in many})
    database.dispose()
    return key


def _town_a() -> dict[str, Any]:
    return {
        "tenant": A,
        "name": "A",
        "edges": [{"id": EDGE_A, "name": "A"}],
        "stations": [{"slug": "tor", "name": "Tor", "kind": "gate"}],
        "devices": [_device(COUNTER_A, COUNTER, "tor")],
        "zones": [_zone("platz")],
    }


def _town_b(size: Size) -> dict[str, Any]:
    stations = [("tor", "gate"), ("baum", "tree"), ("viele", "other")]
    of_tree = {"station": "baum", "quantity": "soil_moisture", "on": 1, "off": 0.5}
    return {
        "tenant": B,
        "name": "B",
        "edges": [{"id": EDGE_B, "name": "B"}],
        "stations": [{"slug": slug, "name": slug, "kind": kind} for slug, kind in stations],
        "devices": [
            _device(COUNTER_B, COUNTER, "tor"),
            _device(TREE, SOIL, "baum"),
            _device(MANY, SOIL, "viele"),
        ],
        "zones": [_zone(f"platz-{number}") for number in range(size.zones)],
        "recipients": [{"slug": "amt", "name": "Amt", "address": "+4915112345678"}],
        "rules": [
            {"slug": f"regel-{number}", "name": "Regel", "recipients": ["amt"], **of_tree}
            for number in range(size.rules)
        ],
    }


def _device(dev_eui: str, device_type: str, station: str) -> dict[str, Any]:
    return {"dev_eui": dev_eui, "type": device_type, "name": station, "station": station}


def _zone(slug: str) -> dict[str, Any]:
    gate = {"slug": "tor", "name": "Tor", "station": "tor", "channel": "line_1"}
    return {"slug": slug, "name": slug, "permitted": 900, "public": True, "gates": [gate]}
