"""Buckets and deletions on InfluxDB 2 and 3: what is asked of them, and how they are told apart.

What a server says of its version may be missing or mean nothing:

- https://github.com/influxdata/influxdb/issues/6756 (a build from source says "unknown")
- https://github.com/influxdata/influxdb-client-csharp/issues/275 (2.0.8 sends it empty)
- https://github.com/influxdata/influxdb-client-python/issues/366 (the client's version() is "")
- https://github.com/influxdata/influxdb/issues/2544 (a proxy leaves it out)
- https://github.com/influxdata/influxdb/issues/20224 (2.0 without version and build)
"""

from __future__ import annotations

import pytest

from fake_influx import keeping
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.generations import generation_of
from stadtsinn.cloud.series.stores.influxdb.http import InfluxServer
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey, SeriesRejected, SeriesUnavailable

POINT = Point("musterstadt", "soil", SeriesKey("linde", "tilt"), Instant(17), 1.0, dev_eui="a840")
BUCKET = "stadtsinn-musterstadt"


@pytest.mark.parametrize("version", ["v2.7.1", "3.8.0"])
def test_a_missing_bucket_is_made_by_the_first_write(version: str) -> None:
    with keeping(version) as server:
        store = open_store(server.url, token="secret", org="town")
        assert store.write([POINT]) == []
        assert store.write([POINT]) == []
        assert list(server.buckets) == [BUCKET]
        assert server.written == [(BUCKET, b"soil,device=a840,station=linde tilt=1.0 17")] * 2
        store.close()


@pytest.mark.parametrize("version", ["v2.7.1", "3.8.0"])
def test_retention_is_the_buckets(version: str) -> None:
    with keeping(version) as server:
        store = open_store(server.url, token="secret", org="town")
        store.set_retention("musterstadt", 30)
        assert server.buckets == {BUCKET: 30 * 86_400}
        store.set_retention("musterstadt", None)
        assert not server.buckets[BUCKET]
        store.close()


def test_influxdb_2_deletes_by_predicate() -> None:
    with keeping("v2.7.1") as server:
        store = open_store(server.url, token="secret", org="town")
        store.write([POINT])
        store.drop_station("musterstadt", 'linde" OR station="b')
        store.drop_device("musterstadt", "a840")
        store.drop_tenant("musterstadt")
        assert server.deleted == [
            (BUCKET, 'station="linde%22 OR station=%22b"'),
            (BUCKET, 'device="a840"'),
            (BUCKET, ""),
        ]
        assert list(server.buckets) == [BUCKET]
        store.close()


def test_influxdb_2_deletes_a_measurements_channels_up_to_their_times() -> None:
    with keeping("v2.7.1") as server:
        generation = generation_of(InfluxServer(server.url, "secret", "town"))
        channels = {"30cm": Instant(5_000_000), "60cm": Instant(0), "": Instant(7_000_000)}
        generation.drop_older(BUCKET, "soil", "linde", channels)
        # 60cm is kept for ever, and points without a channel can be named with all others only.
        where = '_measurement="soil" AND station="linde" AND channel="30cm"'
        assert server.deleted == [(BUCKET, where)]
        assert server.deleted_times == [("1970-01-01T00:00:00Z", "1970-01-01T00:00:04.999999500Z")]
        generation.drop_older(BUCKET, "soil", "linde", {**channels, "60cm": Instant(3_000_000)})
        assert server.deleted[-1] == (BUCKET, '_measurement="soil" AND station="linde"')
        assert server.deleted_times[-1][1] == "1970-01-01T00:00:02.999999500Z"


def test_influxdb_3_says_that_it_deletes_no_points() -> None:
    with keeping("3.8.0") as server:
        store = open_store(server.url, token="secret")
        with pytest.raises(SeriesRejected, match="cannot delete single rows"):
            store.expire("musterstadt", {POINT.key: (Instant(0), Instant(18))})
        store.close()


def test_influxdb_2_without_its_organisation_says_so_and_loses_nothing() -> None:
    with keeping("v2.7.1") as server:
        store = open_store(server.url, token="secret")
        with pytest.raises(SeriesUnavailable, match="organisation"):
            store.write([POINT])
        store.close()


def test_influxdb_3_empties_a_tenant_by_making_its_database_again() -> None:
    with keeping("3.8.0") as server:
        store = open_store(server.url, token="secret")
        store.drop_tenant("musterstadt")  # nothing there yet: no error
        store.write([POINT])
        with pytest.raises(SeriesRejected, match="rebuild the whole tenant"):
            store.drop_station("musterstadt", "linde")
        store.drop_tenant("musterstadt")
        assert server.deleted == [(BUCKET, "")]
        assert list(server.buckets) == [BUCKET]
        store.close()


@pytest.mark.parametrize("says", [None, "", "unknown", "dev", "v2.9.1", "1.8.10", "3.8.0"])
@pytest.mark.parametrize("version", ["v2.7.1", "3.8.0"])
def test_a_generation_is_told_by_what_it_can(version: str, says: str | None) -> None:
    """Whatever it says of itself. A 2 taken for a 1.8 would be written to a bucket `name/`."""
    with keeping(version, says) as server:
        store = open_store(server.url, token="secret", org="town")
        assert store.write([POINT]) == []
        assert list(server.buckets) == [BUCKET]
        store.close()


def test_what_is_no_influxdb_is_not_taken_for_one() -> None:
    with keeping("3.8.0") as server:
        server.generation = 0  # knows neither organisations nor databases, and no InfluxQL
        store = open_store(server.url, token="secret", org="town")
        with pytest.raises(SeriesUnavailable, match="no InfluxDB answers"):
            store.write([POINT])
        store.close()
