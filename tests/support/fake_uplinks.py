"""Uplinks, log entries and ChirpStack events for tests of the ingest and what follows it."""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlalchemy import Connection, insert, select

from databases import add_tenant
from stadtsinn.base.instant import SECOND, Instant, isoformat, parse
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices, edges
from stadtsinn.decoders.reading import Outcome, Undecoded, encode_outcome
from stadtsinn.decoders.uplink import Reception, TimeSource, Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack

CHIRPSTACK = ChirpStack()
NINE = parse("2026-09-26T09:00:00+02:00")
"""The morning at which these tests take place."""

LSE01_PAYLOAD = bytes.fromhex("ce2900f107a5099b6e2890")
UNDECODED = Undecoded("unknown_device", "no device type known")


def at(seconds: float) -> Instant:
    """So many seconds after nine o'clock."""
    return Instant(NINE + round(seconds * SECOND))


def uplink(
    f_cnt: int = 0,
    seconds: float = 0,
    *,
    dev_eui: str = "70b3d50000000100",
    dev_addr: str = "01020304",
    payload: bytes = b"\x01",
    f_port: int = 2,
    time_source: TimeSource = TimeSource.GATEWAY,
    deduplication_id: str = "",
    device_type: str | None = None,
    received: float | None = None,
) -> Uplink:
    return Uplink(
        dev_eui=dev_eui,
        dev_addr=dev_addr,
        f_cnt=f_cnt,
        f_port=f_port,
        payload=payload,
        event_time=at(seconds),
        time_source=time_source,
        received_at=at(seconds if received is None else received),
        deduplication_id=deduplication_id,
        device_type=device_type,
        data_rate=5,
        frequency=868_100_000,
        receptions=(Reception("0016c001f1000001", -71, 9.2),),
    )


def entry(
    up: Uplink,
    source: str = "chirpstack:town",
    tenant_id: str = "musterstadt",
    outcome: Outcome = UNDECODED,
) -> Entry:
    return Entry(tenant_id, source, up.device_type or "dragino/lse01", up, encode_outcome(outcome))


def chirpstack_event(up: Uplink, **changes: Any) -> bytes:
    """`up` as ChirpStack's JSON marshaler prints it; `changes` replace top-level fields."""
    when = isoformat(up.event_time).replace("Z", "+00:00")
    event: dict[str, Any] = {
        "deduplicationId": up.deduplication_id or f"{up.dev_eui}-{up.dev_addr}-{up.f_cnt}",
        "time": when,
        "deviceInfo": {
            "tenantName": "Musterstadt",
            "applicationName": "stadtgruen",
            "deviceProfileName": up.device_profile or "profile",
            "deviceName": "device",
            "devEui": up.dev_eui,
            "tags": dict(up.tags),
        },
        "devAddr": up.dev_addr,
        "adr": True,
        "dr": up.data_rate,
        "fCnt": up.f_cnt,
        "fPort": up.f_port,
        "confirmed": False,
        "data": base64.b64encode(up.payload).decode(),
        "rxInfo": [
            {
                "gatewayId": "0016c001f1000001",
                "uplinkId": 77,
                "gwTime": when,
                "nsTime": when,
                "rssi": -71,
                "snr": 9.2,
                "crcStatus": "CRC_OK",
            }
        ],
        "txInfo": {"frequency": up.frequency},
        "regionConfigId": "eu868",
    }
    return json.dumps({**event, **changes}).encode()


def event_topic(dev_eui: str = "70b3d50000000100") -> str:
    return f"application/7a779d4e-06a2-4fb5-ae22-be6384c35edf/device/{dev_eui}/event/up"


def register(
    database: Database,
    *dev_euis: str,
    tenant_id: str = "musterstadt",
    device_type: str = "dragino/lse01",
) -> None:
    """Devices of an existing tenant, each at a station of its own with the DevEUI as its slug."""
    with database.write() as connection:
        for dev_eui in dev_euis:
            connection.execute(
                insert(devices).values(
                    dev_eui=dev_eui,
                    tenant_id=tenant_id,
                    device_type=device_type,
                    name=dev_eui,
                    interval_s=600,
                    tags={},
                    created_at=0,
                )
            )
            station(connection, dev_eui, tenant_id)
            deployed(connection, dev_eui, dev_eui, tenant_id)
        bump_revision(connection)


def station(connection: Connection, slug: str, tenant_id: str = "musterstadt") -> None:
    texts = dict.fromkeys(("name_en", "office", "remarks"), "")
    values = {"tenant_id": tenant_id, "slug": slug, "name": slug, "kind": "other", **texts}
    connection.execute(insert(stations).values(attributes={}, tags=[], created_at=0, **values))


def deployed(
    connection: Connection, dev_eui: str, slug: str, tenant_id: str = "musterstadt"
) -> None:
    """From the beginning until further notice."""
    find = select(stations.c.id).where(stations.c.tenant_id == tenant_id, stations.c.slug == slug)
    connection.execute(
        insert(deployments).values(
            tenant_id=tenant_id,
            dev_eui=dev_eui,
            station_id=connection.execute(find).scalar_one(),
            start=0,
            depths_cm={},
            swapped=False,
            calibration={},
            comparison=False,
            installed_by="",
            remarks="",
            created_at=0,
        )
    )


def register_edge(database: Database, edge_id: str, tenant_id: str = "musterstadt") -> None:
    with database.write() as connection:
        connection.execute(
            insert(edges).values(id=edge_id, tenant_id=tenant_id, name=edge_id, created_at=0)
        )
        bump_revision(connection)


def furnish(database: Database) -> None:
    """Two towns: Musterstadt with two devices and an edge, its neighbour with one device."""
    add_tenant(database, "musterstadt")
    add_tenant(database, "nachbar")
    register(database, "70b3d50000000100", "70b3d50000000101")
    register(database, "70b3d50000000200", tenant_id="nachbar")
    register_edge(database, "rathaus")
