"""Buckets of InfluxDB 2, looked after by its client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer
from stadtsinn.cloud.series.stores.influxdb.shards import DAY_S, shard_hours
from stadtsinn.cloud.series.stores.store import SeriesUnavailable

_BEGIN, _END = "1970-01-01T00:00:00Z", "2262-01-01T00:00:00Z"
_ID = re.compile("[0-9a-f]{16}")


class _Mapping(msgspec.Struct, frozen=True):
    bucket_id: str = msgspec.field(name="bucketID")
    virtual: bool = False


class _Mappings(msgspec.Struct, frozen=True):
    content: list[_Mapping] | None = None


class InfluxDB2:
    """2.x: buckets by the client. InfluxQL finds a bucket by its name without a mapping."""

    # A name is looked for in our organisation alone: others may have a bucket of that name.

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._buckets: Any = server.client.buckets_api()

    def target(self, bucket: str) -> str:
        return bucket

    def create(self, bucket: str) -> None:
        if self._find(bucket) is not None:
            return
        self._check_missing(bucket)
        if (other := self.read_instead(bucket)) is not None:
            raise SeriesUnavailable(
                f"InfluxDB has no bucket {bucket!r}, and queries for it read {other!r}: "
                f"rename {other!r} to {bucket!r}, or delete that mapping (dbrp)",
                f"InfluxDB hat keinen Bucket {bucket!r}, und Abfragen danach lesen {other!r}: "
                f"{other!r} in {bucket!r} umbenennen, oder diese Zuordnung (dbrp) löschen",
            )
        with self._server.errors_sorted():
            self._buckets.create_bucket(bucket_name=bucket, org=self._organisation())

    def set_retention(self, bucket: str, days: int | None) -> None:
        found = self._find(bucket)
        if found is None:
            raise DatabaseMissing(bucket)
        rules: Any = BucketRetentionRules
        found.retention_rules = [
            rules(
                type="expire",
                every_seconds=0 if days is None else days * DAY_S,
                # It may not be longer than what is kept.
                shard_group_duration_seconds=3600 * shard_hours(days),
            )
        ]
        with self._server.errors_sorted():
            self._buckets.update_bucket(bucket=found)

    def retention(self, bucket: str) -> float | None:
        found = self._find(bucket)
        rules = found.retention_rules if found is not None else []
        seconds = min((rule.every_seconds for rule in rules if rule.every_seconds), default=0)
        return seconds / DAY_S or None

    def check_not_hidden(self, bucket: str) -> None:
        # Lists are empty where the token may not read, and other queries find no bucket.
        try:
            self._server.query('SELECT "none" FROM "none"', bucket)
        except DatabaseMissing:
            self._check_missing(bucket)

    def read_instead(self, bucket: str) -> str | None:
        """`influxd upgrade` makes such mappings, and so may people."""
        asked = {self._which(): self._server.org, "db": bucket, "default": "true"}
        answer = self._server.request("GET", "/api/v2/dbrps", params=asked)
        if answer.status_code != 200:
            return None  # what says why is whatever needs the bucket
        mapped = msgspec.json.decode(answer.content, type=_Mappings).content or []
        made = [one.bucket_id for one in mapped if not one.virtual]
        if not made:
            return None
        with self._server.errors_sorted():
            name = str(self._buckets.find_bucket_by_id(made[0]).name)
        return name if name != bucket else None

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
        found = self._find(bucket)
        if found is None:
            self._check_missing(bucket)
            return
        with self._server.errors_sorted():
            self._buckets.delete_bucket(found)

    def _check_missing(self, bucket: str) -> None:
        """Of a bucket that the token does not see: to write, it need not."""
        try:
            self._server.may_write(bucket)
        except DatabaseMissing:
            return
        raise SeriesUnavailable(
            f"InfluxDB hides the bucket {bucket!r} from the token of [series]: it may not read it",
            f"InfluxDB verbirgt den Bucket {bucket!r} vor dem Token von [series]: es darf ihn "
            "nicht lesen",
        )

    def _find(self, bucket: str) -> Any | None:
        """The bucket as the client has it, of our organisation."""
        try:
            found = self._visible(name=bucket)
        except DatabaseMissing:
            return None
        return found[0] if found else None

    def _organisation(self) -> str:
        """Its ID by any bucket that the token sees: to read organisations is a right that it need
        not have. Without one its name, by which the client asks."""
        seen = self._visible()
        return str(seen[0].org_id) if seen else self._server.org

    def _visible(self, **asked: str) -> Any:
        """Buckets of our organisation that the token may read, as the client has them."""
        asked[self._which("org_id")] = self._server.org
        with self._server.errors_sorted():
            return self._buckets.find_buckets(**asked).buckets

    def _which(self, by_id: str = "orgID") -> str:
        """The parameter that says which organisation: by its ID or by its name."""
        return by_id if _ID.fullmatch(self._server.org) else "org"

    def _delete(self, bucket: str, predicate: str, start: str = _BEGIN, stop: str = _END) -> None:
        with self._server.errors_sorted():
            self._server.client.delete_api().delete(start, stop, predicate, bucket=bucket)


def _stop(end: Instant) -> str:
    """Our points lie on whole microseconds: half of one before the end is right whether the
    server counts its stop in or not."""
    stop = isoformat(Instant(end - 1)).replace("Z", "")
    return (stop if "." in stop else f"{stop}.000000") + "500Z"
