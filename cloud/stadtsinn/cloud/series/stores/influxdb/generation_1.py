"""Buckets of InfluxDB 1.8 and later 1.x: databases, looked after by InfluxQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.http import InfluxServer
from stadtsinn.cloud.series.stores.influxdb.names import identifier, string
from stadtsinn.cloud.series.stores.influxdb.shards import DAY_S, shard_hours


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
        keep = f"{'INF' if days is None else f'{days}d'} SHARD DURATION {shard_hours(days)}h"
        self._server.query(
            f"ALTER RETENTION POLICY {identifier(own)} ON {identifier(bucket)} DURATION {keep}"
        )

    def retention(self, bucket: str) -> float | None:
        return _days(self._policy(bucket)["duration"])

    def check_not_hidden(self, bucket: str) -> None:
        """It refuses what may not be read."""

    def read_instead(self, bucket: str) -> str | None:  # noqa: ARG002
        return None  # names lead nowhere else

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


def _days(duration: str) -> float | None:
    """Of InfluxDB 1.8's writing, such as ``168h0m0s``; ``0s`` is for ever."""
    units = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+)([hms])", duration)
    seconds = sum(int(number) * units[unit] for number, unit in parts)
    return seconds / DAY_S or None


def _tagged(tag: str, value: str) -> str:
    return f"{identifier(tag)} = {string(value)}"
