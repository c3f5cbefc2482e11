"""Tells hand counters the total of their zone, through the broker of their ChirpStack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.domains.crowd.clickers.downlinks import Downlinks, command, topic, total_of
from stadtsinn.cloud.domains.crowd.clickers.settings import ClickerTotalsSettings
from stadtsinn.cloud.domains.crowd.counting import CountKind
from stadtsinn.cloud.domains.crowd.present import present_in
from stadtsinn.cloud.domains.crowd.zone_repository import latest_reported
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory, DirectoryCache

_LOOK_S = 5.0
_AWAY_S = 1.0
_BACKOFF = Backoff(first=5, longest=300)


class Broker(Protocol):
    """The link to the broker, as far as it is needed here."""

    @property
    def connected(self) -> bool: ...

    def publish(self, topic: str, payload: bytes) -> object: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class ClickerTotals(Repeating):
    """Looks every few seconds who is to be told; while the broker is away nothing is kept for it:
    what counts is the newest total."""

    def __init__(
        self,
        database: Database,
        directory: DirectoryCache,
        clock: Clock,
        broker: Broker,
        settings: ClickerTotalsSettings,
    ) -> None:
        super().__init__(
            "clicker totals",
            _BACKOFF,
            failed="totals_not_sent",
            remedy="it tries again by itself; hand counters show an older total until then",
        )
        self._database = database
        self._directory = directory
        self._clock = clock
        self._broker = broker
        self._settings = settings
        self._downlinks: dict[str, Downlinks] = {}
        """Of each town: its gateways are its own."""

    def start(self) -> None:
        self._broker.start()
        super().start()

    def stop(self) -> None:
        super().stop()
        self._broker.stop()

    def check(self) -> Check:
        if self.trouble is None and self._broker.connected:
            return Check(ok=True, detail="totals go to the hand counters")
        return Check(ok=False, detail=self.trouble or "no connection to their broker")

    def step(self) -> float:
        if not self._broker.connected:
            return _AWAY_S
        now, stated = self._clock.now(), self._settings
        with self._database.read() as connection:
            towns = self._totals(connection, self._directory.current(), now)
        known = self._downlinks
        self._downlinks = {one: known.get(one) or Downlinks(stated.every_s) for one in towns}
        for town, totals in towns.items():
            downlinks = self._downlinks[town]
            until = Instant(now + downlinks.pause_s(len(totals)) * SECOND)
            for dev_eui, total in downlinks.due(totals, now).items():
                where = topic(stated.topic_prefix, stated.application, dev_eui)
                self._broker.publish(where, command(dev_eui, stated.f_port, total, until))
        return _LOOK_S

    def _totals(
        self, connection: Connection, directory: Directory, now: Instant
    ) -> dict[str, dict[str, bytes]]:
        """By town and hand counter."""
        found: dict[str, dict[str, bytes]] = {}
        for zone in read_zones(connection, directory).by_id.values():
            if self._settings.tenant not in (None, zone.tenant_id):
                continue
            if counters := list(_hand_counters(zone, directory, now)):
                latest = latest_reported(connection, zone.id)
                total = total_of(present_in(zone, zone.planned, latest, now))
                found.setdefault(zone.tenant_id, {}).update(dict.fromkeys(counters, total))
        return found


def _hand_counters(zone: ZoneEntry, directory: Directory, now: Instant) -> Iterator[str]:
    """Those that are deployed at the zone's gates now."""
    for gate in zone.gates:
        if gate.counts is CountKind.CLICKER:
            for place in directory.deployments_at(gate.station_id):
                if place.holds(now) and place.feeds(gate.channel):
                    yield place.dev_eui
