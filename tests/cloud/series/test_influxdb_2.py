"""A real InfluxDB 2: rights, organisations, mappings, retention, deletions that surprised others.

Where each was seen:

- https://github.com/influxdata/influxdb/issues/23171 (a token for buckets finds no organisation)
- https://github.com/influxdata/influxdb-client-python/issues/403, 415 (so it makes no bucket)
- https://github.com/ioBroker/ioBroker.influxdb/issues/273 (rights for one bucket alone)
- https://github.com/mblackstock/node-red-contrib-influxdb/issues/77 (a wrong organisation is 404)
- https://github.com/influxdata/influxdb/issues/12462 (a name that two organisations have)
- https://github.com/influxdata/influxdb-client-python/issues/147 (an organisation's ID)
- https://github.com/influxdata/influxdb/issues/19643, 23110 (a token that may only write)
- https://github.com/influxdata/influxdb/issues/20859 (a wrong token)
- https://github.com/influxdata/influxdb/issues/19518, 24765 (retention and shards)
- https://github.com/influxdata/influxdb/issues/23326, 20121, 23620 (names mapped to other buckets)
- https://github.com/influxdata/influxdb/issues/24106 (a tag that points lack selects none)
- https://github.com/influxdata/influxdb/issues/23278, 19545 (predicates misread)
- https://github.com/influxdata/influxdb/issues/20704 (tags stay after what they named)
- https://github.com/influxdata/telegraf/issues/8571 (points older than what is kept)
- https://github.com/avojak/pihole-influxdb-monitor/issues/15 (types: `test_influx_errors.py`)
- https://github.com/influxdata/influxdb-observability/issues/262 (large requests)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from influx_administrator import Administrator
from real_parts import InfluxServer
from real_series import SeriesAddress, fresh_prefix, open_at
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.series.stores.store import (
    Finding,
    Point,
    SeriesKey,
    SeriesStore,
    SeriesUnavailable,
    Trouble,
)

TOWN = "musterstadt"
KEY = SeriesKey("linde-am-markt", "soil_moisture")
NOON = Instant(1_780_000_000_000_000)
EVER = (Instant(0), Instant(2_000_000_000_000_000))


@pytest.fixture(scope="module")
def administrator(influxdb_2: InfluxServer) -> Administrator:
    return Administrator(influxdb_2)


@pytest.fixture
def prefix() -> str:
    return fresh_prefix()


@pytest.fixture
def bucket(prefix: str) -> str:
    return f"{prefix}-{TOWN}"


@pytest.fixture
def whole(administrator: Administrator, prefix: str) -> Iterator[SeriesStore]:
    """A store that may do everything."""
    server = administrator.server
    store = open_at(SeriesAddress(f"{server.url}/{prefix}", server.token, server.org))
    yield store
    store.close()


def point(number: int, key: SeriesKey = KEY, dev_eui: str = "a840") -> Point:
    return Point(TOWN, "soil", key, Instant(NOON + number), float(number), dev_eui=dev_eui)


def values(store: SeriesStore, key: SeriesKey = KEY) -> list[float]:
    return [sample.value for sample in store.read(TOWN, key, *EVER)]


def does_all_it_must(address: SeriesAddress) -> None:
    with closing(open_at(address)) as store:
        store.ping()
        assert store.write([point(1), point(2)]) == []
        assert values(store) == [1.0, 2.0]
        assert store.examine(TOWN) == []
        store.set_retention(TOWN, None)
        store.drop_device(TOWN, "a840")
        assert values(store) == []
        assert store.erase_tenant(TOWN) is None


def test_the_least_rights_are_those_for_the_towns_bucket(
    administrator: Administrator, prefix: str, bucket: str
) -> None:
    own = administrator.bucket(bucket)
    may = [administrator.may(action, own) for action in ("read", "write")]
    does_all_it_must(administrator.address(prefix, *may))
    assert bucket not in administrator.buckets()


def test_rights_for_all_buckets_are_enough_to_make_them(
    administrator: Administrator, prefix: str
) -> None:
    may = [administrator.may(action) for action in ("read", "write")]
    does_all_it_must(administrator.address(prefix, *may))


def test_an_organisation_without_any_bucket_is_found_by_its_id_or_by_a_right(
    administrator: Administrator, prefix: str
) -> None:
    empty = administrator.of(f"{prefix}-org")
    may = [empty.may(action) for action in ("read", "write")]
    address = empty.address(prefix, *may)
    hidden = pytest.raises(SeriesUnavailable, match="does not show the organisation")
    with closing(open_at(address)) as store, hidden:
        store.write([point(1)])
    does_all_it_must(address._replace(org=empty.org_id))
    does_all_it_must(empty.address(prefix, *may, empty.may("read", what="orgs")))


@pytest.mark.parametrize(
    ("org", "words"),
    [("dorf", "has no organisation 'dorf': check 'org'"), ("", "name it as 'org'")],
)
def test_a_wrong_organisation_is_named_and_nothing_of_another_is_touched(
    administrator: Administrator, prefix: str, bucket: str, org: str, words: str
) -> None:
    server = administrator.server
    right = SeriesAddress(f"{server.url}/{prefix}", server.token, server.org)
    with closing(open_at(right)) as ours, closing(open_at(right._replace(org=org))) as wrong:
        ours.write([point(1)])
        for call in (
            lambda: wrong.write([point(2)]),
            lambda: wrong.set_retention(TOWN, 1),
            lambda: wrong.drop_station(TOWN, KEY.station),
            lambda: wrong.drop_tenant(TOWN),
            lambda: wrong.erase_tenant(TOWN),
            lambda: wrong.examine(TOWN),
        ):
            with pytest.raises(SeriesUnavailable, match=words):
                call()
        assert values(ours) == [1.0]
        assert administrator.rule(bucket)["everySeconds"] == 0


def test_a_bucket_of_the_same_name_elsewhere_stays(
    administrator: Administrator, prefix: str, bucket: str
) -> None:
    """The token is an operator's, who may do everything in both organisations."""
    other = administrator.of(f"{prefix}-org")
    for place in (other, administrator):
        place.bucket(bucket)
    server = administrator.server
    for mine, left in ((other, administrator), (administrator, other)):
        address = (f"{server.url}/{prefix}", server.token, mine.server.org)
        with closing(open_at(address)) as store:
            store.set_retention(TOWN, 30)
            assert mine.rule(bucket)["everySeconds"] == 30 * 86_400
            assert left.rule(bucket)["everySeconds"] == 0
            assert store.erase_tenant(TOWN) is None
        assert bucket not in mine.buckets()
        assert bucket in left.buckets()
        mine.bucket(bucket)


def test_what_may_not_be_read_is_said_and_not_taken_for_nothing(
    administrator: Administrator, prefix: str, bucket: str, whole: SeriesStore
) -> None:
    own = administrator.bucket(bucket)
    whole.write([point(1)])
    address = administrator.address(prefix, administrator.may("write", own))
    with closing(open_at(address)) as store:
        assert store.write([point(2)]) == []
        for call in (
            lambda: values(store),
            lambda: store.latest(TOWN, None),
            lambda: store.series(TOWN, KEY.station),
        ):
            with pytest.raises(SeriesUnavailable, match="may not read"):
                call()
        (found,) = store.examine(TOWN)
        assert (found.trouble, found.bucket) == (Trouble.NO_READING, bucket)
        # A bucket that it does not see is not taken for one that is gone.
        left = store.erase_tenant(TOWN)
    assert left is not None
    assert bucket in left
    assert values(whole) == []


def test_what_may_not_be_written_waits(
    administrator: Administrator, prefix: str, bucket: str, whole: SeriesStore
) -> None:
    own = administrator.bucket(bucket)
    whole.write([point(1)])
    address = administrator.address(prefix, administrator.may("read", own))
    with closing(open_at(address)) as store:
        assert store.examine(TOWN) == [Finding(Trouble.NO_WRITING, bucket)]
        assert values(store) == [1.0]
        for call in (
            lambda: store.write([point(2)]),
            lambda: store.drop_device(TOWN, "a840"),
            lambda: store.erase_tenant(TOWN),
        ):
            with pytest.raises(SeriesUnavailable, match="check the token"):
                call()
    assert values(whole) == [1.0]


@pytest.mark.parametrize("token", ["", "a-token-that-nobody-may-see", "user:password"])
def test_a_wrong_token_is_said_without_it(
    administrator: Administrator, prefix: str, token: str
) -> None:
    server = administrator.server
    with closing(open_at((f"{server.url}/{prefix}", token, server.org))) as store:
        for call in (
            store.ping,
            lambda: store.write([point(1)]),
            lambda: values(store),
            lambda: store.examine(TOWN),
        ):
            with pytest.raises(SeriesUnavailable, match=r"(?i)answers 401: unauthorized") as failed:
                call()
            assert not token or token not in str(failed.value)


@pytest.mark.parametrize(
    ("days", "shard_s"),
    [(1, 3_600), (2, 86_400), (179, 86_400), (180, 604_800), (4000, 604_800), (None, 604_800)],
)
def test_retention_may_be_shorter_and_longer_again(
    whole: SeriesStore, administrator: Administrator, bucket: str, days: int | None, shard_s: int
) -> None:
    for wanted in (1, days):
        whole.set_retention(TOWN, wanted)
    rule = administrator.rule(bucket)
    assert rule["everySeconds"] == (days or 0) * 86_400
    assert rule["shardGroupDurationSeconds"] == shard_s
    expected = [] if days is None else [Finding(Trouble.EXPIRES, bucket, str(days))]
    assert whole.examine(TOWN) == expected


def test_what_is_older_than_what_is_kept_is_left_out_without_a_word(whole: SeriesStore) -> None:
    whole.set_retention(TOWN, 2)
    now = SystemClock().now()
    times = [Instant(now - days * DAY) for days in (30, 10, 1, 0)]
    points = [Point(TOWN, "soil", KEY, time, 1.0, dev_eui="a840") for time in times]
    assert whole.write(points) == []
    assert [sample.time for sample in whole.read(TOWN, KEY, *EVER)] == times[2:]


def test_values_are_not_written_beside_the_bucket_that_queries_read(
    administrator: Administrator, prefix: str, bucket: str, whole: SeriesStore
) -> None:
    """An upgraded 1.8: its database is a bucket of another name, found by a mapping."""
    old = administrator.bucket(f"{bucket}/autogen")
    assert values(whole) == []  # nothing mapped yet, and no bucket of ours
    administrator.map(bucket, old)
    with pytest.raises(SeriesUnavailable, match=f"rename '{bucket}/autogen' to '{bucket}'"):
        whole.write([point(1)])
    administrator.rename(old, bucket)
    assert whole.write([point(1)]) == []
    assert values(whole) == [1.0]
    assert whole.examine(TOWN) == []
    administrator.rename(old, f"{bucket}/autogen")
    administrator.bucket(bucket)  # as somebody made it by hand
    assert whole.examine(TOWN) == [Finding(Trouble.READ_INSTEAD, bucket, f"{bucket}/autogen")]


STATIONS = [
    "linde-am-markt",
    "a b",
    "say \"hi\" AND station='x'",
    'x" OR station="y',
    "trailing\\",
    "Straße – 100 %",
    "a,b=c",
    "{{}}/.*/",
]


def test_each_name_deletes_its_own_points(whole: SeriesStore) -> None:
    keys = [SeriesKey(name, "soil_moisture") for name in [*STATIONS, "stays"]]
    whole.write([point(number, key) for number, key in enumerate(keys)])
    for gone in range(len(STATIONS)):
        whole.drop_station(TOWN, keys[gone].station)
        left = set(keys[gone + 1 :])
        assert set(whole.latest(TOWN, None)) == left
        assert whole.series(TOWN, keys[gone].station) == []


def test_points_without_a_channel_are_deleted_only_with_all_others(whole: SeriesStore) -> None:
    deep = SeriesKey(KEY.station, KEY.quantity, "30cm")
    whole.write([point(number, key) for number in range(4) for key in (KEY, deep)])
    whole.expire(TOWN, {deep: (NOON, Instant(NOON + 3)), KEY: (NOON, Instant(NOON + 2))})
    assert (values(whole, deep), values(whole)) == ([3.0], [2.0, 3.0])
    whole.expire(TOWN, {KEY: (NOON, Instant(NOON + 4))})
    assert (values(whole, deep), values(whole)) == ([3.0], [2.0, 3.0])


def test_a_request_of_many_points_is_taken_at_once(whole: SeriesStore) -> None:
    assert whole.write(point(number) for number in range(20_000)) == []
    assert values(whole) == [float(number) for number in range(20_000)]
