"""A town is erased and the command killed at any of its steps, while sensors of it and of its
neighbour go on measuring. Run again as the command runs it, nothing of the town is left in any
place, and the neighbour lost nothing."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fake_arrivals import event_arrival
from fake_uplinks import LSE01_PAYLOAD, at, chirpstack_event, entry, event_topic, uplink
from filled_towns import TOWN
from measuring_towns import OURS, THEIRS, furnished, neighbours, opened
from stadtsinn.base.instant import DAY, SECOND
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.erasure import repository, slices, town
from stadtsinn.cloud.erasure.slices import Slices, Storage
from stadtsinn.cloud.erasure.town import TownErasure, inventory
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.log.archive_files import thinning
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache

pytestmark = pytest.mark.slow

POINTS = (slices, town, thinning)
LATE = uplink(500, 500, dev_eui=OURS, payload=LSE01_PAYLOAD)


class Killed(Exception):
    """Like the end of the process: what was committed stays."""


@dataclass
class Traffic:
    """The running cloud beside the command. It sees changes of the registry after a moment."""

    storage: Storage
    kill_at: int
    passed: list[str] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.seconds = 0.0
        directory = DirectoryCache(self.storage.database, monotonic=lambda: self.seconds)
        directory.current()
        where = self.storage
        self.ingestor = open_ingestor(where.database, directory, where.clock, where.archive)
        self.series = FollowerLoop(
            where.database,
            SeriesFollower(where.series, directory, where.clock),
            where.clock,
            window=LogWindow(archive=where.archive),
        )

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def point(self, name: str) -> None:
        """Where the command may be killed; at each new step both towns measure something."""
        if name != (self.passed or [""])[-1]:
            self.measure()
        if name == "erasure.series_gone" and name not in self.passed:
            self._end_what_was_begun()
        self.passed.append(name)
        if len(self.passed) == self.kill_at:
            raise Killed

    def measure(self) -> None:
        self.sent += 1
        seconds = 10 * DAY // SECOND + self.sent
        for dev_eui in (OURS, THEIRS):
            up = uplink(1_000 + self.sent, seconds, dev_eui=dev_eui, payload=LSE01_PAYLOAD)
            arrival = event_arrival(event_topic(dev_eui), chirpstack_event(up), at(seconds))
            self.ingestor.take([arrival])
        while self.series.run_once():
            pass

    def _end_what_was_begun(self) -> None:
        """A thread that stood still since before the mark."""
        with self.storage.database.write() as connection:
            append(connection, [entry(LATE, tenant_id=TOWN)], at(500))
        key = SeriesKey(OURS, "soil_moisture")
        late = Point(TOWN, "soil", key, at(500), 1.0, dev_eui=OURS)
        self.storage.series.write([late])


def test_killed_anywhere_under_traffic_nothing_is_left_and_the_neighbour_lost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tmp_path / "original"
    original.mkdir()
    closed(furnished(original))
    unhindered = _erased(tmp_path / "whole", original, 0, monkeypatch)
    places = {unhindered.index(name) + 1 for name in unhindered}
    places |= {len(unhindered) - unhindered[::-1].index(name) for name in unhindered}
    assert {"erasure.marked", "erasure.ended", "thinning.written"} <= set(unhindered)
    for place in sorted(places):
        _erased(tmp_path / f"{place}", original, place, monkeypatch)


def _erased(folder: Path, original: Path, place: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The points that the command passed; it is killed at the one of this number, and run again."""
    shutil.copytree(original, folder)
    storage = opened(folder)
    before = neighbours(storage)[0]
    traffic = Traffic(storage, place)
    with monkeypatch.context() as patched:
        for module in POINTS:
            patched.setattr(module, "crash_point", traffic.point)
        with suppress(Killed):
            _command(storage, traffic)
        sent, again = traffic.sent, Traffic(storage, 0, sent=traffic.sent)
        for module in POINTS:
            patched.setattr(module, "crash_point", again.point)
        if place:
            with suppress(NotFound):  # nothing was left of it, as is looked at below
                _command(storage, again)
    name = f"killed at {traffic.passed[-1]}, point {len(traffic.passed)}"
    with storage.database.read() as connection:
        assert repository.anything_left(connection, TOWN) is None, name
        assert OURS not in repository.known_devices(connection)
    gone = thinning.of_tenant(TOWN)
    assert not list(thinning.days_that_hold(storage.database, storage.archive, gone)), name
    logged, values = neighbours(storage)
    assert logged[: len(before)] == before, name
    assert len(logged) == len(before) + max(sent, again.sent), name
    assert len(values) == 5 + max(sent, again.sent), name
    closed(storage)
    for path in (*folder.glob("series.sqlite*"), *(folder / "archive").rglob("*.parquet")):
        assert OURS.encode() not in path.read_bytes(), f"{name}: {path.name}"
    return traffic.passed


def _command(storage: Storage, traffic: Traffic) -> None:
    """What 'stadtsinn tenant delete' does."""
    inventory(storage, TOWN)
    TownErasure(storage, Slices(storage, wait=traffic.wait)).run(TOWN)


def closed(storage: Storage) -> None:
    storage.series.close()
    storage.database.dispose()
