"""Writing to InfluxDB so that a refused point does not stop others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from stadtsinn.cloud.series.stores.influxdb.generations import Generation
from stadtsinn.cloud.series.stores.influxdb.http import (
    DatabaseMissing,
    InfluxServer,
    PartlyRejected,
)
from stadtsinn.cloud.series.stores.influxdb.line_protocol import lines
from stadtsinn.cloud.series.stores.store import (
    Point,
    Refused,
    SeriesRejected,
    SeriesUnavailable,
    describe,
)


class InfluxWriter:
    """Sends points in large requests; one that is refused is taken apart.

    A server refuses a request for one bad point in it, and generations of InfluxDB name that point
    in different ways, or not at all. So the points are sent again field by field, then in halves,
    until each bad one is alone in its request. Writing twice changes nothing.
    """

    def __init__(self, server: InfluxServer, generation: Callable[[], Generation]) -> None:
        self._server = server
        self._generation = generation

    @contextmanager
    def sending(self) -> Iterator[Sending]:
        """One request is under way at a time, in order; at the end of the block all are answered.

        Raises SeriesUnavailable while the server does not answer, there or in `send`.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="influxdb-writer") as thread:
            sending = Sending(self, thread)
            yield sending
            sending.wait()

    def write(self, bucket: str, points: Sequence[Point], body: list[str]) -> list[Refused]:
        """Write one tenant's points, `body` is their lines; returns what is refused for good."""
        try:
            self._send(bucket, body)
        except SeriesRejected as error:
            if not _is_no_loss(error):
                return self._field_by_field(bucket, points)
        return []

    def write_stored(self, bucket: str, body: list[str]) -> None:
        """Write lines that the server has stored before under another station's name."""
        try:
            self._try_again(self._generation().target(bucket), body)
        except SeriesRejected as error:
            if not _is_no_loss(error):
                raise

    def _field_by_field(self, bucket: str, points: Sequence[Point]) -> list[Refused]:
        fields: dict[tuple[str, str, str], list[Point]] = defaultdict(list)
        for point in points:
            fields[point.family, point.key.quantity, point.quality].append(point)
        return [refused for group in fields.values() for refused in self._in_halves(bucket, group)]

    def _in_halves(self, bucket: str, points: Sequence[Point]) -> Iterator[Refused]:
        try:
            self._send(bucket, lines(points))
        except PartlyRejected as error:
            # E.g. somebody else wrote this field as text or integer. The server has stored what
            # it could; nothing that is sent again would help.
            if not error.expired:
                yield Refused(error.dropped, describe(points[0]), str(error))
        except SeriesRejected as error:
            if len(points) == 1:
                yield Refused(1, describe(points[0]), str(error))
            else:
                middle = len(points) // 2
                yield from self._in_halves(bucket, points[:middle])
                yield from self._in_halves(bucket, points[middle:])

    def _send(self, bucket: str, body: list[str]) -> None:
        target = self._generation().target(bucket)
        try:
            self._server.write(target, body)
        except DatabaseMissing:
            self._generation().create(bucket)
            self._try_again(target, body)

    def _try_again(self, target: str, body: list[str]) -> None:
        try:
            self._server.write(target, body)
        except DatabaseMissing as error:
            raise SeriesUnavailable(
                f"the bucket is missing: {error}",
                f"der Bucket fehlt: {error}",
            ) from None


class Sending:
    """One call's requests. `refused` is what the server refuses for good."""

    def __init__(self, writer: InfluxWriter, thread: ThreadPoolExecutor) -> None:
        self.refused: list[Refused] = []
        self._writer = writer
        self._thread = thread
        self._under_way: Future[list[Refused]] | None = None

    def send(self, bucket: str, points: Sequence[Point]) -> None:
        """Send one tenant's points as soon as those before them are answered."""
        body = lines(points)
        self.wait()
        self._under_way = self._thread.submit(self._writer.write, bucket, points, body)

    def wait(self) -> None:
        """Until the request under way is answered."""
        if self._under_way is not None:
            self.refused += self._under_way.result()
            self._under_way = None


def _is_no_loss(error: SeriesRejected) -> bool:
    """The server left out what its retention would delete at once, and stored the rest."""
    return isinstance(error, PartlyRejected) and error.expired
