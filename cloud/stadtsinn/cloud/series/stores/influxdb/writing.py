"""Writing to InfluxDB so that a refused point does not stop others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from stadtsinn.cloud.series.stores.influxdb.generations import Generation
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer
from stadtsinn.cloud.series.stores.influxdb.line_protocol import lines
from stadtsinn.cloud.series.stores.store import (
    Point,
    Refused,
    SeriesRejected,
    SeriesUnavailable,
    describe,
)

_AT_ONCE = 25_000
"""Points in one request: about a megabyte, well below every server's limit."""

_DROPPED = re.compile(r"dropped=(\d+)")


class InfluxWriter:
    """Sends points in large requests; one that is refused is taken apart.

    A server refuses a request for one bad point in it, and generations of InfluxDB name that point
    in different ways, or not at all. So the points are sent again field by field, then in halves,
    until each bad one is alone in its request. Writing twice changes nothing.
    """

    def __init__(self, server: InfluxServer, generation: Callable[[], Generation]) -> None:
        self._server = server
        self._generation = generation

    def write(self, bucket: str, points: Sequence[Point]) -> list[Refused]:
        """Write one tenant's points; returns what the server refuses for good."""
        refused: list[Refused] = []
        for start in range(0, len(points), _AT_ONCE):
            chunk = points[start : start + _AT_ONCE]
            try:
                self._send(bucket, chunk)
            except SeriesRejected as error:
                if not _only_expired(error):
                    refused += self._field_by_field(bucket, chunk)
        return refused

    def write_stored(self, bucket: str, body: list[str]) -> None:
        """Write lines that the server has stored before under another station's name."""
        try:
            self._try_again(self._generation().target(bucket), body)
        except SeriesRejected as error:
            if not _only_expired(error):
                raise

    def _field_by_field(self, bucket: str, points: Sequence[Point]) -> list[Refused]:
        fields: dict[tuple[str, str, str], list[Point]] = defaultdict(list)
        for point in points:
            fields[point.family, point.key.quantity, point.quality].append(point)
        return [refused for group in fields.values() for refused in self._in_halves(bucket, group)]

    def _in_halves(self, bucket: str, points: Sequence[Point]) -> Iterator[Refused]:
        try:
            self._send(bucket, points)
        except SeriesRejected as error:
            if _only_expired(error):
                return
            if _wrong_type(error):
                # Somebody else wrote this field as text or integer. The server has stored what
                # it could; nothing that is sent again would help.
                yield Refused(_dropped(error, len(points)), describe(points[0]), str(error))
            elif len(points) == 1:
                yield Refused(1, describe(points[0]), str(error))
            else:
                middle = len(points) // 2
                yield from self._in_halves(bucket, points[:middle])
                yield from self._in_halves(bucket, points[middle:])

    def _send(self, bucket: str, points: Sequence[Point]) -> None:
        target = self._generation().target(bucket)
        body = lines(points)
        try:
            self._server.write(target, body)
        except DatabaseMissing:
            self._generation().create(bucket)
            self._try_again(target, body)

    def _try_again(self, target: str, body: list[str]) -> None:
        try:
            self._server.write(target, body)
        except DatabaseMissing as error:
            raise SeriesUnavailable(f"the bucket is missing: {error}") from None


def _only_expired(error: SeriesRejected) -> bool:
    """The server left out what its retention would delete at once, and stored the rest."""
    text = str(error)
    return "partial write" in text and "beyond retention policy" in text


def _wrong_type(error: SeriesRejected) -> bool:
    text = str(error)
    return "partial write" in text and "field type conflict" in text


def _dropped(error: SeriesRejected, otherwise: int) -> int:
    found = _DROPPED.search(str(error))
    return int(found.group(1)) if found else otherwise
