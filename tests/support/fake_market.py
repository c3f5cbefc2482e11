"""A market place with two gates in a test database, and people counters that report there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from databases import add_tenant
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import MINUTE, Instant, parse
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.domains.crowd.history import occupancy_history
from stadtsinn.cloud.domains.crowd.recount_repository import mark_all_counted
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zone_repository import (
    Correction,
    corrections_page,
    latest_sample,
    samples_after,
)
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_gate, insert_zone
from stadtsinn.cloud.log.cursors.repository import ensure_cursor
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.service import create_device
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.service import Editor, create_station
from stadtsinn.decoders.reading import Decoded, Reading
from stadtsinn.decoders.uplink import TimeSource

OPENING = parse("2026-09-26T08:00:00+02:00")
NORTH, SOUTH = "70b3d5e75e000001", "70b3d5e75e000002"


def counter(dev_eui: str) -> Device:
    """A people counter as it is registered."""
    return Device(dev_eui=dev_eui, device_type="milesight/vs133", name=dev_eui, interval_s=60)


@dataclass
class Market:
    """The zone ``marktplatz`` with two VS133 gates, followed by a live follower."""

    database: Database
    tenant: str = "musterstadt"
    public: bool = True
    permitted: int | None = 1000
    new_tenant: bool = True
    clock: ManualClock = field(default_factory=lambda: ManualClock(OPENING))
    zone_id: int = field(init=False)
    follower: LiveFollower = field(init=False)
    _position: int = 0
    _f_cnt: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.new_tenant:
            add_tenant(self.database, self.tenant)
        scope = Scope(self.tenant, Role.ADMIN, 0)
        with self.database.write() as connection:
            editor = Editor(scope, Instant(0))
            for slug, dev_eui in (("nord", NORTH), ("sued", SOUTH)):
                station = Station(slug=slug, name=slug.title(), kind="gate")
                create_station(connection, editor, station)
                create_device(connection, scope, counter(dev_eui), Instant(0), slug)
            zone = Zone(
                slug="marktplatz",
                name="Marktplatz",
                name_en="Market square",
                permitted=self.permitted,
                public=self.public,
            )
            self.zone_id = insert_zone(connection, scope, zone)
            for slug, swapped in (("nord", False), ("sued", True)):
                gate = Gate(
                    slug=slug,
                    name=slug.title(),
                    station=slug,
                    channel="line_1",
                    swapped=swapped,
                )
                insert_gate(connection, scope, zone.slug, gate)
            bump_revision(connection)
            # Reports come straight from here, not from the log: nothing could be counted anew.
            mark_all_counted(connection, Instant(0))
            ensure_cursor(connection, "live", Instant(0))
        self.restart()

    def restart(self) -> None:
        """A new process: nothing in memory."""
        self.follower = LiveFollower(DirectoryCache(self.database), self.clock)

    def uplink(
        self, dev_eui: str, minute: float, came: int, left: int, *, totals: bool = True
    ) -> LoggedUplink:
        """A report of totals, `minute` minutes after opening; the south gate is swapped."""
        self._position += 1
        f_cnt = self._f_cnt[dev_eui] = self._f_cnt.get(dev_eui, -1) + 1
        device_in, device_out = (left, came) if dev_eui == SOUTH else (came, left)
        ending = "_total" if totals else ""
        time = Instant(OPENING + round(minute * MINUTE))
        return LoggedUplink(
            position=self._position,
            tenant_id=self.tenant,
            dev_eui=dev_eui,
            dev_addr="01a2b3c4",
            generation=0,
            f_cnt=f_cnt,
            f_port=85,
            payload=b"",
            event_time=time,
            time_source=TimeSource.GPS,
            received_at=time,
            committed_at=time,
            source="test",
            device_type="milesight/vs133",
            outcome=Decoded(
                "milesight/vs133@1",
                (
                    Reading(f"people_in{ending}", device_in, "line_1"),
                    Reading(f"people_out{ending}", device_out, "line_1"),
                ),
            ),
        )

    def apply(self, *uplinks: LoggedUplink) -> None:
        """One batch of the log, committed, as often as the follower wants it."""
        left = uplinks
        while left:
            with self.database.write() as connection:
                left = left[self.follower.apply(connection, left) :]

    def apply_each(self, uplinks: Iterable[LoggedUplink]) -> None:
        for uplink in uplinks:
            self.apply(uplink)

    def tick(self, now: Instant | None = None) -> None:
        if now is not None:
            self.clock.set(now)
        more = True
        while more:
            with self.database.write() as connection:
                more = self.follower.tick(connection, self.clock.now())

    def rebuild(self) -> None:
        self.database.in_slices(self.follower.reset)

    def samples(self) -> list[ZoneSample]:
        with self.database.read() as connection:
            return samples_after(connection, 0, 100_000)

    def latest(self) -> ZoneSample:
        with self.database.read() as connection:
            sample = latest_sample(connection, self.zone_id)
        assert sample is not None
        return sample

    def history(self, start: int, end: int) -> list[tuple[int, int, int, int, bool]]:
        """Per full minute after opening: minute, number, bounds, degraded."""
        with self.database.read() as connection:
            found = occupancy_history(
                connection, self.zone_id, OPENING + start * MINUTE, OPENING + end * MINUTE
            )
        return [
            ((s.event_time - OPENING) // MINUTE, s.occupancy, s.low, s.high, s.degraded)
            for s in found
        ]

    def corrections(self, kind: str) -> list[Correction]:
        """Oldest entry first."""
        with self.database.read() as connection:
            found = corrections_page(connection, self.zone_id, None, 10_000)
        return [correction for correction in found[::-1] if correction.kind == kind]
