"""Datastreams: made by the first value of a station's quantity on a channel."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.series import repository
from stadtsinn.cloud.series.repository import Station, Stream
from stadtsinn.cloud.series.room import Room
from stadtsinn.cloud.series.stores.store import Point
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town.stations.directory import DeploymentEntry

MADE_AT_ONCE = 2_000
"""Datastreams that one transaction makes."""


class NewStreams:
    """Datastreams that points belong to, as far as this process does not know that they exist.

    `begin`, `note`, `make_ahead` and `make` belong to one batch of uplinks, in this order.
    """

    def __init__(self, limits: Limits = DEFAULTS) -> None:
        self._room = Room(limits)
        self._known: set[Stream] = set()
        self._deployments: dict[Station, tuple[DeploymentEntry, ...]] = {}
        """Those of the stations of `_known`."""
        self._revision = -1
        self._new: dict[Stream, Instant] = {}
        self._made: set[Stream] = set()
        self._made_until = 0

    def load(self, connection: Connection, directory: Directory) -> None:
        """Read which there are. Right without it, but then each is asked about at its first value.

        `directory` is read before: what changes in between is forgotten by the next batch.
        """
        self._known = repository.settled_streams(connection)
        self._room.read(connection)
        self._room.count(self._known)
        stations = {(tenant_id, key.station) for tenant_id, key in self._known}
        self._deployments = {where: _deployments(directory, where) for where in stations}

    def begin(self, position: int) -> None:
        """A batch begins with the uplink at this position of the log.

        Where it comes after the last batch, that one's transaction was committed. Where it is
        the same again, it was not.
        """
        if position > self._made_until:
            self._room.count(self._made - self._known)
            self._known |= self._made
        self._made.clear()
        self._new.clear()
        self._room.begin()

    def note(self, points: Iterable[Point], directory: Directory) -> set[Stream]:
        """Look for datastreams that are new; returns those for which there is no room: nothing
        may be stored of them."""
        if directory.revision != self._revision:
            self._forget_changed(directory)
            self._revision = directory.revision
        known, new = self._known, self._new
        refused: set[Stream] = set()
        for point in points:
            stream = (point.tenant_id, point.key)
            if stream not in known:
                if stream not in new and not self._room.take(stream):
                    refused.add(stream)
                    continue
                new[stream] = min(point.time, new.get(stream, point.time))
                where = (point.tenant_id, point.key.station)
                if where not in self._deployments:
                    self._deployments[where] = _deployments(directory, where)
        return refused

    def make_ahead(self, database: Database) -> None:
        """Where very many were noted, make all but the last ones: in transactions before that of
        the batch. Their values are in the store already; made again, they stay as they are."""
        while len(self._new) > MADE_AT_ONCE:
            some = dict(islice(self._new.items(), MADE_AT_ONCE))
            with database.write() as connection:
                repository.make_streams(connection, some)
            for stream in some:
                del self._new[stream]
            self._made |= some.keys()
            database.let_others_write()

    def make(self, connection: Connection, position: int) -> None:
        """Make those that were noted; the batch ends with the uplink at this position."""
        if self._new:
            repository.make_streams(connection, self._new)
        if self._new or self._room.is_full:
            self._room.read(connection)
        self._made |= self._new.keys()
        self._made_until = position
        self._new.clear()

    def _forget_changed(self, directory: Directory) -> None:
        """A correction of a station's deployments may have taken datastreams away, and a station
        made again under the same name has none."""
        changed = {
            where
            for where, before in self._deployments.items()
            if _deployments(directory, where) != before
        }
        if changed:
            self._known = {
                (tenant_id, key)
                for tenant_id, key in self._known
                if (tenant_id, key.station) not in changed
            }
            self._room.count(self._known, anew=True)
            for where in changed:
                del self._deployments[where]


def _deployments(directory: Directory, where: Station) -> tuple[DeploymentEntry, ...]:
    station = directory.station(*where)
    return () if station is None else directory.deployments_at(station.id)
