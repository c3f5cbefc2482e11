"""The follower: from logged uplinks to points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import structs

from databases import add_tenant, fresh_database
from fake_uplinks import register
from stadtsinn.base.instant import HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.series import follower as module
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.points import OTHER_FAMILY
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, Refused, Sample, SeriesKey, SeriesUnavailable
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Outcome, Quality, Reading, Undecoded
from stadtsinn.decoders.uplink import TimeSource

NOON = parse("2026-06-10T12:00:00+02:00")
DEVICE, OTHER = "a84041b42182fec7", "a84041b42182fec8"
EVER = (Instant(0), Instant(NOON + HOUR))
DECODER = catalogue().device("dragino/lse01").decoder


def uplink(position: int, outcome: Outcome, tenant: str = "musterstadt") -> LoggedUplink:
    time = Instant(NOON + position * MINUTE)
    return LoggedUplink(
        position=position,
        tenant_id=tenant,
        dev_eui=DEVICE,
        dev_addr="01020304",
        generation=0,
        f_cnt=position,
        f_port=2,
        payload=b"\x01",
        event_time=time,
        time_source=TimeSource.GPS,
        received_at=time,
        committed_at=time,
        source="edge:box",
        device_type="dragino/lse01",
        outcome=outcome,
    )


def decoded(*readings: Reading, decoder: str = DECODER) -> Decoded:
    return Decoded(decoder, readings)


def measured(
    quantity: str, channel: str, time: Instant, value: float, quality: Quality = Quality.GOOD
) -> Point:
    key = SeriesKey(DEVICE, quantity, channel)
    return Point("musterstadt", "soil", key, time, value, quality, DEVICE)


class Recorder:
    """A store that remembers what it was given, for what no real one can be made to do."""

    def __init__(self, refused: Sequence[Refused] = ()) -> None:
        self.points: list[Point] = []
        self.refused = list(refused)
        self.away = False

    def write(self, points: Sequence[Point]) -> list[Refused]:
        if self.away:
            raise SeriesUnavailable("away", "fort")
        self.points += points
        return self.refused


@pytest.fixture
def directory(tmp_path: Path) -> DirectoryCache:
    database = fresh_database(tmp_path)
    add_tenant(database, "musterstadt")
    register(database, DEVICE)
    return DirectoryCache(database)


def following(store: object, directory: DirectoryCache) -> SeriesFollower:
    return SeriesFollower(store, directory)  # type: ignore[arg-type]


def test_readings_become_points_at_the_time_they_were_taken(directory: DirectoryCache) -> None:
    store = Recorder()
    earlier = Instant(NOON - HOUR)
    readings = decoded(
        Reading("soil_moisture", 21.5),
        Reading("temperature", 9.0, "probe", event_time=earlier),
        Reading("soil_conductivity", 99_999.0, quality=Quality.BAD, reason="out_of_range"),
    )
    following(store, directory).prepare([uplink(1, readings)])
    time = Instant(NOON + MINUTE)
    assert store.points == [
        measured("soil_moisture", "", time, 21.5),
        measured("temperature", "probe", earlier, 9.0),
        measured("soil_conductivity", "", time, 99_999.0, Quality.BAD),
    ]


def test_what_could_not_be_decoded_has_no_values(directory: DirectoryCache) -> None:
    store = Recorder()
    following(store, directory).prepare(
        [uplink(1, Undecoded("truncated", "cut")), uplink(2, decoded())]
    )
    assert store.points == []


def test_an_unknown_decoder_does_not_cost_its_values(directory: DirectoryCache) -> None:
    store = Recorder()
    readings = decoded(Reading("soil_moisture", 1.0), decoder="nobody/knows@9")
    following(store, directory).prepare([uplink(1, readings)])
    assert [point.family for point in store.points] == ["soil"]  # by the registry


def test_a_device_that_nobody_knows_any_more_keeps_its_values(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    add_tenant(database, "musterstadt")
    register(database, DEVICE, device_type="nobody/knows")
    store = Recorder()
    readings = decoded(Reading("soil_moisture", 1.0), decoder="nobody/knows@9")
    following(store, DirectoryCache(database)).prepare([uplink(1, readings)])
    assert [point.family for point in store.points] == [OTHER_FAMILY]


def test_a_store_that_is_away_stops_the_batch_and_nothing_is_lost(
    directory: DirectoryCache,
) -> None:
    store = Recorder()
    follower = following(store, directory)
    store.away = True
    batch = [uplink(1, decoded(Reading("soil_moisture", 1.0)))]
    with pytest.raises(SeriesUnavailable):
        follower.prepare(batch)
    store.away = False
    follower.prepare(batch)
    assert [point.value for point in store.points] == [1.0]


def test_refused_values_are_counted_and_do_not_stop_the_batch(directory: DirectoryCache) -> None:
    store = Recorder([Refused(3, "what", "why")])
    before = module.REFUSED._value.get(), module.WRITTEN._value.get()
    readings = decoded(*(Reading("soil_moisture", float(i), str(i)) for i in range(5)))
    following(store, directory).prepare([uplink(1, readings)])
    assert module.REFUSED._value.get() - before[0] == 3
    assert module.WRITTEN._value.get() - before[1] == 2


def test_the_same_batch_twice_gives_the_same_series(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    add_tenant(database, "musterstadt")
    register(database, DEVICE)
    store = open_store(str(tmp_path / "series.sqlite"))
    follower = SeriesFollower(store, DirectoryCache(database))
    batch = [uplink(i, decoded(Reading("soil_moisture", float(i)))) for i in range(1, 4)]
    follower.prepare(batch)
    follower.prepare(batch)
    found = store.read("musterstadt", SeriesKey(DEVICE, "soil_moisture"), *EVER)
    assert found == [
        Sample(Instant(NOON + i * MINUTE), float(i), dev_eui=DEVICE) for i in range(1, 4)
    ]


def test_reset_empties_every_tenant(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    store = open_store(str(tmp_path / "series.sqlite"))
    follower = SeriesFollower(store, DirectoryCache(database))
    for tenant in ("musterstadt", "nachbarort"):
        add_tenant(database, tenant)
        dev_eui = DEVICE if tenant == "musterstadt" else OTHER
        register(database, dev_eui, tenant_id=tenant)
        follower.barrier()
        up = uplink(1, decoded(Reading("soil_moisture", 1.0)), tenant)
        follower.prepare([structs.replace(up, dev_eui=dev_eui)])
        assert store.latest(tenant, None)
    follower.before_reset()
    assert store.latest("musterstadt", None) == store.latest("nachbarort", None) == {}


def test_a_sample_whose_time_cannot_be_is_not_written(directory: DirectoryCache) -> None:
    """It would stay the newest value for as long as the device's clock is ahead."""
    store = Recorder()
    tomorrow = Instant(NOON + 24 * HOUR)
    ahead = Reading("soil_moisture", 9, "", Quality.BAD, CLOCK_WRONG, tomorrow)
    outcome = decoded(ahead, Reading("soil_moisture", 21))
    following(store, directory).prepare([uplink(1, outcome)])
    assert [(point.time, point.value) for point in store.points] == [(NOON + MINUTE, 21)]
