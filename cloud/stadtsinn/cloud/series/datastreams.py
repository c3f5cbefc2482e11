"""Datastreams: made by the first value of a station's quantity on a channel."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series import repository
from stadtsinn.cloud.series.repository import Stream
from stadtsinn.cloud.series.stores.store import Point
from stadtsinn.cloud.town.directory import Directory


class NewStreams:
    """Datastreams that points belong to and that were not made yet, by this process at least."""

    def __init__(self) -> None:
        self._known: set[Stream] = set()
        self._revision = -1
        self._new: dict[Stream, Instant] = {}

    def note(self, points: Iterable[Point], directory: Directory) -> None:
        """Look for datastreams that are new. A station made again under the same name has none."""
        if directory.revision != self._revision:
            self._known.clear()
            self._revision = directory.revision
        known, new = self._known, self._new
        for point in points:
            stream = (point.tenant_id, point.key)
            if stream not in known:
                new[stream] = min(point.time, new.get(stream, point.time))

    def make(self, connection: Connection) -> None:
        """Make those that were noted.

        Only those that existed before are cached: this transaction may be rolled back.
        """
        if self._new:
            self._known |= repository.make_streams(connection, self._new)
            self._new.clear()
