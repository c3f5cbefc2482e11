"""What the generations of InfluxDB do differently: buckets, retention, deleting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer
from stadtsinn.cloud.series.stores.influxdb.names import identifier, string
from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable

_DAY_S = 86_400
_BEGIN, _END = "1970-01-01T00:00:00Z", "2262-01-01T00:00:00Z"


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


class InfluxDB1:
    """1.8: databases by InfluxQL."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def target(self, bucket: str) -> str:
        return f"{bucket}/"  # with the database's own retention policy

    def create(self, bucket: str) -> None:
        self._server.query(f"CREATE DATABASE {identifier(bucket)}")

    def set_retention(self, bucket: str, days: int | None) -> None:
        own = self._policy(bucket)["name"]
        # The shard duration goes with it: it may not be longer than what is kept.
        keep = "INF SHARD DURATION 7d" if days is None else f"{days}d SHARD DURATION {_shard(days)}"
        self._server.query(
            f"ALTER RETENTION POLICY {identifier(own)} ON {identifier(bucket)} DURATION {keep}"
        )

    def retention(self, bucket: str) -> float | None:
        return _days(self._policy(bucket)["duration"])

    def _policy(self, bucket: str) -> dict[str, Any]:
        """The default one, by its columns."""
        policies = self._server.query(f"SHOW RETENTION POLICIES ON {identifier(bucket)}")[0][0]
        rows = (dict(zip(policies.columns, row, strict=True)) for row in policies.values)
        return next(row for row in rows if row["default"])

    def drop(self, bucket: str, tag: str, value: str) -> None:
        self._server.query(f"DROP SERIES FROM /.*/ WHERE {_tagged(tag, value)}", bucket)

    def check_can_delete(self) -> None:
        """It can delete them."""

    def drop_range(self, bucket: str, station: str, start: Instant, end: Instant) -> None:
        part = f"{_tagged('station', station)} AND time >= {start}000 AND time < {end}000"
        self._server.query(f"DELETE FROM /.*/ WHERE {part}", bucket)  # noqa: S608

    def drop_older(
        self, bucket: str, measurement: str, station: str, channels: Mapping[str, Instant]
    ) -> None:
        for channel, oldest in channels.items():
            if oldest > 0:
                tags = f"{_tagged('station', station)} AND {_tagged('channel', channel)}"
                source = identifier(measurement)
                part = f"{source} WHERE {tags} AND time < {oldest}000"
                self._server.query(f"DELETE FROM {part}", bucket)  # noqa: S608 (quoted)

    def empty(self, bucket: str) -> None:
        tables = self._server.query("SHOW MEASUREMENTS", bucket)[0]
        for (name,) in tables[0].values if tables else []:
            self._server.query(f"DROP MEASUREMENT {identifier(name)}", bucket)

    def remove(self, bucket: str) -> None:
        self._server.query(f"DROP DATABASE {identifier(bucket)}")


class InfluxDB2:
    """2.x: buckets by the client. InfluxQL finds a bucket by its name without a mapping."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._buckets: Any = server.client.buckets_api()

    def target(self, bucket: str) -> str:
        return bucket

    def create(self, bucket: str) -> None:
        with self._server.errors_sorted():
            if self._buckets.find_bucket_by_name(bucket) is None:
                self._buckets.create_bucket(bucket_name=bucket)

    def set_retention(self, bucket: str, days: int | None) -> None:
        with self._server.errors_sorted():
            found = self._buckets.find_bucket_by_name(bucket)
            if found is None:
                raise DatabaseMissing(bucket)
            seconds = 0 if days is None else days * _DAY_S
            rules: Any = BucketRetentionRules
            found.retention_rules = [rules(type="expire", every_seconds=seconds)]
            self._buckets.update_bucket(bucket=found)

    def retention(self, bucket: str) -> float | None:
        with self._server.errors_sorted():
            found = self._buckets.find_bucket_by_name(bucket)
        rules = found.retention_rules if found is not None else []
        seconds = min((rule.every_seconds for rule in rules if rule.every_seconds), default=0)
        return seconds / _DAY_S or None

    def drop(self, bucket: str, tag: str, value: str) -> None:
        # The encoded name holds no quote and no backslash.
        self._delete(bucket, f'{tag}="{value}"')

    def check_can_delete(self) -> None:
        """It can."""

    def drop_range(self, bucket: str, station: str, start: Instant, end: Instant) -> None:
        self._delete(bucket, f'station="{station}"', isoformat(start), _stop(end))

    def drop_older(
        self, bucket: str, measurement: str, station: str, channels: Mapping[str, Instant]
    ) -> None:
        for channel, oldest in channels.items():
            where, until = f'_measurement="{measurement}" AND station="{station}"', oldest
            if channel:
                where += f' AND channel="{channel}"'
            else:  # its predicates never match a tag that a point lacks
                until = min(channels.values())
            if until > 0:
                self._delete(bucket, where, stop=_stop(until))

    def empty(self, bucket: str) -> None:
        self._delete(bucket, "")

    def remove(self, bucket: str) -> None:
        with self._server.errors_sorted():
            if (found := self._buckets.find_bucket_by_name(bucket)) is not None:
                self._buckets.delete_bucket(found)

    def _delete(self, bucket: str, predicate: str, start: str = _BEGIN, stop: str = _END) -> None:
        with self._server.errors_sorted():
            self._server.client.delete_api().delete(start, stop, predicate, bucket=bucket)


class InfluxDB3:
    """3: databases over its own API. It cannot delete rows, only a whole database."""

    _PATH = "/api/v3/configure/database"

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def target(self, bucket: str) -> str:
        return bucket

    def create(self, bucket: str) -> None:
        answer = self._server.request("POST", self._PATH, json={"db": bucket})
        if answer.status_code not in (200, 201, 204, 409):  # 409: it is there already
            raise SeriesRejected(
                f"InfluxDB 3 makes no database {bucket!r}: {answer.text[:200]}",
                f"InfluxDB 3 legt keine Datenbank {bucket!r} an: {answer.text[:200]}",
            )

    def set_retention(self, bucket: str, days: int | None) -> None:
        period = None if days is None else f"{days}d"
        body = {"db": bucket, "retention_period": period}
        answer = self._server.request("PUT", self._PATH, json=body)
        if answer.status_code >= 400:
            raise SeriesRejected(
                "this InfluxDB 3 sets the retention only when a database is made: "
                f"make {bucket!r} with it before the first value is stored",
                "diese InfluxDB 3 nimmt eine Aufbewahrung nur beim Anlegen einer Datenbank an: "
                f"{bucket!r} damit anlegen, bevor der erste Wert kommt",
            )

    def retention(self, bucket: str) -> float | None:  # noqa: ARG002 (it does not tell)
        return None

    def drop(self, bucket: str, tag: str, value: str) -> None:
        raise SeriesRejected(
            f"InfluxDB 3 cannot delete single rows ({tag} {value} in {bucket!r}): "
            "empty and rebuild the whole tenant",
            f"InfluxDB 3 kann keine einzelnen Zeilen löschen ({tag} {value} in {bucket!r}): die "
            "ganze Stadt leeren und neu aufbauen",
        )

    def check_can_delete(self) -> None:
        raise SeriesRejected(
            "InfluxDB 3 cannot delete single rows, so no part of a series can be replaced: "
            "use the embedded store, InfluxDB 1.8 or 2",
            "InfluxDB 3 kann keine einzelnen Zeilen löschen, daher lässt sich kein Teil einer "
            "Messreihe ersetzen: die eingebaute Ablage, InfluxDB 1.8 oder 2 nehmen",
        )

    def drop_range(self, bucket: str, station: str, start: Instant, end: Instant) -> None:  # noqa: ARG002
        self.check_can_delete()

    def drop_older(
        self,
        bucket: str,  # noqa: ARG002
        measurement: str,  # noqa: ARG002
        station: str,  # noqa: ARG002
        channels: Mapping[str, Instant],  # noqa: ARG002
    ) -> None:
        self.check_can_delete()

    def empty(self, bucket: str) -> None:
        answer = self._server.request("DELETE", self._PATH, params={"db": bucket})
        if answer.status_code == 404:
            raise DatabaseMissing(bucket)
        if answer.status_code >= 400:
            raise SeriesRejected(
                f"InfluxDB 3 keeps {bucket!r}: {answer.text[:200]}",
                f"InfluxDB 3 behält {bucket!r}: {answer.text[:200]}",
            )
        self.create(bucket)

    def remove(self, bucket: str) -> None:
        answer = self._server.request("DELETE", self._PATH, params={"db": bucket})
        if answer.status_code >= 400 and answer.status_code != 404:
            raise SeriesRejected(
                f"InfluxDB 3 keeps {bucket!r}: {answer.text[:200]}",
                f"InfluxDB 3 behält {bucket!r}: {answer.text[:200]}",
            )


def _days(duration: str) -> float | None:
    """Of InfluxDB 1.8's writing, such as ``168h0m0s``; ``0s`` is for ever."""
    units = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+)([hms])", duration)
    seconds = sum(int(number) * units[unit] for number, unit in parts)
    return seconds / _DAY_S or None


def _tagged(tag: str, value: str) -> str:
    return f"{identifier(tag)} = {string(value)}"


def _stop(end: Instant) -> str:
    """Our points lie on whole microseconds: half of one before the end is right whether the
    server counts its stop in or not."""
    stop = isoformat(Instant(end - 1)).replace("Z", "")
    return (stop if "." in stop else f"{stop}.000000") + "500Z"


def _shard(days: int) -> str:
    """The durations that InfluxDB itself takes by default."""
    if days < 2:
        return "1h"
    return "1d" if days < 180 else "7d"
