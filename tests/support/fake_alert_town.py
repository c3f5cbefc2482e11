"""A town with one device at a station, one zone with a gate, and two recipients.

Minutes count from ten o'clock of a market day. The alerts follower is the real one; readings of its
sensors and zone samples are written as ingest and crowd would.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from databases import add_tenant
from fake_senders import with_texts
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import MINUTE, Instant, parse
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.service import create_rule, replace_rule
from stadtsinn.cloud.alarms.alerts.tables import incidents, rule_states
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import create_recipient
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_gate, insert_zone, update_zone
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices
from stadtsinn.decoders.reading import Decoded, Quality, Reading
from stadtsinn.decoders.uplink import TimeSource

TENANT = "musterstadt"
DEVICE, COUNTER = "70b3d57ed0001234", "70b3d57ed000aaa0"
STATION = "linde"
TEN = parse("2026-09-26T10:00:00+02:00")
NUMBERS = {"ordnungsamt": "+491701111111", "bauhof": "+491702222222"}


def minute(minutes: float) -> Instant:
    return Instant(TEN + round(minutes * MINUTE))


def uplink(
    position: int, minutes: float, *readings: Reading, received: float | None = None, **other: Any
) -> LoggedUplink:
    """An uplink of the device, as the log gives it to followers."""
    arrival = minute(minutes if received is None else received)
    values: dict[str, Any] = {
        "tenant_id": TENANT,
        "dev_eui": DEVICE,
        "outcome": Decoded("dragino/lse01@1", readings),
        **other,
    }
    return LoggedUplink(
        position=position,
        dev_addr="01020304",
        generation=0,
        f_cnt=position,
        f_port=2,
        payload=b"",
        event_time=minute(minutes),
        time_source=TimeSource.GATEWAY,
        received_at=arrival,
        committed_at=arrival,
        source="edge:rathaus",
        device_type="dragino/lse01",
        **values,
    )


@dataclass
class AlertTown:
    """The town over a database with tables and no rows."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(minute(0)))
    scope: Scope = field(init=False)
    station_id: int = field(init=False)
    zone_id: int = field(init=False)
    follower: AlertsFollower = field(init=False)
    permitted: int | None = None
    _position: int = 0

    def __post_init__(self) -> None:
        add_tenant(self.database, TENANT)
        self.scope = Scope(TENANT, Role.ADMIN, 0)
        with change(self.database) as connection:
            self.device(connection, DEVICE)
            self.station_id = self.station(connection, STATION, "Linde")
            self.deploy(connection, DEVICE, self.station_id)
            zone = Zone(slug="wochenmarkt", name="Wochenmarkt")
            self.zone_id = insert_zone(connection, self.scope, zone)
            self.device(connection, COUNTER)
            self.deploy(
                connection, COUNTER, self.station(connection, "markt", "Markt", kind="gate")
            )
            gate = Gate(slug="markt", name="Markt", station="markt")
            insert_gate(connection, self.scope, zone.slug, gate)
            for slug, number in NUMBERS.items():
                body = Recipient(slug=slug, name=slug.title(), address=number)
                create_recipient(connection, self.scope, body)
        self.restart()

    def station(self, connection: Connection, slug: str, name: str, **other: Any) -> int:
        """A station; returns its id."""
        values = {
            "tenant_id": TENANT,
            "slug": slug,
            "name": name,
            "name_en": "",
            "kind": "tree",
            "office": "",
            "remarks": "",
            "attributes": {},
            "tags": [],
            "created_at": 0,
            **other,
        }
        statement = insert(stations).values(**values).returning(stations.c.id)
        return int(connection.execute(statement).scalar_one())

    def kind_of_station(self, kind: str) -> None:
        """The station turns out to be another kind: it may leave or join groups."""
        with change(self.database) as connection:
            mine = stations.c.id == self.station_id
            connection.execute(update(stations).where(mine).values(kind=kind))

    def device(self, connection: Connection, dev_eui: str, interval_s: int = 60) -> None:
        connection.execute(
            insert(devices).values(
                dev_eui=dev_eui,
                tenant_id=TENANT,
                device_type="dragino/lse01",
                name="Linde",
                interval_s=interval_s,
                tags={},
                created_at=0,
            )
        )

    def second_sensor(self, dev_eui: str) -> None:
        """A comparison measurement beside the device of the station."""
        with change(self.database) as connection:
            self.device(connection, dev_eui)
            self.deploy(connection, dev_eui, self.station_id, comparison=True)

    def deploy(
        self,
        connection: Connection,
        dev_eui: str,
        station_id: int,
        start: int = 0,
        *,
        comparison: bool = False,
    ) -> None:
        """A device at a station from `start` on."""
        connection.execute(
            insert(deployments).values(
                tenant_id=TENANT,
                dev_eui=dev_eui,
                station_id=station_id,
                start=start,
                depths_cm={},
                swapped=False,
                calibration={},
                comparison=comparison,
                installed_by="",
                remarks="",
                created_at=0,
            )
        )

    def restart(self) -> None:
        """A new process: only the database is kept."""
        self.follower = AlertsFollower(DirectoryCache(self.database), self.clock)

    def zone_rule(self, **other: Any) -> Rule:
        """A rule over the market: 900 on, 850 off, both recipients."""
        values = {
            "slug": "markt-voll",
            "name": "Wochenmarkt",
            "zone": "wochenmarkt",
            "on": 900,
            "off": 850,
            "recipients": tuple(NUMBERS),
        }
        return self.rule(**(values | other))

    def station_rule(self, **other: Any) -> Rule:
        """A rule over the soil: alarm at 15 %, recovered at 20 %, one recipient."""
        values = {
            "slug": "linde-trocken",
            "name": "Linde am Markt",
            "station": STATION,
            "quantity": "soil_moisture",
            "direction": "below",
            "on": 15,
            "off": 20,
            "recipients": ("bauhof",),
        }
        return self.rule(**(values | other))

    def rule(self, **values: Any) -> Rule:
        """A rule of any kind, as a document has it."""
        rule = Rule.model_validate(values)
        with change(self.database) as connection:
            create_rule(connection, self.scope, rule)
        return rule

    def edit(self, rule: Rule, **other: Any) -> None:
        wanted = Rule.model_validate({**rule.model_dump(), **other})
        with change(self.database) as connection:
            replace_rule(connection, self.scope, wanted)

    def now(self, minutes: float) -> None:
        self.clock.set(minute(minutes))

    def permit(self, persons: int | None) -> None:
        """What the permit of the market allows from now on."""
        self.permitted = persons
        zone = Zone(slug="wochenmarkt", name="Wochenmarkt", permitted=persons)
        with change(self.database) as connection:
            update_zone(connection, self.scope, zone)

    def crowd(self, minutes: float, high: int, *, degraded: bool = False) -> None:
        """A zone sample, written but not judged yet."""
        with self.database.write() as connection:
            connection.execute(
                insert(zone_samples).values(
                    tenant_id=TENANT,
                    zone_id=self.zone_id,
                    event_time=minute(minutes),
                    occupancy=max(0, high - 20),
                    low=max(0, high - 40),
                    high=high,
                    degraded=degraded,
                    permitted=self.permitted,
                    reported_at=minute(minutes),
                )
            )

    def crowds(self, *course: tuple[float, int]) -> None:
        """Zone samples as they come, each judged at its time."""
        for minutes, high in course:
            self.now(minutes)
            self.crowd(minutes, high)
            self.tick()

    def soil(
        self,
        minutes: float,
        value: float,
        *,
        quality: Quality = Quality.GOOD,
        now: float | None = None,
        **other: Any,
    ) -> None:
        """An uplink of the device, judged at its time or at `now`."""
        self._position += 1
        self.now(minutes if now is None else now)
        reading = Reading("soil_moisture", value, quality=quality)
        self.apply(uplink(self._position, minutes, reading, **other))

    def apply(self, *uplinks: LoggedUplink) -> None:
        with self.database.write() as connection:
            self.follower.apply(connection, uplinks)

    def tick(self, minutes: float | None = None) -> None:
        if minutes is not None:
            self.now(minutes)
        more = True
        while more:
            with self.database.write() as connection:
                more = self.follower.tick(connection, self.clock.now())

    def rebuild(self) -> None:
        """Judge everything again, as `stadtsinn cloud rebuild alerts` does for zone samples."""
        self.database.in_slices(self.follower.reset)
        self.tick()

    def incidents(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(select(incidents).order_by(incidents.c.opened_at)))

    def messages(self) -> list[Any]:
        """Rows of the outbox, those that were not sent yet with the text that they will have."""
        with self.database.read() as connection:
            return with_texts(connection.execute(select(outbox).order_by(outbox.c.id)))

    def kinds(self) -> list[str]:
        return [row.kind for row in self.messages()]

    def state(self) -> Row[Any]:
        with self.database.read() as connection:
            return connection.execute(select(rule_states)).one()
