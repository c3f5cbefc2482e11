"""How full disks are, and when they will be."""

from __future__ import annotations

from math import inf, isnan
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from fake_uplinks import at
from operated_town import Town
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.disk import MEGABYTE, Space, one_per_disk, space_of
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.cloud.operations.disks import DiskWatch, days_left
from stadtsinn.cloud.operations.repository import disk_samples, logged_since
from stadtsinn.cloud.operations.tables import disk_samples as table

GIB = 1024**3


def samples(*free: float, every: int = DAY) -> list[tuple[Instant, int]]:
    return [(Instant(n * every), round(one * GIB)) for n, one in enumerate(free)]


def test_the_forecast_is_a_straight_line() -> None:
    assert days_left(samples(20, 18, 16), 16 * GIB) == pytest.approx(8)
    assert days_left(samples(20, 18.5, 15.5, 14), 14 * GIB) == pytest.approx(14 / 2.1)
    assert days_left(samples(20, 20), 20 * GIB) == inf
    assert days_left(samples(20, 21), 21 * GIB) == inf  # somebody made room
    assert isnan(days_left(samples(20), 20 * GIB))
    assert isnan(days_left([], 1))
    assert isnan(days_left(samples(20, 10, every=23 * HOUR), 10 * GIB))


class Bench:
    def __init__(self, town: Town) -> None:
        self.town = town
        self.clock = ManualClock(at(0))
        self.free = 50 * GIB
        self.start()

    def start(self) -> None:
        self.watch = DiskWatch(
            [Path("/data"), Path("/data/archive")],
            self.town.database,
            self.clock,
            14,
            look=lambda _: Space(self.free, 100 * GIB),
        )

    def day(self, less: float) -> None:
        self.clock.advance(DAY)
        self.free -= round(less * GIB)
        self.watch.step()

    def metric(self, name: str) -> float:
        found = REGISTRY.get_sample_value(name, {"folder": "/data"})
        assert found is not None
        return found


def test_a_disk_that_fills_is_foreseen_also_after_a_restart(town: Town) -> None:
    bench = Bench(town)
    bench.watch.step()
    assert bench.watch.check().warnings == ()
    assert isnan(bench.metric("stadtsinn_disk_days_left"))
    bench.day(1)
    assert bench.metric("stadtsinn_disk_days_left") == pytest.approx(49)
    assert bench.metric("stadtsinn_disk_free_bytes") == 49 * GIB
    bench.start()
    bench.day(10)
    bench.day(10)
    (warning,) = bench.watch.check().warnings
    assert "full in 4 days" in warning
    assert bench.watch.check().ok


def test_a_full_disk_is_a_failure(town: Town) -> None:
    bench = Bench(town)
    assert bench.watch.check().ok  # nobody has looked yet
    bench.free = 2 * GIB
    bench.watch.step()
    assert "2147 MB free (2%)" in bench.watch.check().warnings[0]
    bench.free = 99 * MEGABYTE
    bench.watch.step()
    check = bench.watch.check()
    assert not check.ok
    assert "/data" in check.detail


def test_samples_are_few_and_end(town: Town) -> None:
    bench = Bench(town)
    for _ in range(8 * 32):
        bench.clock.advance(3 * HOUR)
        bench.watch.step()
    with town.database.read() as connection:
        (place,) = set(connection.execute(table.select()).scalars())
        kept = disk_samples(connection, place)
    assert place.endswith(":/data")
    assert 118 <= len(kept) <= 121  # four a day for thirty days


def test_a_disk_on_which_much_is_free_is_not_small(tmp_path: Path) -> None:
    assert not Space(200 * GIB, 4000 * GIB).is_little
    assert Space(5 * GIB, 100 * GIB).is_little
    assert not Space(5 * GIB, 20 * GIB).is_little
    assert space_of(tmp_path / "not" / "there").total > 0


def test_a_disk_counts_once_however_many_folders_are_on_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    folders = [tmp_path / "a", tmp_path / "not there", tmp_path, Path("/proc")]
    assert one_per_disk(folders) == [tmp_path / "a", Path("/proc")]


def test_how_much_is_logged_in_a_day(town: Town) -> None:
    for seconds in (0, 100, 200, 300):
        town.log(seconds)
    with town.database.read() as connection:
        for since, expected in ((0, 4), (1, 4), (2, 3), (201, 2), (301, 1), (302, 0)):
            assert logged_since(connection, at(since)) == expected, since


def test_an_empty_log_grows_by_nothing(town: Town) -> None:
    with town.database.read() as connection:
        assert logged_since(connection, at(0)) == 0
