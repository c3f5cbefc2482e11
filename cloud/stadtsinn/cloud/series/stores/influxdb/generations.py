"""What the generations of InfluxDB do differently: buckets, retention, deleting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.generation_1 import InfluxDB1
from stadtsinn.cloud.series.stores.influxdb.generation_2 import InfluxDB2
from stadtsinn.cloud.series.stores.influxdb.generation_3 import InfluxDB3
from stadtsinn.cloud.series.stores.influxdb.http import InfluxServer
from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable


class Generation(Protocol):
    """Looks after buckets (1.8 and 3: databases)."""

    def target(self, bucket: str) -> str:
        """The value of `bucket` that `/api/v2/write` takes for this bucket."""
        ...

    def create(self, bucket: str) -> None:
        """Make the bucket unless it is there."""
        ...

    def set_retention(self, bucket: str, days: int | None) -> None: ...

    def retention(self, bucket: str) -> float | None:
        """After how many days the server deletes points by itself; None: never, or unknown."""
        ...

    def check_not_hidden(self, bucket: str) -> None:
        """Raise SeriesUnavailable where a bucket is there, and answers from it are empty because
        the token may not read it."""
        ...

    def read_instead(self, bucket: str) -> str | None:
        """The bucket that queries for this one's name read, where it is another one."""
        ...

    def drop(self, bucket: str, tag: str, value: str) -> None:
        """Delete all points with this value of a tag."""
        ...

    def check_can_delete(self) -> None:
        """Raise SeriesRejected where single stations' points cannot be deleted."""
        ...

    def drop_range(self, bucket: str, station: str, start: Instant, end: Instant) -> None:
        """Delete the points with this value of the tag ``station`` and start <= time < end."""
        ...

    def drop_older(
        self, bucket: str, measurement: str, station: str, channels: Mapping[str, Instant]
    ) -> None:
        """Delete the points of a measurement with this value of the tag ``station`` that are
        older than their channel says; each channel of the station is named."""
        ...

    def empty(self, bucket: str) -> None:
        """Delete all points; the bucket, its retention and its permissions stay."""
        ...

    def remove(self, bucket: str) -> None:
        """Delete the bucket with all that it holds; one that is not there is no error."""
        ...


def generation_of(server: InfluxServer) -> Generation:
    """Ask the server for what only one generation has: organisations, or its own databases.

    What it says of its version tells nothing: builds say "unknown", "dev" or nothing at all, and
    proxies leave it out. Newer 1.x have buckets, too. 2 is asked for first: for a path that it
    does not know it may answer with its web page. Raises SeriesUnavailable where nothing fits.
    """
    if server.knows("/api/v2/orgs"):
        return InfluxDB2(server)
    if server.knows("/api/v3/configure/database", format="json"):
        return InfluxDB3(server)
    try:
        server.query("SHOW DATABASES")
    except SeriesRejected as error:
        raise SeriesUnavailable(
            f"no InfluxDB answers at {server.url}: check [series] url, and that a proxy before it "
            f"passes on /api and /query ({error})",
            f"unter {server.url} antwortet keine InfluxDB: [series] url prüfen, und ob ein Proxy "
            f"davor /api und /query durchlässt ({error})",
        ) from None
    return InfluxDB1(server)
