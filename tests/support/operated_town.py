"""A town with devices and an edge, whose log is written by hand."""

from __future__ import annotations

import json

from fake_uplinks import at, entry, uplink
from stadtsinn.base.instant import isoformat
from stadtsinn.cloud.intake.edge_states import EdgeStates, EdgeStateWriter
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Decoded, Outcome, Reading

DEVICE, OTHER = "70b3d50000000100", "70b3d50000000101"
NEIGHBOUR = "70b3d50000000200"


class Town:
    """Logs uplinks and says what edges said."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._f_cnt = 0

    def log(
        self,
        seconds: float,
        *readings: Reading,
        dev_eui: str = DEVICE,
        source: str = "edge:rathaus",
        outcome: Outcome | None = None,
        tenant_id: str = "musterstadt",
    ) -> None:
        self._f_cnt += 1
        up = uplink(self._f_cnt, seconds, dev_eui=dev_eui)
        outcome = outcome or Decoded("dragino/lse01@1", tuple(readings) or (MOIST,))
        with self.database.write() as connection:
            append(connection, [entry(up, source, tenant_id, outcome)], at(seconds + 1))

    def says(
        self, seconds: float, payload: bytes, edge: str = "rathaus", *, retained: bool = False
    ) -> None:
        """An edge's status, as it comes from the broker."""
        states = EdgeStates()
        states.note(edge, payload, at(seconds), retained=retained)
        directory = DirectoryCache(self.database)
        EdgeStateWriter(self.database, states, directory.current).step()


MOIST = Reading("soil_moisture", 21.5)


OFFLINE = b'{"state":"offline"}'
STOPPED = b'{"state":"offline","reason":"stopped"}'


def status(seconds: float = 0, **changes: object) -> bytes:
    """As an agent of this version words it."""
    return json.dumps(
        {
            "state": "online",
            "version": "0.1.0",
            "at": isoformat(at(seconds)),
            "since": isoformat(at(0)),
            "local_broker": True,
            "cloud_broker": True,
            "acknowledged": True,
            "spool": {"items": 3, "bytes": 9, "max_bytes": 99, "oldest": None, "refuses": ""},
            "last_uplink": None,
            "clock": {"network_server_offset": None, "gateway_lags": {}, "faulty_gateways": []},
            "device_types": 2,
            "warnings": ["something"],
            "clock_ahead": 1.5,
            "certificate_ends": None,
            "stream": "abc",
            "acknowledged_position": 7,
            **changes,
        }
    ).encode()
